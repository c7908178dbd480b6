import RillBase

/// What all units of one pass over a batch have in common.
package struct Pass {
  package let kernels: Kernels
  /// B: sequences.
  package let rows: Int
  /// Valid steps of each sequence, or nil if all are full.
  package let lengths: UnsafePointer<Int32>?
  /// True in an update: dropout is active and forward leaves what backward needs.
  package let isTraining: Bool
  /// Addresses the random numbers of this pass.
  package let seed: UInt64

  package init(kernels: Kernels, rows: Int, lengths: UnsafePointer<Int32>?, isTraining: Bool, seed: UInt64) {
    self.kernels = kernels
    self.rows = rows
    self.lengths = lengths
    self.isTraining = isTraining
    self.seed = seed
  }

  /// Calls body(first row, count) for each run of rows that are not yet over at time step t. Rows are independent, so a kernel that is called per
  /// run leaves the state of finished sequences as it was.
  @inline(always) func forEachActiveRun(_ t: Int, _ body: (Int, Int) -> Void) {
    guard let lengths else { return body(0, rows) }
    var first = 0
    while first < rows {
      while first < rows, Int(lengths[first]) <= t { first += 1 }
      var end = first
      while end < rows, Int(lengths[end]) > t { end += 1 }
      if end > first { body(first, end - first) }
      first = end
    }
  }

  /// Calls body(first row, count) for each run of rows that are over at time step t.
  @inline(always) func forEachFinishedRun(_ t: Int, _ body: (Int, Int) -> Void) {
    guard lengths != nil else { return }
    var first = 0
    forEachActiveRun(t) { start, count in
      if start > first { body(first, start - first) }
      first = start + count
    }
    if first < rows { body(first, rows - first) }
  }
}

/// One unit's memory of a pass: inputs, outputs, and what backward needs.
///
/// Shapes: x [T][B][xStride]; output [T][B][Hp], for a unit with hidden state preceded by the initial state; z, s, q, mask [T][B][…] when
/// training; dy [T][B][Hp].
package final class Tape {
  /// T: time steps of the pass (1 after the end of the sequence); at most what the tape was made for.
  package private(set) var steps: Int
  /// The unit's number, which addresses its random numbers.
  package let index: Int
  package let packed: UnsafePointer<Float>
  package let transposed: UnsafePointer<Float>
  package private(set) var x: UnsafePointer<Float>?
  package private(set) var xStride = 0
  package private(set) var tokens: UnsafePointer<Int32>?
  private let memory: TapeMemory
  var hidden: Buffer<Float> { memory.hidden }
  var cell: Buffer<Float> { memory.cell }
  var z: Buffer<Float> { memory.z }
  var s: Buffer<Float> { memory.s }
  var q: Buffer<Float> { memory.q }
  package var dy: Buffer<Float> { memory.dy }
  var dh: Buffer<Float> { memory.dh }
  var carry: Buffer<Float> { memory.carry }
  var dc: Buffer<Float> { memory.dc }
  var sums: Buffer<Float> { memory.sums }
  /// Where the output starts: past the initial state if the unit has one. Dropout in evaluation passes its input on.
  package var output: UnsafeMutablePointer<Float>

  /// Room for passes of up to `steps` × `rows`.
  package convenience init(
    unit: any Unit, index: Int, steps: Int, rows: Int, isTraining: Bool, packed: UnsafePointer<Float>, transposed: UnsafePointer<Float>
  ) throws(RillError) {
    let memory = try TapeMemory(unit, steps: steps, rows: rows, isTraining: isTraining)
    self.init(index: index, steps: steps, packed: packed, transposed: transposed, memory)
  }

  private init(index: Int, steps: Int, packed: UnsafePointer<Float>, transposed: UnsafePointer<Float>, _ memory: TapeMemory) {
    self.index = index
    self.steps = steps
    self.packed = packed
    self.transposed = transposed
    self.memory = memory
    output = memory.hidden.pointer
  }

  /// Sets the tape to the beginning of a pass.
  package func prepare(
    _ unit: any Unit, steps: Int, rows: Int, x: UnsafePointer<Float>?, xStride: Int, tokens: UnsafePointer<Int32>?
  ) {
    self.steps = steps
    self.x = x
    self.xStride = xStride
    self.tokens = tokens
    output = hidden.pointer + (unit.memory.vectors > 0 ? rows * padded(unit.outputSize) : 0)
  }
}

/// The buffers of a tape.
private struct TapeMemory {
  /// [T + 1][B][Hp] with memory (slot 0: the state before), else [T][B][Hp].
  let hidden: Buffer<Float>
  /// [B][Hp].
  let cell: Buffer<Float>
  /// [T][B][…] when training, else one step of it.
  let z: Buffer<Float>
  let s: Buffer<Float>
  let q: Buffer<Float>
  /// [T][B][Hp].
  let dy: Buffer<Float>
  /// [B][Hp] each.
  let dh: Buffer<Float>
  let carry: Buffer<Float>
  let dc: Buffer<Float>
  /// The unit's gradient scratch.
  let sums: Buffer<Float>

  init(_ unit: any Unit, steps: Int, rows: Int, isTraining: Bool) throws(RillError) {
    let width = padded(unit.outputSize)
    let remembers = unit.memory.vectors > 0
    let hasCell = unit.memory.vectors == 2
    let space = unit.workspace
    let training = isTraining ? 1 : 0
    let records = isTraining ? steps : 1
    hidden = try Buffer(steps + (remembers ? 1 : 0), rows, width)
    cell = try Buffer(hasCell ? 1 : 0, rows, width)
    z = try Buffer(records, rows, space.z)
    s = try Buffer(records * training, rows, space.s)
    q = try Buffer(records, rows, space.q)
    dy = try Buffer(steps * training, rows, width)
    dh = try Buffer(remembers ? training : 0, rows, width)
    carry = try Buffer(remembers ? training : 0, rows, width)
    dc = try Buffer(hasCell ? training : 0, rows, width)
    sums = try Buffer(count: unit.gradientCount * training)
  }
}
