import CVector

// Elman RNN, one time step: h' = φ(W_ih x + b_ih + W_hh h + b_hh), φ tanh or relu.
//
// Panel of a unit block: [bias | K input rows | H recurrent rows] × 16. z has one slot; when saving it holds φ'.

func elmanForward(_ f: Frame) -> Int {
  staysInRegisters(f) ? elmanSingles(f) : elmanRows(f)
}

@inline(never) func elmanRows(_ f: Frame) -> Int {
  var check = FiniteCheck()
  let width = f.pointee.blocks * lanes
  var u = f.pointee.first
  for _ in 0..<f.pointee.count {
    let panel = Source(f.pointee.weights!) + u * f.pointee.panel
    let z = Target(f.pointee.z!) + u * f.pointee.z_block
    if f.pointee.prepared == 0 { inputProduct(1, 4, f, panel, z) }
    product(1, 4, f, f.pointee.recurrent, panel, f.pointee.rows, f.pointee.h, width, z, f.pointee.z_row, nil)
    let isRelu = f.pointee.kind == rill__relu
    for r in 0..<f.pointee.rows {
      let p = z + r * f.pointee.z_row
      let h = Target(f.pointee.h_next!) + r * width + u * lanes
      let a = load(p)
      check.add(isRelu ? reluUnits(f.pointee.saving != 0, a, h, p) : tanhUnits(f.pointee.saving != 0, a, h, p))
    }
    u += f.pointee.stride
  }
  return check.result
}

@inline(never) func elmanSingles(_ f: Frame) -> Int {
  elmanBlocks(f) { (a: One, h, isRelu) in elmanRow(isRelu, a.a, h) }
}

@inline(never) func elmanPairs(_ f: Frame) -> Int {
  elmanBlocks(f) { (a: Pair<One>, h, isRelu) in elmanRow(isRelu, a.first.a, h) | elmanRow(isRelu, a.second.a, h + 16) }
}

@inline(never) func elmanFours(_ f: Frame) -> Int {
  elmanBlocks(f) { (a: Pair<Pair<One>>, h, isRelu) in
    elmanRow(isRelu, a.first.first.a, h) | elmanRow(isRelu, a.first.second.a, h + 16)
      | elmanRow(isRelu, a.second.first.a, h + 32) | elmanRow(isRelu, a.second.second.a, h + 48)
  }
}

/// `count` groups of blocks of a single row. units: from sums to the new hidden state; returns its overflow bits.
@inline(always) func elmanBlocks<Sums: Accumulators>(
  _ f: Frame, _ units: (Sums, Target, Bool) -> Bits
) -> Int {
  var check = FiniteCheck()
  let panel = f.pointee.panel
  let isRelu = f.pointee.kind == rill__relu
  var u = f.pointee.first
  for _ in 0..<f.pointee.count {
    let bias = Source(f.pointee.weights!) + u * panel
    let a: Sums = sums(4, f, bias + 16, 16, panel, start(f, u, 0, bias, bias + 16, 16)) { _ in }
    check.seen = check.seen | units(a, f.pointee.h_next! + u * lanes, isRelu)
    u += f.pointee.stride
  }
  return check.result
}

@inline(always) func elmanRow(_ isRelu: Bool, _ a: Vector, _ h: Target) -> Bits {
  var check = FiniteCheck()
  check.add(isRelu ? reluUnits(false, a, h, h) : tanhUnits(false, a, h, h))
  return check.seen
}

/// tanh of 16 values; the derivative 4e / (1 + e)² when saving.
@inline(always) @discardableResult func tanhUnits(_ saving: Bool, _ x: Vector, _ y: Target, _ factor: Target) -> Vector {
  let e = tanhExponential(x)
  let d = splat(1) + e
  let result = tanhNumerator(x, e) / d
  store(y, result)
  if saving {
    let u = splat(1) / d
    store(factor, (splat(4) * e) * (u * u))
  }
  return result
}

@inline(always) @discardableResult func reluUnits(_ saving: Bool, _ x: Vector, _ y: Target, _ factor: Target) -> Vector {
  let result = larger(x, 0)
  store(y, result)
  if saving { store(factor, rill__is_positive(x)) }
  return result
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
