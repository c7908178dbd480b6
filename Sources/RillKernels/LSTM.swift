import CVector

// LSTM, one time step:
//
//   i, f, o = σ(a_i), σ(a_f), σ(a_o);  g = tanh(a_g);  a = W_ih x + b_ih + W_hh h + b_hh
//   c' = f⊙c + i⊙g
//   h' = o⊙tanh(c')
//
// Panel of a unit block: [bias | K input rows | H recurrent rows], a row is [i f g o] × 16. Slots of z: i f g o.
// i⊙g and o⊙tanh(c') are one division each. When saving, z holds what backward multiplies with instead of the gates (nothing has to be
// recomputed, and 1 − g² is never formed by subtraction):
//
//   A_i = i g (1 − i), A_f = f c (1 − f), A_g = i (1 − g²), A_o = h' (1 − o);  s: A_c = o (1 − tanh²c'), f

func lstmForward(_ frame: UnsafePointer<rill__frame>) {
  let f = frame.pointee
  let blocks = f.blocks
  let width = blocks * lanes
  let zRow = width * 4
  let panel = (1 + f.input_rows + f.recurrent_rows) * 64
  for u in 0..<blocks {
    let bias = Source(f.weights!) + u * panel
    let inputs = bias + 64
    let recurrent = inputs + f.input_rows * 64
    let z = Target(f.z!) + u * 64
    if let tokens = f.tokens {
      lookUp(4, f.rows, tokens, inputs, 64, z, zRow, bias)
    } else {
      affineFour(f.rows, f.input_rows, f.x, f.x_stride, inputs, 64, z, zRow, bias)
    }
    affineFour(f.rows, f.recurrent_rows, f.h, width, recurrent, 64, z, zRow, nil)
    for r in 0..<f.rows {
      let unit = r * width + u * lanes
      lstmUnits(f.saving != 0, z + r * zRow, f.s + (r * blocks + u) * 32, f.c + unit, f.h_next + unit)
    }
  }
}

@inline(always) func lstmUnits(_ saving: Bool, _ z: Target, _ s: Target, _ c: Target, _ h: Target) {
  let g = load(z + 32)
  let ei = sigmoidExponential(load(z))
  let ef = sigmoidExponential(load(z + 16))
  let eg = tanhExponential(g)
  let eo = sigmoidExponential(load(z + 48))
  let di = splat(1) + ei
  let df = splat(1) + ef
  let do_ = splat(1) + eo
  let forgotten = load(c) / df
  let dig = fma(di, eg, di)
  let gained = tanhNumerator(g, eg) / dig
  let cell = forgotten + gained
  store(c, cell)
  let ec = tanhExponential(cell)
  let doc = fma(do_, ec, do_)
  let hidden = tanhNumerator(cell, ec) / doc
  store(h, hidden)
  if saving {
    let forget = splat(1) / df
    let rig = splat(1) / dig
    let roc = splat(1) / doc
    let input = rig * (splat(1) + eg)
    let output = roc * (splat(1) + ec)
    let ug = rig * di
    let uc = roc * do_
    store(z, gained * (ei * input))
    store(z + 16, forgotten * (ef * forget))
    store(z + 32, input * (splat(4) * eg) * (ug * ug))
    store(z + 48, hidden * (eo * output))
    store(s, output * (splat(4) * ec) * (uc * uc))
    store(s + 16, forget)
  }
}

/// dc += dh·A_c;  da_i, da_f, da_g = dc·A_i, dc·A_f, dc·A_g;  da_o = dh·A_o;  dc for the step before = dc·f.
func lstmBackward(_ frame: UnsafePointer<rill__backward_frame>) {
  let f = frame.pointee
  let blocks = f.blocks
  for r in 0..<f.rows {
    for u in 0..<blocks {
      let unit = (r * blocks + u) * lanes
      let z = Target(f.z!) + unit * 4
      let s = Source(f.s!) + unit * 2
      let dc = Target(f.dc!) + unit
      let dh = load(f.dh + unit)
      let d = fma(dh, load(s), load(dc))
      store(dc, d * load(s + 16))
      store(z, d * load(z))
      store(z + 16, d * load(z + 16))
      store(z + 32, d * load(z + 32))
      store(z + 48, dh * load(z + 48))
    }
  }
}
