import CVector

// Dense layer on one time step: y = φ(W x + b). Panel of a block of 16 outputs: [bias | K input rows] × 16. Few outputs would leave most lanes idle:
// their weights lie as rows of Kp, behind a vector of biases, and each output is a scalar product. z: φ' when saving (softmax: nothing, its backward
// reads y).

func denseForward(_ f: Frame) -> Int {
  let width = f.pointee.blocks * lanes
  for u in 0..<f.pointee.blocks {
    let bias = Source(f.pointee.weights!) + u * f.pointee.panel
    let y = Target(f.pointee.h_next!) + u * lanes
    if let tokens = f.pointee.tokens {
      lookUp(1, f.pointee.rows, tokens, firstRow(f, f.pointee.input, u), 16, y, width, bias)
    } else {
      product(1, 4, f, f.pointee.input, u, f.pointee.rows, f.pointee.x, f.pointee.x_stride, y, width, bias)
    }
  }
  if f.pointee.kind != rill__linear { activate(f) }
  return 1
}

/// y[r][o] = b[o] + Σ_k x[r][k]·w[o][k]: four chains of vectors, their sum by halves, the bias last.
func denseByRowsForward(_ f: Frame) -> Int {
  let width = lanes  // few outputs are one block
  let k = f.pointee.input.rows
  var x = Source(f.pointee.x!)
  var y = Target(f.pointee.h_next!)
  var row = 0
  repeat {
    var w = Source(f.pointee.weights!) + lanes
    var o = 0
    repeat {
      y[o] = f.pointee.weights[o] + scalarProduct(k, x, w)
      w += k
      o += 1
    } while o < f.pointee.output_size
    x += f.pointee.x_stride
    y += width
    row += 1
  } while row < f.pointee.rows
  if f.pointee.kind != rill__linear { activate(f) }
  return 1
}

@inline(always) func scalarProduct(_ k: Int, _ x: Source, _ w: Source) -> Float {
  // Most heads sit on few units.
  if k == lanes { return sum(load(x) * load(w)) }
  var (a, b, c, d) = (Vector.zero, Vector.zero, Vector.zero, Vector.zero)
  var i = 0
  while k - i >= 4 * lanes {
    a = fma(load(x + i), load(w + i), a)
    b = fma(load(x + i + lanes), load(w + i + lanes), b)
    c = fma(load(x + i + 2 * lanes), load(w + i + 2 * lanes), c)
    d = fma(load(x + i + 3 * lanes), load(w + i + 3 * lanes), d)
    i += 4 * lanes
  }
  if i < k { a = fma(load(x + i), load(w + i), a) }
  if i + lanes < k { b = fma(load(x + i + lanes), load(w + i + lanes), b) }
  if i + 2 * lanes < k { c = fma(load(x + i + 2 * lanes), load(w + i + 2 * lanes), c) }
  return sum((a + b) + (c + d))
}

@inline(never) func activate(_ f: Frame) {
  let width = f.pointee.blocks * lanes
  let y = Target(f.pointee.h_next!)
  let count = f.pointee.rows * width
  let saving = f.pointee.saving != 0
  var i = 0
  switch f.pointee.kind {
  case rill__tanh:
    while i < count {
      tanhUnits(saving, load(y + i), y + i, saving ? f.pointee.z + i : y)
      i += lanes
    }
  case rill__relu:
    while i < count {
      reluUnits(saving, load(y + i), y + i, saving ? f.pointee.z + i : y)
      i += lanes
    }
  case rill__sigmoid:
    while i < count {
      let e = sigmoidExponential(load(y + i))
      let s = splat(1) / (splat(1) + e)
      store(y + i, s)
      if saving { store(f.pointee.z + i, e * s * s) }
      i += lanes
    }
    // σ(0) is not 0, and padded rows of int8 weights are not exactly 0.
    for r in 0..<f.pointee.rows { for o in f.pointee.output_size..<width { y[r * width + o] = 0 } }
  case rill__softmax:
    for r in 0..<f.pointee.rows { softmaxRow(y + r * width, f.pointee.output_size, f.pointee.blocks) }
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
