import CVector

// Elman RNN, one time step: h' = φ(W_ih x + b_ih + W_hh h + b_hh), φ tanh or relu.
//
// Panel of a unit block: [bias | K input rows | H recurrent rows] × 16. z has one slot; when saving it holds φ'.

func elmanForward(_ frame: UnsafePointer<rill__frame>) {
  let f = frame.pointee
  let blocks = f.blocks
  let width = blocks * lanes
  let panel = (1 + f.input_rows + f.recurrent_rows) * 16
  for u in 0..<blocks {
    let bias = Source(f.weights!) + u * panel
    let inputs = bias + 16
    let recurrent = inputs + f.input_rows * 16
    let z = Target(f.z!) + u * 16
    if let tokens = f.tokens {
      lookUp(1, f.rows, tokens, inputs, 16, z, width, bias)
    } else {
      affineOneOfFourChains(f.rows, f.input_rows, f.x, f.x_stride, inputs, 16, z, width, bias)
    }
    affineOneOfFourChains(f.rows, f.recurrent_rows, f.h, width, recurrent, 16, z, width, nil)
    let isRelu = f.kind == rill__relu
    for r in 0..<f.rows {
      let p = z + r * width
      let h = Target(f.h_next!) + r * width + u * lanes
      if isRelu { reluUnits(f.saving != 0, p, h, p) } else { tanhUnits(f.saving != 0, p, h, p) }
    }
  }
}

/// tanh of 16 values; the derivative 4e / (1 + e)² when saving.
@inline(always) func tanhUnits(_ saving: Bool, _ z: Target, _ y: Target, _ factor: Target) {
  let x = load(z)
  let e = tanhExponential(x)
  let d = splat(1) + e
  store(y, tanhNumerator(x, e) / d)
  if saving {
    let u = splat(1) / d
    store(factor, (splat(4) * e) * (u * u))
  }
}

@inline(always) func reluUnits(_ saving: Bool, _ z: Target, _ y: Target, _ factor: Target) {
  let x = load(z)
  store(y, larger(x, 0))
  if saving { store(factor, rill__is_positive(x)) }
}

/// da = dh·φ'.
func elmanBackward(_ frame: UnsafePointer<rill__backward_frame>) {
  let f = frame.pointee
  let count = f.rows * f.blocks * lanes
  var i = 0
  while i < count {
    store(f.z + i, load(f.dh + i) * load(f.z + i))
    i += lanes
  }
}
