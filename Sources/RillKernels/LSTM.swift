import CVector

// LSTM, one time step:
//
//   i, f, o = σ(a_i), σ(a_f), σ(a_o);  g = tanh(a_g);  a = W_ih x + b_ih + W_hh h + b_hh
//   c' = f⊙c + i⊙g
//   h' = o⊙tanh(c')
//
// Unit blocks: [bias | K input rows], and apart from these [H recurrent rows]; a row is [i f g o] × 16. Slots of z: i f g o.
// i⊙g and o⊙tanh(c') are one division each. When saving, z holds what backward multiplies with instead of the gates (nothing has to be
// recomputed, and 1 − g² is never formed by subtraction):
//
//   A_i = i g (1 − i), A_f = f c (1 − f), A_g = i (1 − g²), A_o = h' (1 − o);  s: A_c = o (1 − tanh²c'), f

func lstmForward(_ f: Frame) -> Int {
  staysInRegisters(f) ? lstmSingles(f) : lstmRows(f)
}

@inline(never) func lstmRows(_ f: Frame) -> Int {
  var check = FiniteCheck()
  let width = f.pointee.blocks * lanes
  var u = f.pointee.first
  for _ in 0..<f.pointee.count {
    let z = Target(f.pointee.z!) + u * f.pointee.z_block
    if f.pointee.prepared == 0 { inputProduct(4, 2, f, u, z) }
    product(4, 2, f, f.pointee.recurrent, u, f.pointee.rows, f.pointee.h, f.pointee.h_row, z, f.pointee.z_row, nil)
    for r in 0..<f.pointee.rows {
      let h = f.pointee.h_next + r * f.pointee.h_row + u * lanes
      let c = f.pointee.c + r * width + u * lanes
      let p = z + r * f.pointee.z_row
      let s = f.pointee.s + u * f.pointee.s_block + r * 32
      lstmUnits(
        f.pointee.saving != 0, load(p), load(p + 16), load(p + 32), load(p + 48), p, s, c, h, &check)
    }
    u += f.pointee.stride
  }
  return check.result
}

/// Blocks of a single row, one by one.
@inline(never) func lstmSingles(_ f: Frame) -> Int {
  var check = FiniteCheck()
  var u = f.pointee.first
  for _ in 0..<f.pointee.count {
    if splitsFours {
      let first: Two = sums(2, f, u, 0, 32) { _ in }
      let second: Two = sums(2, f, u, 2, 32) { _ in }
      lstmRow(f, u, Four(a: first.a, b: first.b, c: second.a, d: second.b), &check)
    } else {
      let a: Four = sums(2, f, u, 0, 64) { _ in }
      lstmRow(f, u, a, &check)
    }
    u += f.pointee.stride
  }
  return check.result
}

/// Blocks of a single row, two by two.
@inline(never) func lstmPairs(_ f: Frame) -> Int {
  var check = FiniteCheck()
  var u = f.pointee.first
  for _ in 0..<f.pointee.count {
    let a: Pair<Four> = sums(2, f, u, 0, 64) { _ in }
    lstmRow(f, u, a.first, &check)
    lstmRow(f, u + 1, a.second, &check)
    u += f.pointee.stride
  }
  return check.result
}

@inline(always) func lstmRow(_ f: Frame, _ u: Int, _ a: Four, _ check: inout FiniteCheck) {
  lstmUnits(
    false, a.a, a.b, a.c, a.d, f.pointee.z, f.pointee.z, f.pointee.c + u * lanes, f.pointee.h_next + u * lanes, &check)
}

@inline(always) func lstmUnits(
  _ saving: Bool, _ ai: Vector, _ af: Vector, _ ag: Vector, _ ao: Vector, _ z: Target, _ s: Target, _ c: Target, _ h: Target,
  _ check: inout FiniteCheck
) {
  let ei = sigmoidExponential(ai)
  let ef = sigmoidExponential(af)
  let eg = tanhExponential(ag)
  let eo = sigmoidExponential(ao)
  let di = splat(1) + ei
  let df = splat(1) + ef
  let do_ = splat(1) + eo
  let forgotten = load(c) / df
  let dig = fma(di, eg, di)
  let gained = tanhNumerator(ag, eg) / dig
  let cell = forgotten + gained
  store(c, cell)
  let ec = tanhExponential(cell)
  let doc = fma(do_, ec, do_)
  let hidden = tanhNumerator(cell, ec) / doc
  store(h, hidden)
  check.add(hidden)
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

/// dh = dy + carry;  dc += dh·A_c;  da_i, da_f, da_g = dc·A_i, dc·A_f, dc·A_g;  da_o = dh·A_o;  dc for the step before = dc·f.
func lstmBackward(_ frame: UnsafePointer<rill__backward_frame>) {
  let f = frame.pointee
  for u in 0..<f.blocks {
    for r in 0..<f.rows {
      let unit = (r * f.blocks + u) * lanes
      let z = Target(f.z!) + u * f.z_block + r * 64
      let s = Source(f.s!) + u * f.s_block + r * 32
      let dc = Target(f.dc!) + unit
      let dh = load(f.dy + unit) + load(f.carry + unit)
      let d = fma(dh, load(s), load(dc))
      store(dc, d * load(s + 16))
      store(z, d * load(z))
      store(z + 16, d * load(z + 16))
      store(z + 32, d * load(z + 32))
      store(z + 48, dh * load(z + 48))
    }
  }
}
