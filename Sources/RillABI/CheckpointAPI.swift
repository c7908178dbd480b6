import CRill
import RillBase
import RillCheckpoint
import RillNetwork
import RillTraining

@implementation @_cdecl("rill_trainer_save")
public func rill_trainer_save(_ trainer: OpaquePointer!, _ path: UnsafePointer<CChar>!, _ options: UnsafePointer<CChar>!) -> rill_status {
  status { () throws(RillError) in
    let trainer: Trainer = try object(trainer, "trainer")
    let path = try required(path, "path")
    try checkNoOptions(options)
    try replaceFile(path, try text(trainer))
  }
}

@implementation @_cdecl("rill_trainer_save_text")
public func rill_trainer_save_text(
  _ trainer: OpaquePointer!, _ options: UnsafePointer<CChar>!, _ buffer: UnsafeMutablePointer<CChar>!, _ capacity: Int,
  _ length: UnsafeMutablePointer<Int>!
) -> rill_status {
  status { () throws(RillError) in
    let trainer: Trainer = try object(trainer, "trainer")
    let length = try required(length, "length")
    try checkNoOptions(options)
    try give(try text(trainer), buffer, capacity, length)
  }
}

private func text(_ trainer: Trainer) throws(RillError) -> Buffer<UInt8> {
  try trainer.model.access.take()
  defer { trainer.model.access.release() }
  return try Checkpoint.write(trainer)
}

@implementation @_cdecl("rill_trainer_load")
public func rill_trainer_load(
  _ path: UnsafePointer<CChar>!, _ options: UnsafePointer<CChar>!, _ model: UnsafeMutablePointer<OpaquePointer?>!,
  _ trainer: UnsafeMutablePointer<OpaquePointer?>!
) -> rill_status {
  status { () throws(RillError) in
    let model = cleared(model)
    let out = try required(cleared(trainer), "trainer")
    let path = try required(path, "path")
    try checkNoOptions(options)
    try withFile(path) { text throws(RillError) in give(try Checkpoint.read(text), model, out) }
  }
}

@implementation @_cdecl("rill_trainer_parse")
public func rill_trainer_parse(
  _ text: UnsafePointer<CChar>!, _ text_length: Int, _ options: UnsafePointer<CChar>!, _ model: UnsafeMutablePointer<OpaquePointer?>!,
  _ trainer: UnsafeMutablePointer<OpaquePointer?>!
) -> rill_status {
  status { () throws(RillError) in
    let model = cleared(model)
    let out = try required(cleared(trainer), "trainer")
    let bytes = try fileText(text, text_length)
    try checkNoOptions(options)
    give(try Checkpoint.read(bytes), model, out)
  }
}

private func cleared(_ out: UnsafeMutablePointer<OpaquePointer?>?) -> UnsafeMutablePointer<OpaquePointer?>? {
  out?.pointee = nil
  return out
}

private func give(_ trainer: Trainer, _ model: UnsafeMutablePointer<OpaquePointer?>?, _ out: UnsafeMutablePointer<OpaquePointer?>) {
  model?.pointee = retained(trainer.model)
  out.pointee = retained(trainer)
}

@implementation @_cdecl("rill_trainer_set_data")
public func rill_trainer_set_data(_ trainer: OpaquePointer!, _ data: UnsafeRawPointer!, _ length: Int) -> rill_status {
  status { () throws(RillError) in
    let trainer: Trainer = try object(trainer, "trainer")
    try check(length, in: 0...Checkpoint.maximumData, "length")
    let copy = try Buffer<UInt8>(count: length)
    if length > 0 { UnsafeMutableRawPointer(copy.pointer).copyMemory(from: try required(data, "data"), byteCount: length) }
    trainer.data = copy
  }
}

@implementation @_cdecl("rill_trainer_get_data")
public func rill_trainer_get_data(
  _ trainer: OpaquePointer!, _ buffer: UnsafeMutableRawPointer!, _ capacity: Int, _ length: UnsafeMutablePointer<Int>!
) -> rill_status {
  status { () throws(RillError) in
    let trainer: Trainer = try object(trainer, "trainer")
    let length = try required(length, "length")
    let data = trainer.data
    length.pointee = data.count
    if try wantsBytes(data.count, isText: false, buffer, capacity), let buffer {
      buffer.copyMemory(from: data.pointer, byteCount: data.count)
    }
  }
}
