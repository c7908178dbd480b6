import RillBase
import RillNetwork

extension Trainer {
  /// A loss on data that is not learned from, for the schedule, the best parameters and the end of training.
  package func setValidationLoss(_ loss: Double) throws(RillError) {
    guard loss.isFinite else { throw .argument("loss: is not finite") }
    // The parameters are read only to be kept.
    let keepsBest = optimizer.validation.best != nil
    if keepsBest { try model.access.take() }
    optimizer.validation.add(loss, model.values.pointer)
    if keepsBest { model.access.release() }
    optimizer.schedule.observe(loss, optimizer.learningRate, optimizer.updateCount)
  }

  /// Copies parameters that are remembered, "best" or "average", into a model.
  package func copyParameters(_ source: UnsafePointer<CChar>, into destination: Model) throws(RillError) {
    let values: Buffer<Float>?
    let exists: Bool
    if sameBytes(source, "best") {
      values = optimizer.validation.best
      exists = optimizer.validation.count > 0
    } else if sameBytes(source, "average") {
      values = optimizer.average?.values
      exists = optimizer.average?.exists ?? false
    } else {
      throw .argument("source: must be best or average")
    }
    let parameters = model.network.parameters
    let others = destination.network.parameters
    var areSame = parameters.count == others.count
    for index in parameters.indices where areSame {
      let (own, other) = (parameters[index], others[index])
      areSame = sameBytes(own.name, other.name) && own.rows == other.rows && own.columns == other.columns
    }
    guard areSame else { throw .argument("model: its parameters have other names or shapes than those of the trained model") }
    guard let values else { throw .state("source: the trainer was created without the option that remembers these parameters") }
    guard exists else { throw .state("source: nothing is remembered yet") }
    guard model.network.kernels.table.all_finite(values.pointer, values.count) != 0 else {
      throw .diverged("source: a remembered parameter is not finite")
    }
    try destination.access.take()
    destination.values.pointer.copy(values.pointer, values.count)
    destination.access.release()
  }

  /// Metrics of the learning rate and of validations; nil for other names.
  func optimizationMetric(_ name: UnsafePointer<CChar>) throws(RillError) -> Double? {
    if sameBytes(name, "learning_rate") { return optimizer.rate }
    let validation = optimizer.validation
    if sameBytes(name, "should_stop") { return validation.shouldStop ? 1 : 0 }
    let isBest = sameBytes(name, "best_validation_loss")
    guard isBest || sameBytes(name, "validations_since_best") else { return nil }
    guard validation.count > 0 else { throw .state("no validation loss has been set yet") }
    return isBest ? validation.bestLoss : Double(validation.sinceBest)
  }
}
