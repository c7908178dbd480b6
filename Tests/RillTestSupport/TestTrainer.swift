import CRill

/// A trainer for the length of a test.
public final class TestTrainer: @unchecked Sendable {
  public let handle: OpaquePointer
  private let model: TestModel

  public init(_ model: TestModel, _ options: TrainerOptions, seed: UInt64 = 1) throws {
    var handle: OpaquePointer?
    try check(rill_trainer_create(model.handle, seed, options.text, &handle))
    self.handle = handle!
    self.model = model
  }

  /// A trainer whose updates compute loss and gradient and change no parameter.
  public convenience init(probing model: TestModel, _ objective: Objective, seed: UInt64 = 1) throws {
    try self.init(model, TrainerOptions(objective, .init("sgd", learningRate: 0)), seed: seed)
  }

  deinit { rill_trainer_destroy(handle) }

  /// One update; gives the loss before it.
  @discardableResult
  public func update(_ batch: TestBatch) throws -> Double {
    var loss = Double.nan
    try check(rill_trainer_update(handle, batch.handle, &loss))
    return loss
  }

  public func evaluate(_ batch: TestBatch) throws {
    try check(rill_trainer_evaluate(handle, batch.handle))
  }

  public func resetMetrics() throws {
    try check(rill_trainer_reset_metrics(handle))
  }

  public func metric(_ name: String) throws -> Double {
    var value = Double.nan
    try check(rill_trainer_get_metric(handle, name, &value))
    return value
  }

  public func gradient(_ name: String) throws -> [Float] {
    var values = unwritten(try model.shape(name).reduce(1, *))
    try check(rill_trainer_get_gradient(handle, name, &values, values.count))
    return values
  }

  /// The gradient of every parameter.
  public func gradients() throws -> [String: [Float]] {
    var result: [String: [Float]] = [:]
    for name in try model.parameterNames() { result[name] = try gradient(name) }
    return result
  }
}
