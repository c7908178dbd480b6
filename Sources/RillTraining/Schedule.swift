import CPlatform
import RillBase
import RillJSON
import RillNetwork

/// How the learning rate goes with the count of updates. η is the rate that the host sets, n the updates that have succeeded, w those of the warmup and
/// m = max(0, n − w). The formulas are PyTorch's schedulers in closed form: what they give depends on n alone, and not on how it was reached.
///
/// During the warmup (n < w) the rate is η(0) (n + 1) / w: η(0)/w, 2η(0)/w, … η(0). PyTorch's LinearLR with start_factor 1/w and total_iters w − 1, before
/// the schedule.
final class Schedule {
  enum Kind: Int {
    case constant
    case step
    case exponential
    case cosine
    case oneCycle
    case plateau
  }

  /// The options of all kinds; −1 where there is no default.
  private static var table: OptionTable {
    OptionTable([
      Option("warmup", .integer(0...largestCount, fallback: 0)),
      Option("gamma", .number(0...largestNumber, fallback: -1)),
      Option("step_size", .integer(1...largestCount, fallback: -1)),
      Option("t_max", .integer(1...largestCount, fallback: -1)),
      Option("eta_min", .number(0...largestNumber, fallback: 0)),
      Option("total_steps", .integer(1...largestCount, fallback: -1)),
      Option("pct_start", .number(0...1, fallback: 0.3)),
      // Divisors may not be 0.
      Option("div_factor", .number(1e-37...largestNumber, fallback: 25)),
      Option("final_div_factor", .number(1e-37...largestNumber, fallback: 10_000)),
      Option("factor", .number(0...0.9999999, fallback: 0.1)),
      Option("patience", .integer(0...largestCount, fallback: 10)),
      Option("threshold", .number(0...largestNumber, fallback: 1e-4)),
      Option("cooldown", .integer(0...largestCount, fallback: 0)),
      Option("min_lr", .number(0...largestNumber, fallback: 0)),
    ])
  }

  private let kind: Kind
  /// In the order of the table.
  private let options: [Double]
  private var plateau = Plateau()

  /// json: all options of a trainer. Without "schedule": a constant rate.
  convenience init(_ json: JSONValue) throws(RillError) {
    guard let given = try json.member("schedule") else {
      self.init(.constant, [0])
      return
    }
    // What kinds have of the table, its last entry on the left.
    let (type, values) = try Schedule.table.readTyped(
      given, "constant step exponential cosine one_cycle plateau",
      masks: [0b1, 0b111, 0b11, 0b1_1001, 0b1_1110_0001, 0b11_1110_0000_0001])
    let kind = Kind(rawValue: type) ?? .constant
    // The one that a kind cannot do without.
    let needed = [0, 2, 1, 3, 5, 0][type]
    if values[needed] < 0 { throw given.missing(Schedule.table.options[needed].key.start) }
    self.init(kind, values)
  }

  private init(_ kind: Kind, _ options: [Double]) {
    self.kind = kind
    self.options = options
  }

  /// The rate of update number n, counted from 0.
  func rate(_ base: Double, _ n: Int) -> Double {
    let warmup = options[0]
    let rate = rateAfterWarmup(base, max(0, Double(n) - warmup))
    return Double(n) < warmup ? rate * ((Double(n) + 1) / warmup) : rate
  }

  private func rateAfterWarmup(_ base: Double, _ m: Double) -> Double {
    switch kind {
    case .constant:
      return base
    case .step:
      // η γ^⌊m / step_size⌋
      return base * rill__pow(options[1] < 0 ? 0.1 : options[1], (m / options[2]).rounded(.down))
    case .exponential:
      // η γ^m
      return base * rill__pow(options[1], m)
    case .cosine:
      // η_min + (η − η_min) (1 + cos(π m / t_max)) / 2, up to m = t_max
      return between(base, options[4], min(m / options[3], 1))
    case .oneCycle:
      // By cosine from η / div_factor at m = 0 up to η at m = e, where e = pct_start·total_steps − 1, and down to η / (div_factor·final_div_factor) at
      // m = total_steps − 1. With e ≤ 0 it begins at or behind the top.
      let start = base / options[7]
      let top = options[6] * options[5] - 1
      let end = options[5] - 1
      let place = min(m, end)
      if place < top { return between(start, base, place / top) }
      return place > top ? between(base, start / options[8], (place - top) / (end - top)) : base
    case .plateau:
      return plateau.rate(base, options)
    }
  }

  /// From a to b by half a cosine.
  private func between(_ a: Double, _ b: Double, _ share: Double) -> Double { b + (a - b) / 2 * (1 + rill__cos(Double.pi * share)) }

  /// Takes a validation loss after n updates. Those of the warmup come before the schedule begins.
  func observe(_ loss: Double, _ base: Double, _ n: Int) {
    if kind == .plateau, Double(n) >= options[0] { plateau.observe(loss, base, options) }
  }

  func forEachNumber(_ body: NumberVisitor) throws(RillError) { try plateau.forEachNumber(body) }
}

/// PyTorch's ReduceLROnPlateau, of losses ("min") with a relative threshold. Options are those of the schedule.
private struct Plateau {
  private var reductions = 0
  private var observations = 0
  private var best = 0.0
  /// Observations in a row that were not better.
  private var bad = 0
  private var coolingDown = 0

  /// After k reductions η factor^k, but not less than min_lr, if η is not.
  func rate(_ base: Double, _ options: [Double]) -> Double { Plateau.rate(base, reductions, options) }

  private static func rate(_ base: Double, _ reductions: Int, _ options: [Double]) -> Double {
    min(base, max(options[13], base * rill__pow(options[9], Double(reductions))))
  }

  mutating func observe(_ loss: Double, _ base: Double, _ options: [Double]) {
    if observations == 0 || loss < best * (1 - options[11]) {
      best = loss
      bad = 0
    } else {
      bad += 1
    }
    observations += 1
    if coolingDown > 0 {
      coolingDown -= 1
      bad = 0
    }
    guard bad > Int(options[10]) else { return }
    // PyTorch's eps: a smaller change is not made.
    if rate(base, options) - Plateau.rate(base, reductions + 1, options) > 1e-8 { reductions += 1 }
    coolingDown = Int(options[12])
    bad = 0
  }

  mutating func forEachNumber(_ body: NumberVisitor) throws(RillError) {
    reductions = try visit("plateau_reductions", reductions, body)
    observations = try visit("plateau_observations", observations, body)
    best = try visit("plateau_best", best, body)
    bad = try visit("plateau_bad", bad, body)
    coolingDown = try visit("plateau_cooldown", coolingDown, body)
  }
}
