import CVector

// Between a host's dense arrays of raw units and the padded rows that layers work on.

/// y[r][j] = (x[r][j] − shift[j]) / scale[j], j < size. shift nil: a copy. Padding of y is left alone.
func takeInput(
  _ rows: Int, _ size: Int, _ x: UnsafePointer<Float>, _ shift: UnsafePointer<Float>?, _ scale: UnsafePointer<Float>?,
  _ y: UnsafeMutablePointer<Float>, _ yRow: Int
) {
  for r in 0..<rows {
    let (from, to) = (x + r * size, y + r * yRow)
    if let shift, let scale {
      for j in 0..<size { to[j] = (from[j] - shift[j]) / scale[j] }
    } else {
      for j in 0..<size { to[j] = from[j] }
    }
  }
}

/// y[r][j] = x[r][j]·scale[j] + shift[j], j < size. shift nil: a copy.
func giveOutput(
  _ rows: Int, _ size: Int, _ x: UnsafePointer<Float>, _ xRow: Int, _ shift: UnsafePointer<Float>?, _ scale: UnsafePointer<Float>?,
  _ y: UnsafeMutablePointer<Float>
) {
  for r in 0..<rows {
    let (from, to) = (x + r * xRow, y + r * size)
    if let shift, let scale {
      for j in 0..<size { to[j] = from[j] * scale[j] + shift[j] }
    } else {
      for j in 0..<size { to[j] = from[j] }
    }
  }
}
