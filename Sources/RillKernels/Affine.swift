// Tiles over all rows of a batch. One function per (vectors per panel row, chains), shared by the cells, so that each tile exists once.

/// Rows of a batch through one panel: c[r] = start[r] + a[r]·w, start the bias or c itself.
@inline(always) func affine(
  _ V: Int, _ P: Int, _ rows: Int, _ k: Int, _ a: Source, _ aRow: Int, _ w: Source, _ wRow: Int, _ c: Target, _ cRow: Int, _ bias: Source?
) {
  var r = 0
  #if RILL_WIDE
    let R = min(6, tileRows(V, P))
    while rows - r >= R {
      tile(R, V, P, k, a + r * aRow, aRow, w, wRow, c + r * cRow, cRow, bias)
      r += R
    }
    let (at, ct) = (a + r * aRow, c + r * cRow)
    switch rows - r {
    case 1: tile(1, V, P, k, at, aRow, w, wRow, ct, cRow, bias)
    case 2: if R > 2 { tile(2, V, P, k, at, aRow, w, wRow, ct, cRow, bias) }
    case 3: if R > 3 { tile(3, V, P, k, at, aRow, w, wRow, ct, cRow, bias) }
    case 4: if R > 4 { tile(4, V, P, k, at, aRow, w, wRow, ct, cRow, bias) }
    case 5: if R > 5 { tile(5, V, P, k, at, aRow, w, wRow, ct, cRow, bias) }
    default: break
    }
  #else
    // Half the registers, of half the width: one vector of a panel row at a time for several rows, two for a single row.
    let R = tileRows(1, P)
    while R > 1 && rows - r >= R {
      for v in 0..<V {
        tile(R, 1, P, k, a + r * aRow, aRow, w + lanes * v, wRow, c + r * cRow + lanes * v, cRow, bias.map { $0 + lanes * v })
      }
      r += R
    }
    while r < rows {
      let (at, ct) = (a + r * aRow, c + r * cRow)
      if V == 4 {
        tile(1, 2, P, k, at, aRow, w, wRow, ct, cRow, bias)
        tile(1, 2, P, k, at, aRow, w + 2 * lanes, wRow, ct + 2 * lanes, cRow, bias.map { $0 + 2 * lanes })
      } else {
        tile(1, V, P, k, at, aRow, w, wRow, ct, cRow, bias)
      }
      r += 1
    }
  #endif
}

@inline(never) func affineFour(
  _ rows: Int, _ k: Int, _ a: Source, _ aRow: Int, _ w: Source, _ wRow: Int, _ c: Target, _ cRow: Int, _ bias: Source?
) { affine(4, 2, rows, k, a, aRow, w, wRow, c, cRow, bias) }

@inline(never) func affineThree(
  _ rows: Int, _ k: Int, _ a: Source, _ aRow: Int, _ w: Source, _ wRow: Int, _ c: Target, _ cRow: Int, _ bias: Source?
) { affine(3, 2, rows, k, a, aRow, w, wRow, c, cRow, bias) }

@inline(never) func affineTwo(
  _ rows: Int, _ k: Int, _ a: Source, _ aRow: Int, _ w: Source, _ wRow: Int, _ c: Target, _ cRow: Int, _ bias: Source?
) { affine(2, 2, rows, k, a, aRow, w, wRow, c, cRow, bias) }

@inline(never) func affineOne(
  _ rows: Int, _ k: Int, _ a: Source, _ aRow: Int, _ w: Source, _ wRow: Int, _ c: Target, _ cRow: Int, _ bias: Source?
) { affine(1, 2, rows, k, a, aRow, w, wRow, c, cRow, bias) }

/// Four chains for panels of a single vector, where two would leave the multipliers waiting.
@inline(never) func affineOneOfFourChains(
  _ rows: Int, _ k: Int, _ a: Source, _ aRow: Int, _ w: Source, _ wRow: Int, _ c: Target, _ cRow: Int, _ bias: Source?
) { affine(1, 4, rows, k, a, aRow, w, wRow, c, cRow, bias) }

/// One-hot rows: c[r] = bias + w[token], a column of the weight matrix; token −1 is the zero vector. The same bits as a product with
/// the one-hot vector.
@inline(always) func lookUp(
  _ V: Int, _ rows: Int, _ tokens: UnsafePointer<Int32>, _ w: Source, _ wRow: Int, _ c: Target, _ cRow: Int, _ bias: Source
) {
  for r in 0..<rows {
    let token = Int(tokens[r])
    for v in 0..<V {
      let start = load(bias + lanes * v)
      store(c + r * cRow + lanes * v, token >= 0 ? start + load(w + token * wRow + lanes * v) : start)
    }
  }
}
