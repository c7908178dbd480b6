import CVector

// Sigmoid and tanh from one exponential and one division each.
//
//   σ(x) = 1 / (1 + e),                 e = exp(−x)
//   tanh(x) = sign(x) (1 − e) / (1 + e), e = exp(−2|x|)
//
// Cells combine the quotients (σ(a)·tanh(b) is one division), so the pieces are offered, not the finished functions. Error of the
// finished ones: below 1.1e-7 absolute, or 2 units in the last place. NaN stays NaN.

/// 2^(x·c) for |x·c| below 126: x·c = n + r with n an integer and |r| ≤ ½ (adding 1.5·2²³ rounds to an integer, which then stands in
/// the low bits), 2^r by a degree-6 minimax polynomial (relative error 2e-9) in Estrin's form, 2^n by adding n to the exponent.
@inline(always) func exponential(_ x: Vector, _ c: Float) -> Vector {
  let shifted = fma(x, splat(c), splat(12_582_912))
  let r = fma(x, splat(c), splat(12_582_912) - shifted)
  let r2 = r * r
  let low = fma(fma(splat(0.0555033237), r, splat(0.240226477)), r2, fma(splat(0.693147182), r, splat(1)))
  let high = fma(splat(0.00015353362), r2, fma(splat(0.0013398875), r, splat(0.00961843692)))
  let p = fma(high, r2 * r2, low)
  return floats(bits(p) &+ (bits(shifted) &<< Bits(repeating: 23)))
}

/// exp(−x), x limited to ±40 so that products of two results stay finite: σ(x) = 1 / (1 + this).
@inline(always) func sigmoidExponential(_ x: Vector) -> Vector {
  exponential(limit(x, 40), -1.44269504)
}

/// exp(−2|x|), |x| limited to 20: tanh(x) = tanhNumerator(x, this) / (1 + this).
@inline(always) func tanhExponential(_ x: Vector) -> Vector {
  exponential(smaller(floats(bits(x) & Bits(repeating: 0x7fff_ffff)), 20), -2.88539008)
}

/// scale · sign(x) · (1 − e).
@inline(always) func tanhNumerator(_ x: Vector, _ e: Vector, _ scale: Vector = splat(1)) -> Vector {
  let s = floats(bits(scale) ^ (bits(x) & Bits(repeating: Int32.min)))
  return rill__fnma(s, e, s)
}

@inline(always) func sigmoid(_ x: Vector) -> Vector { splat(1) / (splat(1) + sigmoidExponential(x)) }

@inline(always) func tanh(_ x: Vector) -> Vector {
  let e = tanhExponential(x)
  return tanhNumerator(x, e) / (splat(1) + e)
}
