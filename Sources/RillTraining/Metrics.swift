import RillBase

extension Trainer {
  /// A number by its name in rill.h.
  package func metric(_ name: UnsafePointer<CChar>) throws(RillError) -> Double {
    if sameBytes(name, "update_count") { return Double(optimizer.updateCount) }
    if sameBytes(name, "update_loss") { return try update().loss }
    if sameBytes(name, "gradient_norm") { return try update().gradientNorm }
    if let value = try evaluation.metric(name) { return value }
    if let value = try optimizationMetric(name) { return value }
    throw .argument("name: there is no metric \(boundedText(name, maximumBytes: 64))")
  }

  private func update() throws(RillError) -> (loss: Double, gradientNorm: Double) {
    guard let lastUpdate else { throw .state("no update has succeeded yet") }
    return lastUpdate
  }
}
