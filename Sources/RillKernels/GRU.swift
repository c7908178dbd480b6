import CVector

// GRU with the reset gate after the recurrent product, one time step:
//
//   r, z = σ(a_r), σ(a_z);  a = W_ih x + b_ih + W_hh h + b_hh
//   n = tanh(W_in x + b_in + r⊙(W_hn h + b_hn))
//   h' = (1 − z)⊙n + z⊙h
//
// The candidate's input and recurrent sums stay apart until r is known. Slots of z: [n of x, r, z, n of h]; so the input rows (3 vectors) start at
// slot 0 and the recurrent rows (3 vectors) at slot 1. Unit blocks: [bias of 4 slots | K input rows], and apart from these [H recurrent rows].
// When saving:  A_n = (1 − z)(1 − n²), A_r = (W_hn h + b_hn) r (1 − r), A_z = (h − n) z (1 − z), r in the slots;  s: z

func gruForward(_ f: Frame) -> Int {
  staysInRegisters(f) ? gruSingles(f) : gruRows(f)
}

@inline(never) func gruRows(_ f: Frame) -> Int {
  var check = FiniteCheck()
  var u = f.pointee.first
  for _ in 0..<f.pointee.count {
    let z = Target(f.pointee.z!) + u * f.pointee.z_block
    if f.pointee.prepared == 0 { inputProduct(3, 2, f, u, z) }
    let hiddenBias = load(f.pointee.weights + u * f.pointee.panel + 48)
    for r in 0..<f.pointee.rows { store(z + r * f.pointee.z_row + 48, hiddenBias) }
    product(3, 2, f, f.pointee.recurrent, u, f.pointee.rows, f.pointee.h, f.pointee.h_row, z + 16, f.pointee.z_row, nil)
    for r in 0..<f.pointee.rows {
      let unit = r * f.pointee.h_row + u * lanes
      let p = z + r * f.pointee.z_row
      let nh = load(p + 48)
      let er = sigmoidExponential(load(p + 16))
      let dr = splat(1) + er
      let n = load(p) + nh / dr
      let az = load(p + 32)
      if f.pointee.saving != 0 {
        let reset = splat(1) / dr
        store(p + 16, nh * ((er * reset) * reset))
        store(p + 48, reset)
      }
      let s = f.pointee.s + u * f.pointee.s_block + r * lanes
      gruUnits(f.pointee.saving != 0, n, az, f.pointee.h + unit, f.pointee.h_next + unit, p + 32, p, s, &check)
    }
    u += f.pointee.stride
  }
  return check.result
}

/// Blocks of a single row, one by one.
@inline(never) func gruSingles(_ f: Frame) -> Int {
  var check = FiniteCheck()
  var u = f.pointee.first
  for _ in 0..<f.pointee.count {
    let bias = Source(f.pointee.weights!) + u * f.pointee.panel
    var nx = Vector.zero
    // Input rows are n r z, recurrent rows r z n: between the two, the candidate's input sum is put aside.
    let a: Three = sums(2, f, u, 0, 48) {
      nx = $0.a
      $0 = Three(a: $0.b, b: $0.c, c: load(bias + 48))
    }
    gruRow(f, u, nx, a, &check)
    u += f.pointee.stride
  }
  return check.result
}

/// Blocks of a single row, two by two.
@inline(never) func gruPairs(_ f: Frame) -> Int {
  var check = FiniteCheck()
  let panel = f.pointee.panel
  var u = f.pointee.first
  for _ in 0..<f.pointee.count {
    let bias = Source(f.pointee.weights!) + u * panel
    var nx = Two.zero
    let a: Pair<Three> = sums(2, f, u, 0, 48) {
      nx = Two(a: $0.first.a, b: $0.second.a)
      $0 = Pair(
        first: Three(a: $0.first.b, b: $0.first.c, c: load(bias + 48)),
        second: Three(a: $0.second.b, b: $0.second.c, c: load(bias + panel + 48)))
    }
    gruRow(f, u, nx.a, a.first, &check)
    gruRow(f, u + 1, nx.b, a.second, &check)
    u += f.pointee.stride
  }
  return check.result
}

/// From the candidate's input sum and the sums of r, z and the candidate's recurrent part.
@inline(always) func gruRow(_ f: Frame, _ u: Int, _ nx: Vector, _ h: Three, _ check: inout FiniteCheck) {
  let n = nx + h.c / (splat(1) + sigmoidExponential(h.a))
  let unit = u * lanes
  gruUnits(false, n, h.b, f.pointee.h + unit, f.pointee.h_next + unit, f.pointee.z, f.pointee.z, f.pointee.z, &check)
}

/// h' = z h + (1 − z) tanh(n) from the update gate's pre-activation az and the candidate's, n. When saving, A_z goes to `zp`, A_n to
/// `factor` and the gate to `gate`.
@inline(always) func gruUnits(
  _ saving: Bool, _ n: Vector, _ az: Vector, _ h: Source, _ next: Target, _ zp: Target, _ factor: Target, _ gate: Target,
  _ check: inout FiniteCheck
) {
  let ez = sigmoidExponential(az)
  let z = splat(1) / (splat(1) + ez)
  let rest = ez * z
  let en = tanhExponential(n)
  let dn = splat(1) + en
  let before = load(h)
  let hidden = before * z + tanhNumerator(n, en, rest) / dn
  store(next, hidden)
  check.add(hidden)
  if saving {
    let u = splat(1) / dn
    let candidate = tanhNumerator(n, en) * u
    store(factor, rest * ((splat(4) * en) * (u * u)))
    store(zp, (before - candidate) * (z * rest))
    store(gate, z)
  }
}

/// dh = dy + carry;  da_n = dh·A_n;  da_r = da_n·A_r;  da_z = dh·A_z;  d(W_hn h + b_hn) = da_n·r;  carry = dh·z.
func gruBackward(_ frame: UnsafePointer<rill__backward_frame>) {
  let f = frame.pointee
  for u in 0..<f.blocks {
    for r in 0..<f.rows {
      let unit = (r * f.blocks + u) * lanes
      let z = Target(f.z!) + u * f.z_block + r * 64
      let dh = load(f.dy + unit) + load(f.carry + unit)
      let dn = dh * load(z)
      store(z, dn)
      store(z + 16, dn * load(z + 16))
      store(z + 32, dh * load(z + 32))
      store(z + 48, dn * load(z + 48))
      store(f.carry + unit, dh * load(f.s + u * f.s_block + r * lanes))
    }
  }
}
