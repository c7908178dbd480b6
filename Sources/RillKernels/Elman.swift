import CVector

// Elman RNN, one time step: h' = φ(W_ih x + b_ih + W_hh h + b_hh), φ tanh or relu.
//
// Unit blocks: [bias | K input rows] × 16, and apart from these [H recurrent rows] × 16. z has one slot; when saving it holds φ'.

func elmanForward(_ f: Frame) -> Int {
  staysInRegisters(f) ? elmanSingles(f) : elmanRows(f)
}

@inline(never) func elmanRows(_ f: Frame) -> Int {
  var check = FiniteCheck()
  var u = f.pointee.first
  for _ in 0..<f.pointee.count {
    let z = Target(f.pointee.z!) + u * f.pointee.z_block
    if f.pointee.prepared == 0 { inputProduct(1, 4, f, u, z) }
    product(1, 4, f, f.pointee.recurrent, u, f.pointee.rows, f.pointee.h, f.pointee.h_row, z, f.pointee.z_row, nil)
    let isRelu = f.pointee.kind == rill__relu
    for r in 0..<f.pointee.rows {
      let p = z + r * f.pointee.z_row
      let h = Target(f.pointee.h_next!) + r * f.pointee.h_row + u * lanes
      let a = load(p)
      check.add(isRelu ? reluUnits(f.pointee.saving != 0, a, h, p) : tanhUnits(f.pointee.saving != 0, a, h, p))
    }
    u += f.pointee.stride
  }
  return check.result
}

@inline(never) func elmanSingles(_ f: Frame) -> Int { elmanBlocks(f, One.self) }

@inline(never) func elmanPairs(_ f: Frame) -> Int { elmanBlocks(f, Pair<One>.self) }

@inline(never) func elmanFours(_ f: Frame) -> Int { elmanBlocks(f, Pair<Pair<One>>.self) }

/// Groups of blocks of a single row.
@inline(always) func elmanBlocks<Sums: ElmanSums>(_ f: Frame, _: Sums.Type) -> Int {
  var check = FiniteCheck()
  let isRelu = f.pointee.kind == rill__relu
  var u = f.pointee.first
  for _ in 0..<f.pointee.count {
    let a: Sums = sums(4, f, u, 0, 16) { _ in }
    let h = f.pointee.h_next! + u * lanes
    if isRelu { a.relu(h, &check) } else { a.tanh(h, &check) }
    u += f.pointee.stride
  }
  return check.result
}

/// Sums of one block or several, from which their hidden state follows. (As methods: a closure would take the sums from memory.)
protocol ElmanSums: Accumulators {
  func tanh(_ h: Target, _ check: inout FiniteCheck)
  func relu(_ h: Target, _ check: inout FiniteCheck)
}

extension One: ElmanSums {
  @inline(always) func tanh(_ h: Target, _ check: inout FiniteCheck) { check.add(tanhUnits(false, a, h, h)) }
  @inline(always) func relu(_ h: Target, _ check: inout FiniteCheck) { check.add(reluUnits(false, a, h, h)) }
}

extension Pair: ElmanSums where Half: ElmanSums {
  @inline(always) func tanh(_ h: Target, _ check: inout FiniteCheck) {
    first.tanh(h, &check)
    second.tanh(h + Half.blocks * lanes, &check)
  }
  @inline(always) func relu(_ h: Target, _ check: inout FiniteCheck) {
    first.relu(h, &check)
    second.relu(h + Half.blocks * lanes, &check)
  }
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

/// da = (dy + carry)·φ'.
func elmanBackward(_ frame: UnsafePointer<rill__backward_frame>) {
  let f = frame.pointee
  for u in 0..<f.blocks {
    for r in 0..<f.rows {
      let unit = (r * f.blocks + u) * lanes
      let z = Target(f.z!) + u * f.z_block + r * lanes
      store(z, (load(f.dy + unit) + load(f.carry + unit)) * load(z))
    }
  }
}
