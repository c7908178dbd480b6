import CVector

// GRU with the reset gate before the recurrent product, one time step:
//
//   r, z = σ(a_r), σ(a_z);  a = W_ih x + b_ih + W_hh h + b_hh
//   n = tanh(W_in x + b_in + W_hn (r⊙h) + b_hn)
//   h' = (1 − z)⊙n + z⊙h
//
// The candidate needs r of every unit, so blocks are passed twice. Slots of z: n r z. Panel of a unit block: [bias | K input rows of n r z |
// H recurrent rows of r z | H recurrent rows of n].
// When saving:  A_n = (1 − z)(1 − n²), A_r = h r (1 − r), A_z = (h − n) z (1 − z) in the slots;  s: r, z;  q = r⊙h

func gruResetBeforeForward(_ frame: UnsafePointer<rill__frame>) {
  let f = frame.pointee
  let blocks = f.blocks
  let width = blocks * lanes
  let zRow = width * 3
  let panel = (1 + f.input_rows + f.recurrent_rows) * 48
  let q = Target(f.q!)
  for u in 0..<blocks {
    let bias = Source(f.weights!) + u * panel
    let inputs = bias + 48
    let recurrent = inputs + f.input_rows * 48
    let z = Target(f.z!) + u * 48
    if let tokens = f.tokens {
      lookUp(3, f.rows, tokens, inputs, 48, z, zRow, bias)
    } else {
      affineThree(f.rows, f.input_rows, f.x, f.x_stride, inputs, 48, z, zRow, bias)
    }
    affineTwo(f.rows, f.recurrent_rows, f.h, width, recurrent, 32, z + 16, zRow, nil)
    for r in 0..<f.rows {
      let unit = r * width + u * lanes
      let p = z + r * zRow
      let h = load(f.h + unit)
      let er = sigmoidExponential(load(p + 16))
      let reset = splat(1) / (splat(1) + er)
      let kept = reset * h
      store(q + unit, kept)
      if f.saving != 0 {
        store(p + 16, kept * (er * reset))
        store(f.s + unit * 2, reset)
      }
    }
  }
  for u in 0..<blocks {
    let recurrent = Source(f.weights!) + u * panel + (1 + f.input_rows) * 48 + f.recurrent_rows * 32
    let z = Target(f.z!) + u * 48
    affineOne(f.rows, f.recurrent_rows, q, width, recurrent, 16, z, zRow, nil)
    for r in 0..<f.rows {
      let unit = r * width + u * lanes
      let p = z + r * zRow
      gruUnits(f.saving != 0, load(p), p + 32, f.h + unit, f.h_next + unit, p, f.s + unit * 2 + 16)
    }
  }
}

/// da_n = dh·A_n;  da_z = dh·A_z;  carry = dh·z. The gradient of q = r⊙h follows from a product with da_n.
func gruResetBeforeCandidateBackward(_ frame: UnsafePointer<rill__backward_frame>) {
  let f = frame.pointee
  for i in 0..<(f.rows * f.blocks) {
    let z = Target(f.z!) + i * 48
    let dh = load(f.dh + i * lanes)
    store(z, dh * load(z))
    store(z + 32, dh * load(z + 32))
    store(f.carry + i * lanes, dh * load(f.s + i * 32 + 16))
  }
}

/// da_r = dq·A_r;  carry += dq·r.
func gruResetBeforeGateBackward(_ frame: UnsafePointer<rill__backward_frame>) {
  let f = frame.pointee
  for i in 0..<(f.rows * f.blocks) {
    let z = Target(f.z!) + i * 48
    let carry = Target(f.carry!) + i * lanes
    let dq = load(f.dq + i * lanes)
    store(z + 16, dq * load(z + 16))
    store(carry, fma(dq, load(f.s + i * 32), load(carry)))
  }
}
