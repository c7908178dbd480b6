import CPlatform
import CVector
import RillKernels
import Testing

#if arch(x86_64)
  import RillKernelsV3
  import RillKernelsV4
#endif

/// Every instruction-set level that this processor can run.
struct Level: Sendable, CustomTestStringConvertible {
  let name: String
  let table: rill__kernels
  /// Whether a multiply-add rounds once.
  let isFused: Bool

  var testDescription: String { name }

  static let all: [Level] = {
    var levels: [Level] = []
    func add(_ name: String, isFused: Bool, _ fill: (UnsafeMutablePointer<rill__kernels>) -> Void) {
      var table = rill__kernels()
      fill(&table)
      levels.append(Level(name: name, table: table, isFused: isFused))
    }
    #if arch(x86_64)
      add("x86-64", isFused: false) { RillKernels.fillKernels($0) }
      if rill__instruction_set() >= 3 { add("x86-64-v3", isFused: true) { RillKernelsV3.fillKernels($0) } }
      if rill__instruction_set() >= 4 { add("x86-64-v4", isFused: true) { RillKernelsV4.fillKernels($0) } }
    #else
      add("arm64", isFused: true) { RillKernels.fillKernels($0) }
    #endif
    return levels
  }()
}

/// Aligned arrays of random numbers in −1 ..< 1 for kernels, the same in every run.
struct Numbers {
  private var state: UInt64 = 1

  mutating func next() -> Float {
    // Knuth's MMIX multiplier; the high bits are random enough for test data.
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Float(Int32(truncatingIfNeeded: state >> 32)) / 2_147_483_648
  }

  mutating func array(_ count: Int) -> [Float] { (0..<count).map { _ in next() } }
}
