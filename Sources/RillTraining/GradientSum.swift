import RillBase
import RillNetwork

/// Gradients that wait for an optimizer step: of the sum of all losses, in the layout of the parameters, with what a mean divides by.
final class GradientSum {
  let values: Buffer<Float>
  /// Sums over everything that was added.
  private(set) var loss = 0.0
  private(set) var weight = 0.0
  /// Windows or batches that were added.
  private(set) var count = 0
  /// True if an optimizer step has used, or refused, what is here: it can be read, and the next gradient begins anew.
  private(set) var isSpent = true
  /// The Euclidean norm of what waits; nil: not known.
  var norm: Double?

  convenience init(_ network: Network) throws(RillError) {
    self.init(values: try Buffer(count: network.valueCount))
  }

  private init(values: Buffer<Float>) { self.values = values }

  /// Makes room for a gradient to be added.
  func open() {
    guard isSpent else { return }
    values.pointer.clear(values.count)
    (loss, weight, count) = (0, 0, 0)
    isSpent = false
  }

  func add(loss: Double, weight: Double) {
    self.loss += loss
    self.weight += weight
    count += 1
    norm = nil
  }

  func spend() { isSpent = true }

  /// What the sums are divided by.
  func divisor(isMean: Bool) -> Double { isMean ? weight : 1 }

  // MARK: checkpoints

  func forEachNumber(_ body: NumberVisitor) throws(RillError) {
    isSpent = try visit("gradients_spent", isSpent, body)
    loss = try visit("gradients_loss", loss, body)
    weight = try visit("gradients_weight", weight, body)
    count = try visit("gradients_count", count, body)
  }

  // MARK: as one flat array

  /// Values of all parameters without padding, the sum of the losses, and what a mean divides by.
  static func flatCount(_ network: Network) -> Int { network.parameters.reduce(2) { $0 + $1.count } }

  func write(_ network: Network, _ flat: UnsafeMutablePointer<Float>) {
    var to = flat
    for parameter in network.parameters {
      to.copy(values.pointer + parameter.offset, parameter.count)
      to += parameter.count
    }
    to[0] = Float(loss)
    to[1] = Float(weight)
  }

  func read(_ network: Network, _ flat: UnsafePointer<Float>) {
    isSpent = true
    open()
    var from = flat
    for parameter in network.parameters {
      (values.pointer + parameter.offset).copy(from, parameter.count)
      from += parameter.count
    }
    add(loss: Double(from[0]), weight: Double(from[1]))
  }
}

extension Trainer {
  package var flatGradientCount: Int { GradientSum.flatCount(network) }

  /// Writes the gradients that wait.
  package func getGradients(_ flat: UnsafeMutablePointer<Float>) throws(RillError) {
    guard !gradients.isSpent else { throw .state("trainer: no gradients wait for an update") }
    gradients.write(network, flat)
  }

  /// Replaces the gradients that wait by finite ones.
  package func setGradients(_ flat: UnsafePointer<Float>) { gradients.read(network, flat) }
}
