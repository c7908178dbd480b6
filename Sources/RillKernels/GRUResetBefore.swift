import CVector

// GRU with the reset gate before the recurrent product, one time step:
//
//   r, z = σ(a_r), σ(a_z);  a = W_ih x + b_ih + W_hh h + b_hh
//   n = tanh(W_in x + b_in + W_hn (r⊙h) + b_hn)
//   h' = (1 − z)⊙n + z⊙h
//
// The candidate needs r of every unit, so blocks are passed twice. Slots of z: n r z. Unit blocks: [bias | K input rows of n r z], and
// apart from these [H recurrent rows of r z | H recurrent rows of n].
// When saving:  A_n = (1 − z)(1 − n²), A_r = h r (1 − r), A_z = (h − n) z (1 − z) in the slots;  s: r, z;  q = r⊙h

func gruResetBeforeForward(_ f: Frame) -> Int {
  var check = FiniteCheck()
  let width = f.pointee.blocks * lanes
  let q = Target(f.pointee.q!)
  for u in 0..<f.pointee.blocks {
    let z = Target(f.pointee.z!) + u * f.pointee.z_block
    if f.pointee.prepared == 0 { inputProduct(3, 2, f, u, z) }
    product(2, 2, f, f.pointee.recurrent, u, f.pointee.rows, f.pointee.h, f.pointee.h_row, z + 16, f.pointee.z_row, nil)
    for r in 0..<f.pointee.rows {
      let unit = r * width + u * lanes
      let p = z + r * f.pointee.z_row
      let h = load(f.pointee.h + r * f.pointee.h_row + u * lanes)
      let er = sigmoidExponential(load(p + 16))
      let reset = splat(1) / (splat(1) + er)
      let kept = reset * h
      store(q + unit, kept)
      if f.pointee.saving != 0 {
        store(p + 16, kept * (er * reset))
        store(f.pointee.s + u * f.pointee.s_block + r * 32, reset)
      }
    }
  }
  for u in 0..<f.pointee.blocks {
    let z = Target(f.pointee.z!) + u * f.pointee.z_block
    product(1, 2, f, f.pointee.candidate, u, f.pointee.rows, Source(q), width, z, f.pointee.z_row, nil)
    for r in 0..<f.pointee.rows {
      let unit = r * f.pointee.h_row + u * lanes
      let p = z + r * f.pointee.z_row
      let s = f.pointee.s + u * f.pointee.s_block + r * 32 + 16
      gruUnits(f.pointee.saving != 0, load(p), load(p + 32), f.pointee.h + unit, f.pointee.h_next + unit, p + 32, p, s, &check)
    }
  }
  return check.result
}

/// dh = dy + carry;  da_n = dh·A_n;  da_z = dh·A_z;  carry = dh·z. The gradient of q = r⊙h follows from a product with da_n.
func gruResetBeforeCandidateBackward(_ frame: UnsafePointer<rill__backward_frame>) {
  let f = frame.pointee
  for u in 0..<f.blocks {
    for r in 0..<f.rows {
      let unit = (r * f.blocks + u) * lanes
      let z = Target(f.z!) + u * f.z_block + r * 48
      let dh = load(f.dy + unit) + load(f.carry + unit)
      store(z, dh * load(z))
      store(z + 32, dh * load(z + 32))
      store(f.carry + unit, dh * load(f.s + u * f.s_block + r * 32 + 16))
    }
  }
}

/// da_r = dq·A_r;  carry += dq·r.
func gruResetBeforeGateBackward(_ frame: UnsafePointer<rill__backward_frame>) {
  let f = frame.pointee
  for u in 0..<f.blocks {
    for r in 0..<f.rows {
      let unit = (r * f.blocks + u) * lanes
      let z = Target(f.z!) + u * f.z_block + r * 48
      let dq = load(f.dq + unit)
      store(z + 16, dq * load(z + 16))
      store(f.carry + unit, fma(dq, load(f.s + u * f.s_block + r * 32), load(f.carry + unit)))
    }
  }
}
