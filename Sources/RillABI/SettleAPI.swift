import CRill
import RillBase
import RillNetwork

@implementation @_cdecl("rill_stream_settle")
public func rill_stream_settle(
  _ stream: OpaquePointer!, _ input: UnsafePointer<Float>!, _ input_count: Int, _ tolerance: Float, _ step_limit: Int,
  _ step_count: UnsafeMutablePointer<Int>!, _ last_change: UnsafeMutablePointer<Float>!
) -> rill_status {
  status { () throws(RillError) in
    let stream: Stream = try object(stream, "stream")
    if stream.readsTokens { throw Stream.isForTokens }
    let input = try required(input, "input")
    try check(input_count, stream.stepInputs, "input_count")
    if !stream.replacesNonFinite { try checkFinite(input, input_count, "input") }
    try settle(stream, input, nil, tolerance, step_limit, step_count, last_change)
  }
}

@implementation @_cdecl("rill_stream_settle_tokens")
public func rill_stream_settle_tokens(
  _ stream: OpaquePointer!, _ tokens: UnsafePointer<Int32>!, _ token_count: Int, _ tolerance: Float, _ step_limit: Int,
  _ step_count: UnsafeMutablePointer<Int>!, _ last_change: UnsafeMutablePointer<Float>!
) -> rill_status {
  status { () throws(RillError) in
    let stream: Stream = try object(stream, "stream")
    if !stream.readsTokens { throw Stream.isForVectors }
    let tokens = try required(tokens, "tokens")
    try check(token_count, stream.batchSize, "token_count")
    try checkRange(tokens, token_count, -1...(stream.inputSize - 1), "tokens")
    try settle(stream, nil, tokens, tolerance, step_limit, step_count, last_change)
  }
}

private func settle(
  _ stream: Stream, _ input: UnsafePointer<Float>?, _ tokens: UnsafePointer<Int32>?, _ tolerance: Float, _ limit: Int,
  _ stepCount: UnsafeMutablePointer<Int>?, _ lastChange: UnsafeMutablePointer<Float>?
) throws(RillError) {
  guard tolerance >= 0 else { throw .argument("tolerance: must be 0 or more") }
  try check(limit, in: 1...Int.max, "step_limit")
  let stepCount = try required(stepCount, "step_count")
  let lastChange = try required(lastChange, "last_change")
  try stream.requireState()
  let result = try stream.settle(input, tokens, tolerance: tolerance, limit: limit)
  stepCount.pointee = result.steps
  lastChange.pointee = result.change
}

@implementation @_cdecl("rill_model_set_initial_state")
public func rill_model_set_initial_state(_ model: OpaquePointer!, _ stream: OpaquePointer!, _ lane: Int) -> rill_status {
  status { () throws(RillError) in
    let model: Model = try object(model, "model")
    let stream: Stream = try object(stream, "stream")
    guard lane >= 0, lane < stream.batchSize else { throw .argument("lane: the stream has no such lane") }
    try model.access.take()
    defer { model.access.release() }
    try stream.giveInitialState(lane: lane, to: model)
  }
}
