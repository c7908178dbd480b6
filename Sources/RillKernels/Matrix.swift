import CVector

// Products of rows of numbers with a matrix of a panel, whatever the weights' precision.

/// The first row of a matrix's block u.
@inline(always) func firstRow(_ f: Frame, _ m: rill__matrix, _ u: Int) -> Source { Source(f.pointee.weights!) + m.at + u * m.stride }

/// c[r] = start + a[r]·w, r < rows: V vectors in P chains of unit block u, start the bias or c itself. One function for each (V, P), shared by the cells.
@inline(always) func product(
  _ V: Int, _ P: Int, _ f: Frame, _ m: rill__matrix, _ u: Int, _ rows: Int, _ a: Source, _ aRow: Int, _ c: Target, _ cRow: Int,
  _ bias: Source?
) {
  // A step of a single sequence is short: another call would cost it a tenth.
  if rows == 1 && f.pointee.precision != rill__float32 { return smallRow(V, P, f, m, u, a, c, bias) }
  switch V {
  case 4: matrixFour(f, m, u, rows, a, aRow, c, cRow, bias)
  case 3: matrixThree(f, m, u, rows, a, aRow, c, cRow, bias)
  case 2: matrixTwo(f, m, u, rows, a, aRow, c, cRow, bias)
  default:
    if P == 4 { matrixOneOfFourChains(f, m, u, rows, a, aRow, c, cRow, bias) } else { matrixOne(f, m, u, rows, a, aRow, c, cRow, bias) }
  }
}

@inline(never) private func matrixFour(
  _ f: Frame, _ m: rill__matrix, _ u: Int, _ rows: Int, _ a: Source, _ aRow: Int, _ c: Target, _ cRow: Int, _ bias: Source?
) {
  let w = firstRow(f, m, u)
  let scales = w + (m.scales_at - m.at)
  if splitsFours {
    productPart(2, 2, f, m, w, scales, rows, a, aRow, c, cRow, bias)
    productPart(2, 2, f, m, w + m.half, scales + 32, rows, a, aRow, c + 32, cRow, bias.map { $0 + 32 })
  } else if m.half != 0 {
    affineTwo(rows, m.rows, a, aRow, w, 32, c, cRow, bias)
    affineTwo(rows, m.rows, a, aRow, w + m.half, 32, c + 32, cRow, bias.map { $0 + 32 })
  } else {
    productPart(4, 2, f, m, w, scales, rows, a, aRow, c, cRow, bias)
  }
}

@inline(never) private func matrixThree(
  _ f: Frame, _ m: rill__matrix, _ u: Int, _ rows: Int, _ a: Source, _ aRow: Int, _ c: Target, _ cRow: Int, _ bias: Source?
) { matrixUnsplit(3, 2, f, m, u, rows, a, aRow, c, cRow, bias) }

@inline(never) private func matrixTwo(
  _ f: Frame, _ m: rill__matrix, _ u: Int, _ rows: Int, _ a: Source, _ aRow: Int, _ c: Target, _ cRow: Int, _ bias: Source?
) { matrixUnsplit(2, 2, f, m, u, rows, a, aRow, c, cRow, bias) }

@inline(never) private func matrixOne(
  _ f: Frame, _ m: rill__matrix, _ u: Int, _ rows: Int, _ a: Source, _ aRow: Int, _ c: Target, _ cRow: Int, _ bias: Source?
) { matrixUnsplit(1, 2, f, m, u, rows, a, aRow, c, cRow, bias) }

@inline(never) private func matrixOneOfFourChains(
  _ f: Frame, _ m: rill__matrix, _ u: Int, _ rows: Int, _ a: Source, _ aRow: Int, _ c: Target, _ cRow: Int, _ bias: Source?
) { matrixUnsplit(1, 4, f, m, u, rows, a, aRow, c, cRow, bias) }

@inline(always) private func matrixUnsplit(
  _ V: Int, _ P: Int, _ f: Frame, _ m: rill__matrix, _ u: Int, _ rows: Int, _ a: Source, _ aRow: Int, _ c: Target, _ cRow: Int,
  _ bias: Source?
) {
  let w = firstRow(f, m, u)
  productPart(V, P, f, m, w, w + (m.scales_at - m.at), rows, a, aRow, c, cRow, bias)
}

@inline(always) func productPart(
  _ V: Int, _ P: Int, _ f: Frame, _ m: rill__matrix, _ w: Source, _ scales: Source, _ rows: Int, _ a: Source, _ aRow: Int, _ c: Target,
  _ cRow: Int, _ bias: Source?
) {
  if f.pointee.precision == rill__float32 {
    affineRows(V, P, rows, m.rows, a, aRow, w, c, cRow, bias)
  } else {
    smallProduct(V, P, f, m.rows, w, scales, rows, a, aRow, c, cRow, bias)
  }
}

/// One row with small weights.
@inline(always) private func smallRow(
  _ V: Int, _ P: Int, _ f: Frame, _ m: rill__matrix, _ u: Int, _ a: Source, _ c: Target, _ bias: Source?
) {
  let w = firstRow(f, m, u)
  let scales = w + (m.scales_at - m.at)
  if V == 4 && splitsFours {
    smallRowPart(2, P, f, m, w, scales, a, c, bias)
    smallRowPart(2, P, f, m, w + m.half, scales + 32, a, c + 32, bias.map { $0 + 32 })
  } else {
    smallRowPart(V, P, f, m, w, scales, a, c, bias)
  }
}

@inline(always) private func smallRowPart(
  _ V: Int, _ P: Int, _ f: Frame, _ m: rill__matrix, _ w: Source, _ scales: Source, _ a: Source, _ c: Target, _ bias: Source?
) {
  if f.pointee.precision == rill__int8 {
    quartersRow(V, P, m.rows, a, w, scales, c, bias)
  } else {
    halvesRow(V, P, m.rows, a, w, c, bias)
  }
}

/// Rows of V vectors behind one another.
@inline(always) func affineRows(
  _ V: Int, _ P: Int, _ rows: Int, _ k: Int, _ a: Source, _ aRow: Int, _ w: Source, _ c: Target, _ cRow: Int, _ bias: Source?
) {
  switch V {
  case 4: affineFour(rows, k, a, aRow, w, 64, c, cRow, bias)
  case 3: affineThree(rows, k, a, aRow, w, 48, c, cRow, bias)
  case 2: affineTwo(rows, k, a, aRow, w, 32, c, cRow, bias)
  default:
    if P == 4 { affineOneOfFourChains(rows, k, a, aRow, w, 16, c, cRow, bias) } else { affineOne(rows, k, a, aRow, w, 16, c, cRow, bias) }
  }
}

/// The input part of one block for all rows: V slots of z, from slot 0 on, from bias and input.
@inline(always) func inputProduct(_ V: Int, _ P: Int, _ f: Frame, _ u: Int, _ z: Target) {
  switch V {
  case 4: inputFour(f, u, z)
  case 3: inputThree(f, u, z)
  default: inputOne(f, u, z)
  }
}

@inline(never) private func inputFour(_ f: Frame, _ u: Int, _ z: Target) { inputPart(4, 2, f, u, z) }
@inline(never) private func inputThree(_ f: Frame, _ u: Int, _ z: Target) { inputPart(3, 2, f, u, z) }
@inline(never) private func inputOne(_ f: Frame, _ u: Int, _ z: Target) { inputPart(1, 4, f, u, z) }

@inline(always) private func inputPart(_ V: Int, _ P: Int, _ f: Frame, _ u: Int, _ z: Target) {
  let bias = Source(f.pointee.weights!) + u * f.pointee.panel
  if let tokens = f.pointee.tokens {
    let columns = firstRow(f, f.pointee.input, u)
    if V == 4 && f.pointee.input.half != 0 {
      lookUp(2, f.pointee.rows, tokens, columns, 32, z, f.pointee.z_row, bias)
      return lookUp(2, f.pointee.rows, tokens, columns + f.pointee.input.half, 32, z + 32, f.pointee.z_row, bias + 32)
    }
    return lookUp(V, f.pointee.rows, tokens, columns, V * lanes, z, f.pointee.z_row, bias)
  }
  product(V, P, f, f.pointee.input, u, f.pointee.rows, f.pointee.x, f.pointee.x_stride, z, f.pointee.z_row, bias)
}

/// The input part of the frame's blocks (in stride 1), for rows of several time steps at once.
func prepare(_ f: Frame) {
  for u in f.pointee.first..<(f.pointee.first + f.pointee.count) {
    let z = Target(f.pointee.z!) + u * f.pointee.z_block
    switch f.pointee.input_gates {
    case 4: inputProduct(4, 2, f, u, z)
    case 3: inputProduct(3, 2, f, u, z)
    default: inputProduct(1, 4, f, u, z)
    }
  }
}
