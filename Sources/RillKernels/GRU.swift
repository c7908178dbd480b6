import CVector

// GRU with the reset gate after the recurrent product, one time step:
//
//   r, z = σ(a_r), σ(a_z);  a = W_ih x + b_ih + W_hh h + b_hh
//   n = tanh(W_in x + b_in + r⊙(W_hn h + b_hn))
//   h' = (1 − z)⊙n + z⊙h
//
// The candidate's input and recurrent sums stay apart until r is known. Slots of z: [n of x, r, z, n of h]; so the input rows (3 vectors) start at
// slot 0 and the recurrent rows (3 vectors) at slot 1. Panel of a unit block: [bias of 4 slots | K input rows | H recurrent rows].
// When saving:  A_n = (1 − z)(1 − n²), A_r = (W_hn h + b_hn) r (1 − r), A_z = (h − n) z (1 − z), r in the slots;  s: z

func gruForward(_ frame: UnsafePointer<rill__frame>) {
  let f = frame.pointee
  let blocks = f.blocks
  let width = blocks * lanes
  let zRow = width * 4
  let panel = 64 + (f.input_rows + f.recurrent_rows) * 48
  for u in 0..<blocks {
    let bias = Source(f.weights!) + u * panel
    let inputs = bias + 64
    let recurrent = inputs + f.input_rows * 48
    let z = Target(f.z!) + u * 64
    if let tokens = f.tokens {
      lookUp(3, f.rows, tokens, inputs, 48, z, zRow, bias)
    } else {
      affineThree(f.rows, f.input_rows, f.x, f.x_stride, inputs, 48, z, zRow, bias)
    }
    let hiddenBias = load(bias + 48)
    for r in 0..<f.rows { store(z + r * zRow + 48, hiddenBias) }
    affineThree(f.rows, f.recurrent_rows, f.h, width, recurrent, 48, z + 16, zRow, nil)
    for r in 0..<f.rows {
      let unit = r * width + u * lanes
      let p = z + r * zRow
      let nh = load(p + 48)
      let er = sigmoidExponential(load(p + 16))
      let dr = splat(1) + er
      let n = load(p) + nh / dr
      if f.saving != 0 {
        let reset = splat(1) / dr
        store(p + 16, nh * ((er * reset) * reset))
        store(p + 48, reset)
      }
      gruUnits(f.saving != 0, n, p + 32, f.h + unit, f.h_next + unit, p, f.s + unit)
    }
  }
}

/// h' = z h + (1 − z) tanh(n) from the update gate's pre-activation at `zp` and the candidate's, `n`. When saving, A_z goes to `zp`, A_n to
/// `factor` and the gate to `gate`.
@inline(always) func gruUnits(_ saving: Bool, _ n: Vector, _ zp: Target, _ h: Source, _ next: Target, _ factor: Target, _ gate: Target) {
  let ez = sigmoidExponential(load(zp))
  let z = splat(1) / (splat(1) + ez)
  let rest = ez * z
  let en = tanhExponential(n)
  let dn = splat(1) + en
  let before = load(h)
  store(next, before * z + tanhNumerator(n, en, rest) / dn)
  if saving {
    let u = splat(1) / dn
    let candidate = tanhNumerator(n, en) * u
    store(factor, rest * ((splat(4) * en) * (u * u)))
    store(zp, (before - candidate) * (z * rest))
    store(gate, z)
  }
}

/// da_n = dh·A_n;  da_r = da_n·A_r;  da_z = dh·A_z;  d(W_hn h + b_hn) = da_n·r;  carry = dh·z.
func gruBackward(_ frame: UnsafePointer<rill__backward_frame>) {
  let f = frame.pointee
  for i in 0..<(f.rows * f.blocks) {
    let z = Target(f.z!) + i * 64
    let dh = load(f.dh + i * lanes)
    let dn = dh * load(z)
    store(z, dn)
    store(z + 16, dn * load(z + 16))
    store(z + 32, dh * load(z + 32))
    store(z + 48, dn * load(z + 48))
    store(f.carry + i * lanes, dh * load(f.s + i * lanes))
  }
}
