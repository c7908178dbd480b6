import CVector
import RillBase

/// One unit's memory of a pass over some time steps of a batch: inputs, outputs, and what backward needs.
///
/// Shapes: x [T][B][xStride]; output [T][B][outputStride], for a unit with hidden state preceded by the state before; z, s [T][U][B][…], q [T][B][…] when
/// saving; dy [T][B][Hp].
package final class Tape {
  /// T: time steps of the pass (1 after the end of the sequence); at most what the tape was made for.
  package private(set) var steps: Int
  /// The time step of the batch that the tape begins with; 0 after the end of the sequence.
  package private(set) var start = 0
  /// Floats from a row of the output, and of the hidden state, to the next.
  package private(set) var outputStride: Int
  private let stride: Int
  /// The unit's number, which addresses its random numbers.
  package let index: Int
  package let packed: UnsafePointer<Float>
  package let transposed: UnsafePointer<Float>
  package private(set) var x: UnsafePointer<Float>?
  package private(set) var xStride = 0
  package private(set) var tokens: UnsafePointer<Int32>?
  /// After this many steps the cell state is kept in `markedCell` too; 0: never. (Of the hidden state every step is kept.)
  package var markedStep = 0
  /// Whether gradients have been summed up since `beginGradients`.
  package private(set) var hasSums = false
  private let memory: TapeMemory
  var hidden: Buffer<Float> { memory.hidden }
  var cell: Buffer<Float> { memory.cell }
  var markedCell: Buffer<Float> { memory.markedCell }
  var z: Buffer<Float> { memory.z }
  var s: Buffer<Float> { memory.s }
  var q: Buffer<Float> { memory.q }
  package var dy: Buffer<Float> { memory.dy }
  var carry: Buffer<Float> { memory.carry }
  var dc: Buffer<Float> { memory.dc }
  var dq: Buffer<Float> { memory.dq }
  var sums: Buffer<Float> { memory.sums }
  /// Where the output starts: past the state before if the unit has one. Dropout in evaluation passes its input on.
  package private(set) var output: UnsafeMutablePointer<Float>

  /// Room for passes of up to `steps` × `rows`.
  package convenience init(
    unit: any Unit, index: Int, isLast: Bool, steps: Int, rows: Int, isTraining: Bool, packed: UnsafePointer<Float>,
    transposed: UnsafePointer<Float>
  ) throws(RillError) {
    let width = padded(unit.outputSize)
    // Rows at a distance of 512 bytes or a multiple fall on few lines of the nearest cache, and a product with many of them waits for the second. (A loss
    // reads the last output without knowing of strides.)
    let isSpread = unit.memory.vectors > 0 && !isLast && width % 128 == 0
    let stride = isSpread ? width + 16 : width
    let memory = try TapeMemory(unit, stride: stride, steps: steps, rows: rows, isTraining: isTraining)
    self.init(index: index, stride: stride, steps: steps, packed: packed, transposed: transposed, memory)
  }

  private init(index: Int, stride: Int, steps: Int, packed: UnsafePointer<Float>, transposed: UnsafePointer<Float>, _ memory: TapeMemory) {
    self.index = index
    self.stride = stride
    outputStride = stride
    self.steps = steps
    self.packed = packed
    self.transposed = transposed
    self.memory = memory
    output = memory.hidden.pointer
  }

  package var floatCount: Int { memory.count }

  /// Sets the tape to the beginning of a pass.
  package func prepare(
    _ unit: any Unit, _ pass: Pass, start: Int, steps: Int, x: UnsafePointer<Float>?, xStride: Int, tokens: UnsafePointer<Int32>?
  ) {
    self.start = start
    self.steps = steps
    self.x = x
    self.xStride = xStride
    self.tokens = tokens
    output = hidden.pointer + (unit.memory.vectors > 0 ? pass.rows * stride : 0)
    outputStride = stride
    if unit is Dropout, !pass.isTraining, let x { (output, outputStride) = (UnsafeMutablePointer(mutating: x), xStride) }
  }

  // MARK: states

  /// Begins at a state: rows of [B][Hp] each.
  package func loadState(_ hidden: UnsafePointer<Float>, _ cell: UnsafePointer<Float>?, _ width: Int, _ rows: Range<Int>) {
    let (first, count) = (rows.lowerBound * width, rows.count * width)
    for row in rows { (self.hidden.pointer + row * outputStride).copy(hidden + row * width, width) }
    if let cell { (self.cell.pointer + first).copy(cell + first, count) }
  }

  /// The state after `step` steps of the last forward pass, of B sequences in all: its end, or the marked step.
  package func saveState(
    _ step: Int, of all: Int, _ hidden: UnsafeMutablePointer<Float>, _ cell: UnsafeMutablePointer<Float>?, _ width: Int, _ rows: Range<Int>
  ) {
    let (first, count) = (rows.lowerBound * width, rows.count * width)
    for row in rows { (hidden + row * width).copy(self.hidden.pointer + (step * all + row) * outputStride, width) }
    if let cell { (cell + first).copy((step < steps ? markedCell : self.cell).pointer + first, count) }
  }

  /// Before the first backward of a batch or window: no gradient comes from the future, and none has been summed up.
  package func beginGradients() {
    carry.pointer.clear(carry.count)
    dc.pointer.clear(dc.count)
    hasSums = false
  }

  package func isCarryFinite(_ kernels: Kernels) -> Bool {
    kernels.table.all_finite(carry.pointer, carry.count) & kernels.table.all_finite(dc.pointer, dc.count) != 0
  }

  /// After each backward and its parameter gradients.
  package func keepSums() { hasSums = true }
}

/// The buffers of a tape.
private struct TapeMemory {
  /// [T + 1][B][stride] with memory (slot 0: the state before), else [T][B][stride].
  let hidden: Buffer<Float>
  /// [B][Hp].
  let cell: Buffer<Float>
  let markedCell: Buffer<Float>
  /// [T][…] when training, else one step of it.
  let z: Buffer<Float>
  let s: Buffer<Float>
  let q: Buffer<Float>
  /// [T][B][Hp].
  let dy: Buffer<Float>
  /// [B][Hp] each.
  let carry: Buffer<Float>
  let dc: Buffer<Float>
  let dq: Buffer<Float>
  /// The unit's gradient scratch.
  let sums: Buffer<Float>

  var count: Int {
    hidden.count + cell.count + markedCell.count + z.count + s.count + q.count + dy.count + carry.count + dc.count + dq.count + sums.count
  }

  init(_ unit: any Unit, stride: Int, steps: Int, rows: Int, isTraining: Bool) throws(RillError) {
    let width = padded(unit.outputSize)
    let remembers = unit.memory.vectors > 0
    let hasCell = unit.memory.vectors == 2
    let space = unit.workspace
    let training = isTraining ? 1 : 0
    let records = isTraining ? steps : 1
    hidden = try Buffer(steps + (remembers ? 1 : 0), rows, stride)
    cell = try Buffer(hasCell ? 1 : 0, rows, width)
    markedCell = try Buffer(hasCell ? training : 0, rows, width)
    z = try Buffer(records, rows, space.z)
    s = try Buffer(records * training, rows, space.s)
    q = try Buffer(records, rows, space.q)
    dy = try Buffer(steps * training, rows, width)
    carry = try Buffer(remembers ? training : 0, rows, width)
    dc = try Buffer(hasCell ? training : 0, rows, width)
    dq = try Buffer(space.q > 0 ? training : 0, rows, width)
    sums = try Buffer(count: unit.gradientCount * training)
  }
}
