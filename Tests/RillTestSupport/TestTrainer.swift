import CRill

/// A trainer for the length of a test.
public final class TestTrainer: @unchecked Sendable {
  public let handle: OpaquePointer
  public let model: TestModel

  public convenience init(_ model: TestModel, _ options: TrainerOptions, seed: UInt64 = 1) throws {
    try self.init(model, optionsText: options.text, seed: seed)
  }

  public init(_ model: TestModel, optionsText: String, seed: UInt64 = 1) throws {
    var handle: OpaquePointer?
    try check(rill_trainer_create(model.handle, seed, optionsText, &handle))
    self.handle = handle!
    self.model = model
  }

  /// Takes over a handle.
  init(owning handle: OpaquePointer, of model: TestModel) {
    self.handle = handle
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

  // MARK: waiting gradients

  /// Adds a batch's gradient to those that wait; gives its loss.
  @discardableResult
  public func evaluateGradients(_ batch: TestBatch) throws -> Double {
    var loss = Double.nan
    try check(rill_trainer_evaluate_gradients(handle, batch.handle, &loss))
    return loss
  }

  public func updateFromGradients() throws { try check(rill_trainer_update_from_gradients(handle)) }

  /// What waits, as one array.
  public func waitingGradients() throws -> [Float] {
    var count = 0
    try check(rill_trainer_get_gradients_count(handle, &count))
    var values = unwritten(count)
    try check(rill_trainer_get_gradients(handle, &values, count))
    return values
  }

  public func setWaitingGradients(_ values: [Float]) throws { try check(rill_trainer_set_gradients(handle, values, values.count)) }

  // MARK: states

  public func resetState() throws { try check(rill_trainer_reset_state(handle)) }

  public func resetState(lane: Int) throws { try check(rill_trainer_reset_state_lane(handle, lane)) }

  public func setState(_ stream: TestStream) throws { try check(rill_trainer_set_state(handle, stream.handle)) }

  public func getState(_ stream: TestStream) throws { try check(rill_trainer_get_state(handle, stream.handle)) }

  // MARK: numbers

  public func setLearningRate(_ rate: Double) throws {
    try check(rill_trainer_set_learning_rate(handle, rate))
  }

  public func setValidationLoss(_ loss: Double) throws {
    try check(rill_trainer_set_validation_loss(handle, loss))
  }

  public func copyParameters(_ source: String, into model: TestModel) throws {
    try check(rill_trainer_copy_parameters(handle, source, model.handle))
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
