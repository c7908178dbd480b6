import CPlatform
import CRill
import RillBase
import RillNetwork

// Real-time calls as well: literal messages, or messages formed in C.

@implementation @_cdecl("rill_stream_reset")
public func rill_stream_reset(_ stream: OpaquePointer!) -> rill_status {
  withStream(stream) { stream in
    stream.reset()
    return rill_status(RILL_OK)
  }
}

@implementation @_cdecl("rill_stream_reset_lane")
public func rill_stream_reset_lane(_ stream: OpaquePointer!, _ lane: Int) -> rill_status {
  withStream(stream) { stream in
    status { () throws(RillError) in
      try checkLane(lane, stream, "lane: the stream has no such lane")
      try stream.requireState()
      stream.resetLane(lane)
    }
  }
}

@implementation @_cdecl("rill_stream_copy")
public func rill_stream_copy(_ source: OpaquePointer!, _ destination: OpaquePointer!) -> rill_status {
  withTwo(source, destination) { (source, destination) throws(RillError) in try source.copy(to: destination) }
}

@implementation @_cdecl("rill_stream_copy_lane")
public func rill_stream_copy_lane(
  _ source: OpaquePointer!, _ source_lane: Int, _ destination: OpaquePointer!, _ destination_lane: Int
) -> rill_status {
  withTwo(source, destination) { (source, destination) throws(RillError) in
    try checkLane(source_lane, source, "source_lane: the source has no such lane")
    try checkLane(destination_lane, destination, "destination_lane: the destination has no such lane")
    try source.copyLane(source_lane, to: destination, destination_lane)
  }
}

@implementation @_cdecl("rill_stream_get_state")
public func rill_stream_get_state(
  _ stream: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ values: UnsafeMutablePointer<Float>!, _ value_count: Int
) -> rill_status {
  withTensor(stream, name, values != nil, value_count) { stream, tensor in
    stream.getState(tensor, values)
    return rill_status(RILL_OK)
  }
}

@implementation @_cdecl("rill_stream_set_state")
public func rill_stream_set_state(
  _ stream: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ values: UnsafePointer<Float>!, _ value_count: Int
) -> rill_status {
  withTensor(stream, name, values != nil, value_count) { stream, tensor in
    for index in 0..<value_count where !values[index].isFinite {
      rill__set_finite_error("values", index)
      return rill_status(RILL_ERROR_ARGUMENT)
    }
    stream.setState(tensor, values)
    return rill_status(RILL_OK)
  }
}

@implementation @_cdecl("rill_stream_save_state")
public func rill_stream_save_state(
  _ stream: OpaquePointer!, _ buffer: UnsafeMutableRawPointer!, _ capacity: Int, _ length: UnsafeMutablePointer<Int>!
) -> rill_status {
  withStream(stream) { stream in
    status { () throws(RillError) in
      guard let length else { throw .argument("length is NULL") }
      length.pointee = stream.blobBytes
      guard try wantsBytes(stream.blobBytes, isText: false, buffer, capacity) else { return }
      try stream.requireState()
      stream.saveState(buffer)
    }
  }
}

@implementation @_cdecl("rill_stream_load_state")
public func rill_stream_load_state(_ stream: OpaquePointer!, _ data: UnsafeRawPointer!, _ length: Int) -> rill_status {
  withStream(stream) { stream in
    status { () throws(RillError) in
      guard let data else { throw .argument("data is NULL") }
      guard length >= 0 else { throw .argument("length: is more than memory can hold") }
      try stream.loadState(data, length)
    }
  }
}

@implementation @_cdecl("rill_stream_refresh")
public func rill_stream_refresh(_ stream: OpaquePointer!) -> rill_status {
  withStream(stream) { stream in
    stream.refresh()
    return rill_status(RILL_OK)
  }
}

private func checkLane(_ lane: Int, _ stream: Stream, _ message: Text) throws(RillError) {
  guard lane >= 0, lane < stream.batchSize else { throw .argument(message) }
}

@inline(always)
private func withTwo(
  _ source: OpaquePointer?, _ destination: OpaquePointer?, _ body: (Stream, Stream) throws(RillError) -> Void
) -> rill_status {
  guard source != nil else { return fail(.argument("source is NULL")) }
  guard destination != nil else { return fail(.argument("destination is NULL")) }
  return withStream(source) { source in
    withStream(destination) { destination in
      status { () throws(RillError) in try body(source, destination) }
    }
  }
}

/// Looks up a named state and checks the array it is copied from or to.
@inline(always)
private func withTensor(
  _ stream: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ hasValues: Bool, _ count: Int, _ body: (Stream, StateTensor) -> rill_status
) -> rill_status {
  withStream(stream) { stream in
    guard let name else { return fail(.argument("name is NULL")) }
    guard hasValues else { return fail(.argument("values is NULL")) }
    for tensor in stream.model.network.states where sameBytes(name, tensor.name) {
      let expected = stream.count(of: tensor)
      if count != expected {
        rill__set_count_error("value_count", count, expected)
        return rill_status(RILL_ERROR_ARGUMENT)
      }
      if stream.needsReset { return fail(Stream.lostState) }
      return body(stream, tensor)
    }
    return fail(.argument("name: the model has no such state"))
  }
}
