import CVector

// Tiles over all rows of a batch. One function per (vectors per panel row, chains), shared by the cells, so that each tile exists once.

/// Rows of a batch through one panel: c[r] = start[r] + a[r]·w, start the bias or c itself.
@inline(always) func affine(
  _ V: Int, _ P: Int, _ rows: Int, _ k: Int, _ a: Source, _ aRow: Int, _ w: Source, _ wRow: Int, _ c: Target, _ cRow: Int, _ bias: Source?
) {
  var r = 0
  #if RILL_WIDE
    // Six rows share each weight that is read, of two vectors at a time: with three rows, and all vectors at once, the second-level cache could not keep up.
    // Eight rows are four and four, because what is left goes slower the fewer it is.
    let R = min(6, tileRows(min(V, V == 4 ? 2 : V), P))
    while r < rows {
      let (at, ct, left) = (a + r * aRow, c + r * cRow, rows - r)
      if R == 6 && left >= 6 && left != 8 {
        tileSplit(6, V, P, k, at, aRow, w, wRow, ct, cRow, bias)
        r += 6
      } else if left >= 4 {
        tileSplit(4, V, P, k, at, aRow, w, wRow, ct, cRow, bias)
        r += 4
      } else if left >= 2 {
        tile(2, V, P, k, at, aRow, w, wRow, ct, cRow, bias)
        r += 2
      } else {
        tile(1, V, P, k, at, aRow, w, wRow, ct, cRow, bias)
        r += 1
      }
    }
  #else
    // Fewer registers, of half the width or less: one vector of a panel row at a time for several rows, as many as fit for a single row.
    let R = tileRows(1, P)
    while R > 1 && rows - r >= R {
      for v in 0..<V {
        tile(R, 1, P, k, a + r * aRow, aRow, w + lanes * v, wRow, c + r * cRow + lanes * v, cRow, bias.map { $0 + lanes * v })
      }
      r += R
    }
    let most = accumulators / P
    while r < rows {
      let (at, ct) = (a + r * aRow, c + r * cRow)
      if V <= most {
        tile(1, V, P, k, at, aRow, w, wRow, ct, cRow, bias)
      } else if V == 4 && most >= 2 {
        tile(1, 2, P, k, at, aRow, w, wRow, ct, cRow, bias)
        tile(1, 2, P, k, at, aRow, w + 2 * lanes, wRow, ct + 2 * lanes, cRow, bias.map { $0 + 2 * lanes })
      } else {
        for v in 0..<V { tile(1, 1, P, k, at, aRow, w + v * lanes, wRow, ct + v * lanes, cRow, bias.map { $0 + v * lanes }) }
      }
      r += 1
    }
  #endif
}

/// A tile, or two of two vectors each.
@inline(always) func tileSplit(
  _ R: Int, _ V: Int, _ P: Int, _ k: Int, _ a: Source, _ aRow: Int, _ w: Source, _ wRow: Int, _ c: Target, _ cRow: Int, _ bias: Source?
) {
  if V == 4 {
    for v in 0..<2 {
      let o = v * 2 * lanes
      tile(R, 2, P, k, a, aRow, w + o, wRow, c + o, cRow, bias.map { $0 + o })
    }
  } else {
    tile(R, V, P, k, a, aRow, w, wRow, c, cRow, bias)
  }
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
