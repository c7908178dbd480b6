import RillBase
import RillJSON
import RillNetwork

/// A moving average of the parameters: those of the first update, then after each a' = a + (1 − decay) (p − a), which is decay·a + (1 − decay)·p.
/// PyTorch's AveragedModel with get_ema_multi_avg_fn.
final class Average {
  private let decay: Double
  let values: Buffer<Float>
  /// False until the first update.
  private(set) var exists = false

  /// json: all options of a trainer; nil without "average". count: parameter values.
  static func asked(_ json: JSONValue, count: Int) throws(RillError) -> Average? {
    guard let given = try json.member("average") else { return nil }
    try given.requireObject(keys: "decay")
    return Average(try given.member("decay")?.number(0...1) ?? 0.999, try Buffer(count: count))
  }

  private init(_ decay: Double, _ values: Buffer<Float>) {
    self.decay = decay
    self.values = values
  }

  /// Takes in the parameters of a slice, after an update.
  func add(_ parameters: UnsafePointer<Float>, _ slice: Slice, _ kernels: Kernels) {
    let own = values.pointer + slice.offset
    if exists {
      kernels.table.average(parameters + slice.offset, own, Float(1 - decay), slice.count)
    } else {
      own.copy(parameters + slice.offset, slice.count)
    }
  }

  /// All slices of an update have been added.
  func finish() { exists = true }

  func forEachNumber(_ body: NumberVisitor) throws(RillError) { exists = try visit("average_exists", exists, body) }
}
