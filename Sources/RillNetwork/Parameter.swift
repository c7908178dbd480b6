import CPlatform
import RillBase

/// A named tensor of rank 1 (columns nil) or 2, at `offset` in the model's flat array of parameters.
package struct Parameter {
  package let name: Text
  package let rows: Int
  package let columns: Int?
  package let initial: InitialValue
  package let offset: Int

  package var count: Int { rows * (columns ?? 1) }

  /// h0 or c0.
  package var isInitialState: Bool {
    if case .initialState = initial { true } else { false }
  }
}

/// How a parameter starts.
package enum InitialValue {
  /// Uniform in ±bound (PyTorch's default: bound = 1/√hidden_size or 1/√inputs).
  case uniform(Double)
  /// Normal with mean 0 and variance 1.
  case normal
  /// Zeros: of h0 and c0.
  case initialState
  /// Uniform in ±bound, but `value` for rows `from ..< to`: an LSTM's forget gate.
  case uniformExcept(bound: Double, from: Int, to: Int, value: Float)

  /// Fills `count` values. A value depends on the seed, the parameter's index and its own index alone.
  package func fill(_ values: UnsafeMutablePointer<Float>, count: Int, seed: UInt64, index: Int) {
    let generator = Philox(key: seed)
    for i in 0..<count {
      let word = { (k: Int) -> UInt32 in
        generator.words(UInt32(truncatingIfNeeded: k >> 2), UInt32(truncatingIfNeeded: index), 0, 0x696e_6974)[k & 3]
      }
      switch self {
      case .initialState:
        values[i] = 0
      case .uniform(let bound):
        values[i] = Float(bound * symmetric(word(i)))
      case .uniformExcept(let bound, let from, let to, let value):
        values[i] = i >= from && i < to ? value : Float(bound * symmetric(word(i)))
      case .normal:
        // Box and Muller: two uniforms give one normal here, so that each value stands alone.
        let radius = (-2 * rill__log((Double(word(2 * i)) + 0.5) * 0x1p-32)).squareRoot()
        values[i] = Float(radius * rill__cos(2 * Double.pi * (Double(word(2 * i + 1)) + 0.5) * 0x1p-32))
      }
    }
  }

  /// 24 bits as a multiple of 2⁻²³ in −1 ..< 1.
  private func symmetric(_ word: UInt32) -> Double { Double(word >> 8) * 0x1p-23 - 1 }
}
