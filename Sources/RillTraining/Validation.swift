import RillBase
import RillJSON
import RillNetwork

/// Losses measured on data that is not learned from: the best one with the parameters at it, and when to stop.
final class Validation {
  /// Validations in a row without improvement until training should stop; 0: never.
  private let patience: Int
  private let minDelta: Double
  /// The parameters at the best loss; nil if they are not kept.
  let best: Buffer<Float>?
  private(set) var count = 0
  private(set) var bestLoss = 0.0
  private(set) var sinceBest = 0
  /// Validations in a row that were not less than the best before them minus minDelta.
  private var stagnant = 0

  static var table: OptionTable {
    OptionTable([
      Option("keep_best", .boolean(fallback: false)), Option("patience", .integer(1...largestCount, fallback: 0)),
      Option("min_delta", .number(0...largestNumber, fallback: -1)),
    ])
  }

  /// json: all options of the trainer, whose keys have been checked. count: parameter values.
  convenience init(_ json: JSONValue, count: Int) throws(RillError) {
    let values = try Validation.table.read(json)
    if values[1] == 0, values[2] >= 0 { throw .format("options.min_delta: does nothing without patience") }
    self.init(values, values[0] == 1 ? try Buffer(count: count) : nil)
  }

  private init(_ values: [Double], _ best: Buffer<Float>?) {
    patience = Int(values[1])
    minDelta = max(0, values[2])
    self.best = best
  }

  var shouldStop: Bool { patience > 0 && stagnant >= patience }

  func add(_ loss: Double, _ parameters: UnsafePointer<Float>) {
    stagnant = count == 0 || loss < bestLoss - minDelta ? 0 : stagnant + 1
    sinceBest += 1
    if count == 0 || loss < bestLoss {
      bestLoss = loss
      sinceBest = 0
      if let best { best.pointer.copy(parameters, best.count) }
    }
    count += 1
  }

  func forEachNumber(_ body: NumberVisitor) throws(RillError) {
    count = try visit("validation_count", count, body)
    bestLoss = try visit("best_validation_loss", bestLoss, body)
    sinceBest = try visit("validations_since_best", sinceBest, body)
    stagnant = try visit("validations_stagnant", stagnant, body)
  }
}
