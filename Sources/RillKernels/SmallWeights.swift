import CVector

// Weights of 16 and 8 bits. A single row unpacks them on the way; several rows share a matrix that is unpacked first. The chains are the same, so are
// the bits.
//
// bfloat16 is the upper half of a float: low and high half of a lane become floats by a shift or a mask. The result is that of a float32 product
// with the rounded weights.
//
// Four int8 share a lane, which is read as a whole number: shifted left until the wanted byte is on top and converted, it is 2²⁴ (q + ε), where ε in
// 0 ..< 1 are the bytes below. They are known when weights are packed, and q is chosen so that q + ε is nearest to the weight: nothing has to be masked out,
// and no accuracy is lost. The scale of an output, 2⁻²⁴ in it, multiplies its finished sum.

typealias Words = UnsafePointer<Float>

@inline(always) func word(_ w: Words) -> Bits { bits(load(w)) }
@inline(always) func lowHalf(_ w: Bits) -> Vector { floats(w &<< Bits(repeating: 16)) }
@inline(always) func highHalf(_ w: Bits) -> Vector { floats(w & Bits(repeating: -65536)) }
@inline(always) func byte0(_ w: Bits) -> Vector { rill__to_float(w &<< Bits(repeating: 24)) }
@inline(always) func byte1(_ w: Bits) -> Vector { rill__to_float(w &<< Bits(repeating: 16)) }
@inline(always) func byte2(_ w: Bits) -> Vector { rill__to_float(w &<< Bits(repeating: 8)) }
@inline(always) func byte3(_ w: Bits) -> Vector { rill__to_float(w) }

/// Several rows.
@inline(never) func smallProduct(
  _ V: Int, _ P: Int, _ f: Frame, _ k: Int, _ w: Words, _ scales: Source, _ rows: Int, _ a: Source, _ aRow: Int, _ c: Target, _ cRow: Int,
  _ bias: Source?
) {
  let expanded = f.pointee.expanded!
  if f.pointee.precision != rill__int8 {
    expandHalves(k, V, w, expanded)
    return affineRows(V, P, rows, k, a, aRow, expanded, c, cRow, bias)
  }
  expandQuarters(k, V, w, expanded)
  let totals = expanded + k * V * lanes
  for r in 0..<rows { for v in 0..<V { store(totals + (r * V + v) * lanes, .zero) } }
  affineRows(V, P, rows, k, a, aRow, expanded, totals, V * lanes, nil)
  for r in 0..<rows {
    for v in 0..<V {
      let start = bias.map { load($0 + v * lanes) } ?? load(c + r * cRow + v * lanes)
      store(c + r * cRow + v * lanes, fma(load(scales + v * lanes), load(totals + (r * V + v) * lanes), start))
    }
  }
}

/// to[k][v] from pairs of rows.
func expandHalves(_ k: Int, _ V: Int, _ w: Words, _ to: Target) {
  for pair in 0..<(k / 2) {
    for v in 0..<V {
      let x = word(w + (pair * V + v) * lanes)
      store(to + (2 * pair * V + v) * lanes, lowHalf(x))
      store(to + ((2 * pair + 1) * V + v) * lanes, highHalf(x))
    }
  }
}

/// to[k][v] = 2²⁴ (q + ε) from fours of rows.
func expandQuarters(_ k: Int, _ V: Int, _ w: Words, _ to: Target) {
  for four in 0..<(k / 4) {
    for v in 0..<V {
      let x = word(w + (four * V + v) * lanes)
      store(to + (4 * four * V + v) * lanes, byte0(x))
      store(to + ((4 * four + 1) * V + v) * lanes, byte1(x))
      store(to + ((4 * four + 2) * V + v) * lanes, byte2(x))
      store(to + ((4 * four + 3) * V + v) * lanes, byte3(x))
    }
  }
}
