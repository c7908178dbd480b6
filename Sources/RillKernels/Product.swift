import CVector

// The products of backpropagation: gradients of inputs and hidden states (a: gradients of pre-activations, b: weights), and of weights (a the same by
// columns, b: inputs). Each element is one ascending chain, so that no tiling and no split over threads changes a bit.

func product(_ operands: UnsafePointer<rill__product>) {
  let p = operands.pointee
  var v = 0
  #if RILL_WIDE
    while p.vectors - v >= 4 {
      productColumns(4, p, v)
      v += 4
    }
    if p.vectors - v >= 2 {
      productColumns(2, p, v)
      v += 2
    }
  #endif
  while v < p.vectors {
    productColumns(1, p, v)
    v += 1
  }
}

@inline(always) func productColumns(_ V: Int, _ p: rill__product, _ v: Int) {
  var r = 0
  while p.rows - r >= 6 {
    productTile(6, V, p, r, v)
    r += 6
  }
  while p.rows - r >= 2 {
    productTile(2, V, p, r, v)
    r += 2
  }
  if p.rows > r { productTile(1, V, p, r, v) }
}

@inline(always) func productTile(_ R: Int, _ V: Int, _ p: rill__product, _ firstRow: Int, _ firstVector: Int) {
  var sums = noSums()
  let c = Target(p.c!) + firstRow * p.c_row + firstVector * lanes
  if p.adding != 0 {
    for r in 0..<R { for v in 0..<V { sums[r * V + v] = load(c + r * p.c_row + v * lanes) } }
  }
  for o in 0..<p.outers {
    var a = Source(p.a!) + o * p.a_outer + firstRow * p.a_row
    var b = Source(p.b!) + o * p.b_outer + firstVector * lanes
    for _ in 0..<p.steps {
      // Row after row: four weights and one broadcast live beside 24 sums; the other way about, six broadcasts push sums out of registers.
      for r in 0..<R {
        let factor = splat(a[r * p.a_row])
        for v in 0..<V { sums[r * V + v] = fma(factor, load(b + v * lanes), sums[r * V + v]) }
      }
      a += p.a_step
      b += p.b_step
    }
  }
  for r in 0..<R { for v in 0..<V { store(c + r * p.c_row + v * lanes, sums[r * V + v]) } }
}

/// c[k][lane] = a[lane][k], lane < rows ≤ 16, k < columns: how weights become columns. The other lanes of c stay.
func transpose(_ rows: Int, _ columns: Int, _ a: UnsafePointer<Float>, _ aRow: Int, _ c: UnsafeMutablePointer<Float>, _ cRow: Int) {
  for k in 0..<columns {
    let to = c + k * cRow
    if rows == lanes {
      var column = Vector.zero
      for lane in 0..<lanes { column[lane] = a[lane * aRow + k] }
      store(to, column)
    } else {
      for lane in 0..<rows { to[lane] = a[lane * aRow + k] }
    }
  }
}

/// sums[16j ..] += Σ_r a[r][16j ..], r < rows, j < vectors; rows ascend.
func columnSums(
  _ rows: Int, _ vectors: Int, _ a: UnsafePointer<Float>, _ row: Int, _ sums: UnsafeMutablePointer<Float>
) {
  var v = 0
  while v < vectors {
    if vectors - v >= 4 {
      sumColumns(4, rows, a + v * lanes, row, sums + v * lanes)
      v += 4
    } else {
      sumColumns(1, rows, a + v * lanes, row, sums + v * lanes)
      v += 1
    }
  }
}

@inline(always) private func sumColumns(_ V: Int, _ rows: Int, _ a: Source, _ row: Int, _ sums: Target) {
  var totals = noSums()
  for v in 0..<V { totals[v] = load(sums + v * lanes) }
  for r in 0..<rows { for v in 0..<V { totals[v] = totals[v] + load(a + r * row + v * lanes) } }
  for v in 0..<V { store(sums + v * lanes, totals[v]) }
}

/// One-hot inputs: gradient[token][16j ..] += a[r][16j ..], rows ascending; token −1 gives none.
func scatterRows(
  _ rows: Int, _ vectors: Int, _ tokens: UnsafePointer<Int32>, _ a: UnsafePointer<Float>, _ row: Int,
  _ gradient: UnsafeMutablePointer<Float>
) {
  for r in 0..<rows where tokens[r] >= 0 {
    let g = gradient + Int(tokens[r]) * vectors * lanes
    for v in 0..<vectors { store(g + v * lanes, load(g + v * lanes) + load(a + r * row + v * lanes)) }
  }
}
