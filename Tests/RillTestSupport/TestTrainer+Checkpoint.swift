import CRill

extension TestTrainer {
  public func saveText() throws -> [UInt8] {
    try textBytes { rill_trainer_save_text(handle, nil, $0, $1, $2) }
  }

  /// The trainer in a checkpoint, with a model of its own.
  public static func parsing(_ text: [UInt8]) throws -> TestTrainer {
    var model: OpaquePointer?
    var trainer: OpaquePointer?
    try text.withUnsafeBytes {
      try check(rill_trainer_parse($0.assumingMemoryBound(to: CChar.self).baseAddress, $0.count, nil, &model, &trainer))
    }
    return TestTrainer(owning: trainer!, of: try TestModel(model!))
  }

  public func setData(_ data: [UInt8]) throws {
    try check(rill_trainer_set_data(handle, data, data.count))
  }

  public func data() throws -> [UInt8] {
    var length = 0
    try check(rill_trainer_get_data(handle, nil, 0, &length))
    var data = [UInt8](repeating: 0, count: length)
    try check(rill_trainer_get_data(handle, &data, data.count, &length))
    return data
  }
}
