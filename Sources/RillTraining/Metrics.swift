import RillBase

extension Trainer {
  /// A number by its name in rill.h.
  package func metric(_ name: UnsafePointer<CChar>) throws(RillError) -> Double {
    if sameBytes(name, "update_count") { return Double(optimizer.updateCount) }
    if sameBytes(name, "update_loss") { return try update().loss }
    if sameBytes(name, "gradient_norm") { return try update().gradientNorm }
    if sameBytes(name, "loss") {
      try requireEvaluation()
      return evaluation.loss / Double(evaluation.terms)
    }
    if sameBytes(name, "step_count") {
      try requireEvaluation()
      return Double(evaluation.steps)
    }
    if sameBytes(name, "accuracy") {
      guard loss != .meanSquaredError else { throw .unsupported("name: mse has no accuracy") }
      try requireEvaluation()
      return Double(evaluation.correct) / Double(evaluation.terms)
    }
    throw .argument("name: there is no metric \(boundedText(name, maximumBytes: 64))")
  }

  private func requireEvaluation() throws(RillError) {
    if evaluation.terms == 0 { throw .state("nothing has been evaluated since the metrics were reset") }
  }

  private func update() throws(RillError) -> (loss: Double, gradientNorm: Double) {
    guard let lastUpdate else { throw .state("no update has succeeded yet") }
    return lastUpdate
  }
}
