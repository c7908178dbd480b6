// Products of activations with packed weights, the inner loop of every forward pass.
//
// One output element is always the same sum, whatever the batch or the path: `chains` partial sums over k mod chains, the first of which starts from
// the bias (or the value so far), combined in a fixed order. Tiles only choose which elements are computed together, so they may differ by
// instruction set: a tile's accumulators must fit the registers (32 of 16 lanes with AVX-512, 16 of 8 lanes with AVX2).

/// Rows that fill the registers with `vectors` × `chains` accumulators each.
@inline(always) func tileRows(_ vectors: Int, _ chains: Int) -> Int { max(1, accumulators / (vectors * chains)) }

/// c[r][v] = start[r][v] + Σ_k a[r][k]·w[k][v], r < R, v < V vectors, k ascending in P chains; k is a multiple of P.
/// `bias` nil: start from c itself. R, V and P are literals at every use: the loops over them unroll and the accumulators are registers.
@inline(always) func tile(
  _ R: Int, _ V: Int, _ P: Int, _ k: Int, _ a: Source, _ aRow: Int, _ w: Source, _ wRow: Int, _ c: Target, _ cRow: Int, _ bias: Source?
) {
  var sums = noSums()
  for r in 0..<R {
    for v in 0..<V {
      if let bias { sums[r * V + v] = load(bias + lanes * v) } else { sums[r * V + v] = load(c + r * cRow + lanes * v) }
    }
  }
  var a = a
  var w = w
  var left = k
  while left > 0 {
    for p in 0..<P {
      // Row after row: V weights and one factor live beside the sums. The other way about, R factors push sums out of registers.
      for r in 0..<R {
        let factor = splat(a[r * aRow + p])
        for v in 0..<V {
          let i = (p * R + r) * V + v
          sums[i] = fma(factor, load(w + p * wRow + lanes * v), sums[i])
        }
      }
    }
    a += P
    w += P * wRow
    left -= P
  }
  for r in 0..<R {
    for v in 0..<V {
      store(c + r * cRow + lanes * v, combined(sums, r * V + v, R * V, P))
    }
  }
}
