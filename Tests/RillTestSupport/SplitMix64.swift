/// Steele, Lea and Flood's SplitMix64: the same numbers for the same seed on every machine.
public struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64

  public init(seed: UInt64) {
    state = seed
  }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Uniform in -bound ..< bound, on a grid of 2^-23 of it.
  public mutating func uniform(_ bound: Float) -> Float {
    bound * (Float(next() >> 40) * 0x1p-23 - 1)
  }

  public mutating func uniform(_ bound: Float, count: Int) -> [Float] {
    (0..<count).map { _ in uniform(bound) }
  }

  public mutating func integers(in range: Range<Int32>, count: Int) -> [Int32] {
    (0..<count).map { _ in range.lowerBound + Int32(next() >> 33) % Int32(range.count) }
  }

  /// Parameters of an architecture: matrices uniform in +-1/sqrt(columns), so that gates neither saturate nor idle; vectors in +-0.5.
  public mutating func parameters(of architecture: Architecture) -> [String: [Float]] {
    var result: [String: [Float]] = [:]
    for (name, shape) in architecture.parameterShapes {
      let bound = shape.count == 2 ? 1 / Float(shape[1]).squareRoot() : 0.5
      result[name] = uniform(bound, count: shape.reduce(1, *))
    }
    return result
  }
}
