import CVector

// Between a host's dense arrays of raw units and the padded rows that layers work on.

/// y[r][j] = (x[r][j] − shift[j]) / scale[j], j < size. shift nil: a copy. Padding of y is left alone. Returns 1 if all x are finite, else 0; with
/// `replacing`, an x that is not counts as 0.
@inline(never) func takeInput(
  _ rows: Int, _ size: Int, _ x: UnsafePointer<Float>, _ shift: UnsafePointer<Float>?, _ scale: UnsafePointer<Float>?, _ replacing: Int,
  _ y: UnsafeMutablePointer<Float>, _ yRow: Int
) -> Int {
  var check = FiniteCheck()
  var seen: Int32 = 0
  for r in 0..<rows {
    let (from, to) = (x + r * size, y + r * yRow)
    var j = 0
    while j + lanes <= size {
      let value = load(from + j)
      check.add(value)
      store(to + j, replacing != 0 ? finiteOrZero(value) : value)
      j += lanes
    }
    seen |= rill__take(from + j, size - j, replacing, to + j)
    if let shift, let scale { rill__normalize(to, shift, scale, size) }
  }
  return seen < 0 ? 0 : check.result
}

/// y[r][j] = x[r][j]·scale[j] + shift[j], j < size. shift nil: a copy.
@inline(never) func giveOutput(
  _ rows: Int, _ size: Int, _ x: UnsafePointer<Float>, _ xRow: Int, _ shift: UnsafePointer<Float>?, _ scale: UnsafePointer<Float>?,
  _ y: UnsafeMutablePointer<Float>
) {
  for r in 0..<rows {
    let (from, to) = (x + r * xRow, y + r * size)
    var j = 0
    while j + lanes <= size {
      store(to + j, load(from + j))
      j += lanes
    }
    _ = rill__take(from + j, size - j, 0, to + j)
    if let shift, let scale { rill__denormalize(to, shift, scale, size) }
  }
}
