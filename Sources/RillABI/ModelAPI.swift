import CPlatform
import CRill
import RillBase
import RillFormat
import RillJSON
import RillNetwork

@implementation @_cdecl("rill_model_create")
public func rill_model_create(
  _ configuration: UnsafePointer<CChar>!, _ seed: UInt64, _ options: UnsafePointer<CChar>!, _ model: UnsafeMutablePointer<OpaquePointer?>!
) -> rill_status {
  status { () throws(RillError) in
    let out = try required(model, "model")
    out.pointee = nil
    let text = try required(configuration, "configuration")
    try checkNoOptions(options)
    out.pointee = retained(try ModelReader.create(bytes(text), seed: seed))
  }
}

@implementation @_cdecl("rill_model_load")
public func rill_model_load(
  _ path: UnsafePointer<CChar>!, _ options: UnsafePointer<CChar>!, _ model: UnsafeMutablePointer<OpaquePointer?>!
) -> rill_status {
  status { () throws(RillError) in
    let out = try required(model, "model")
    out.pointee = nil
    let path = try required(path, "path")
    let givesInitialStates = try readLoadOptions(options)
    try withFile(path) { text throws(RillError) in
      out.pointee = retained(try ModelReader.read(text, givesInitialStates: givesInitialStates))
    }
  }
}

@implementation @_cdecl("rill_model_parse")
public func rill_model_parse(
  _ text: UnsafePointer<CChar>!, _ text_length: Int, _ options: UnsafePointer<CChar>!, _ model: UnsafeMutablePointer<OpaquePointer?>!
) -> rill_status {
  status { () throws(RillError) in
    let out = try required(model, "model")
    out.pointee = nil
    let text = try fileText(text, text_length)
    let givesInitialStates = try readLoadOptions(options)
    out.pointee = retained(try ModelReader.read(text, givesInitialStates: givesInitialStates))
  }
}

/// "initial_state".
private func readLoadOptions(_ options: UnsafePointer<CChar>?) throws(RillError) -> Bool {
  guard options != nil else { return false }
  let json = try parseOptions(options)
  try json.requireObject(keys: "initial_state")
  return try json.member("initial_state")?.boolean() ?? false
}

@implementation @_cdecl("rill_model_save")
public func rill_model_save(_ model: OpaquePointer!, _ path: UnsafePointer<CChar>!, _ options: UnsafePointer<CChar>!) -> rill_status {
  status { () throws(RillError) in
    let model: Model = try object(model, "model")
    let path = try required(path, "path")
    try replaceFile(path, try modelText(model, options))
  }
}

@implementation @_cdecl("rill_model_save_text")
public func rill_model_save_text(
  _ model: OpaquePointer!, _ options: UnsafePointer<CChar>!, _ buffer: UnsafeMutablePointer<CChar>!, _ capacity: Int,
  _ length: UnsafeMutablePointer<Int>!
) -> rill_status {
  status { () throws(RillError) in
    let model: Model = try object(model, "model")
    let length = try required(length, "length")
    try give(try modelText(model, options), buffer, capacity, length)
  }
}

private func modelText(_ model: Model, _ options: UnsafePointer<CChar>?) throws(RillError) -> Buffer<UInt8> {
  let options = try parseOptions(options)
  try model.access.take()
  defer { model.access.release() }
  return try ModelWriter.write(model, options: options)
}

@implementation @_cdecl("rill_model_describe")
public func rill_model_describe(
  _ model: OpaquePointer!, _ buffer: UnsafeMutablePointer<CChar>!, _ capacity: Int, _ length: UnsafeMutablePointer<Int>!
) -> rill_status {
  status { () throws(RillError) in
    let model: Model = try object(model, "model")
    let length = try required(length, "length")
    let text = try ModelDescription.write(model.network, libraryVersion: libraryVersion)
    try give(text, buffer, capacity, length)
  }
}

@implementation @_cdecl("rill_model_destroy")
public func rill_model_destroy(_ model: OpaquePointer!) { release(model, Model.self) }

@implementation @_cdecl("rill_model_get_input_kind")
public func rill_model_get_input_kind(_ model: OpaquePointer!, _ input_kind: UnsafeMutablePointer<Int32>!) -> rill_status {
  status { () throws(RillError) in
    let model: Model = try object(model, "model")
    try required(input_kind, "input_kind").pointee = Int32(model.network.input.isToken ? RILL_INPUT_TOKEN : RILL_INPUT_VECTOR)
  }
}

@implementation @_cdecl("rill_model_get_input_size")
public func rill_model_get_input_size(_ model: OpaquePointer!, _ input_size: UnsafeMutablePointer<Int>!) -> rill_status {
  status { () throws(RillError) in
    let model: Model = try object(model, "model")
    try required(input_size, "input_size").pointee = model.network.input.size
  }
}

@implementation @_cdecl("rill_model_get_output_size")
public func rill_model_get_output_size(_ model: OpaquePointer!, _ output_size: UnsafeMutablePointer<Int>!) -> rill_status {
  status { () throws(RillError) in
    let model: Model = try object(model, "model")
    try required(output_size, "output_size").pointee = model.network.outputSize
  }
}

@implementation @_cdecl("rill_model_publish")
public func rill_model_publish(_ model: OpaquePointer!) -> rill_status {
  status { () throws(RillError) in
    let model: Model = try object(model, "model")
    try model.access.take()
    defer { model.access.release() }
    try model.publish()
  }
}
