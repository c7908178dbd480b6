import CVector

// Dense layer on one time step: y = φ(W x + b). Panel of a block of 16 outputs: [bias | K input rows] × 16. z: φ' when saving (softmax: nothing,
// its backward reads y).

func denseForward(_ frame: UnsafePointer<rill__frame>) {
  let f = frame.pointee
  let width = f.blocks * lanes
  let panel = (1 + f.input_rows) * 16
  for u in 0..<f.blocks {
    let bias = Source(f.weights!) + u * panel
    let y = Target(f.h_next!) + u * lanes
    if let tokens = f.tokens {
      lookUp(1, f.rows, tokens, bias + 16, 16, y, width, bias)
    } else {
      affineOneOfFourChains(f.rows, f.input_rows, f.x, f.x_stride, bias + 16, 16, y, width, bias)
    }
  }
  let y = Target(f.h_next!)
  let count = f.rows * width
  let saving = f.saving != 0
  var i = 0
  switch f.kind {
  case rill__tanh:
    while i < count {
      tanhUnits(saving, y + i, y + i, saving ? f.z + i : y)
      i += lanes
    }
  case rill__relu:
    while i < count {
      reluUnits(saving, y + i, y + i, saving ? f.z + i : y)
      i += lanes
    }
  case rill__sigmoid:
    while i < count {
      let e = sigmoidExponential(load(y + i))
      let s = splat(1) / (splat(1) + e)
      store(y + i, s)
      if saving { store(f.z + i, e * s * s) }
      i += lanes
    }
  case rill__softmax:
    for r in 0..<f.rows { softmaxRow(y + r * width, f.output_size, f.blocks) }
  default:
    break
  }
}

/// Softmax of one row in place; the padding becomes 0. Returns the largest input and the sum of exp(input − largest).
@inline(always) @discardableResult func softmaxRow(_ row: Target, _ size: Int, _ blocks: Int) -> (largest: Float, total: Float) {
  for i in size..<(blocks * lanes) { row[i] = -Float.infinity }
  var most = load(row)
  for u in 1..<max(1, blocks) { most = rill__max(most, load(row + u * lanes)) }
  let largest = rill__largest(most)
  var totals = Vector.zero
  for u in 0..<blocks {
    let e = exponential(larger(load(row + u * lanes) - splat(largest), -80), 1.44269504)
    store(row + u * lanes, e)
    if u == blocks - 1 { for i in size..<(blocks * lanes) { row[i] = 0 } }
    totals = totals + load(row + u * lanes)
  }
  let total = sum(totals)
  let factor = splat(1) / splat(total)
  for u in 0..<blocks { store(row + u * lanes, load(row + u * lanes) * factor) }
  return (largest, total)
}

/// dz = dy·φ' in place of dy; softmax: dz = y⊙(dy − Σ dy y).
func denseBackward(
  _ kind: Int, _ rows: Int, _ blocks: Int, _ dy: UnsafeMutablePointer<Float>, _ factors: UnsafePointer<Float>, _ y: UnsafePointer<Float>
) {
  let width = blocks * lanes
  if kind == rill__softmax {
    for r in 0..<rows {
      let (d, p) = (dy + r * width, y + r * width)
      var totals = Vector.zero
      for u in 0..<blocks { totals = fma(load(d + u * lanes), load(p + u * lanes), totals) }
      let total = splat(sum(totals))
      for u in 0..<blocks { store(d + u * lanes, load(p + u * lanes) * (load(d + u * lanes) - total)) }
    }
  } else if kind != rill__linear {
    var i = 0
    while i < rows * width {
      store(dy + i, load(dy + i) * load(factors + i))
      i += lanes
    }
  }
}
