import CVector
import RillBase

/// What the recurrent cells share: packing, running over time, and backpropagation through time. A subclass names its gates, its kernels and
/// the order of its backward step.
package class Cell: Unit {
  package let shape: CellShape
  package let places: CellParameters

  init(shape: CellShape, places: CellParameters) {
    self.shape = shape
    self.places = places
  }

  // A subclass answers these; the base class has no equation of its own.
  package var memory: Memory { .hidden }
  package var workspace: Workspace { Workspace(z: shape.width * shape.gates.slots) }
  package func stepKernel(_ kernels: Kernels) -> ForwardKernel? { nil }
  package func fill(_ frame: inout rill__frame, packed: UnsafePointer<Float>, _ precision: Precision) {
    let panel = shape.panel(precision)
    place(&frame, panel)
    frame.blocks = shape.blocks
    frame.output_size = shape.hiddenSize
    frame.h_row = shape.width
    frame.precision = precision.rawValue
    frame.input_gates = shape.gates.inputGates.count
    frame.slots = shape.gates.slots
    frame.panel = panel.biasStride
    frame.count = shape.blocks
    frame.stride = 1
    frame.weights = packed
  }
  private final func place(_ frame: inout rill__frame, _ panel: Panel) {
    frame.input = panel.matrices[0]
    frame.recurrent = panel.matrices[1]
    if panel.matrices.count > 2 { frame.candidate = panel.matrices[2] }
  }

  /// A kernel that takes several unit blocks of a single row together, if that is faster at this size: measured, see docs/performance.md.
  func groupKernel(_ kernels: Kernels) -> (kernel: ForwardKernel, size: Int)? { nil }

  /// Two blocks hide each other's latency. More of them, one by one, are finished one after another while the next step begins, and in alternating order
  /// find more of their weights in the first-level cache; beyond the second-level cache pairs are even again.
  final var prefersPairs: Bool { shape.blocks == 2 || weightBytes > 3_000_000 }
  package final var weightBytes: Int { 4 * shape.panel(.float32).count }

  package final func rowCalls(_ kernels: Kernels) -> [RowCall] {
    guard let single = stepKernel(kernels) else { return [] }
    guard let group = groupKernel(kernels) else { return [RowCall(kernel: single, first: 0, count: shape.blocks, stride: 1)] }
    let count = shape.blocks / group.size
    let rest = shape.blocks - count * group.size
    let groups = RowCall(kernel: group.kernel, first: 0, count: count, stride: group.size)
    return rest == 0 ? [groups] : [groups, RowCall(kernel: single, first: count * group.size, count: rest, stride: 1)]
  }

  /// From the gradient of the hidden state after the step, frame.dy + frame.carry: that of z in place of its factors, and in frame.carry that of
  /// the state before it.
  func backwardStep(_ frame: inout rill__backward_frame, _ tape: Tape, _ kernels: Kernels) {}

  package final var outputSize: Int { shape.hiddenSize }

  package final var packedCount: Int { packedCount(.float32) }

  private final var stateCount: Int { places.hidden == nil ? 0 : shape.width * memory.vectors }

  package final func initialState(_ precision: Precision) -> (hidden: Int, cell: Int)? {
    let start = shape.panel(precision).count
    return places.hidden == nil ? nil : (start, start + shape.width)
  }

  package final func packedCount(_ precision: Precision) -> Int { shape.panel(precision).count + stateCount }

  package final func weightsRead(_ precision: Precision) -> Int {
    let unread = shape.readsTokens ? (shape.inputSize - 1) * shape.gates.inputGates.count * shape.width : 0
    return shape.panel(precision).count - unread
  }

  package final var initialPlaces: (hidden: Int, cell: Int?)? { places.hidden.map { ($0, places.cell) } }

  package final func shrink(_ packed: UnsafePointer<Float>, _ precision: Precision, _ small: UnsafeMutablePointer<Float>) {
    let (from, to) = (shape.panel(.float32), shape.panel(precision))
    for u in 0..<shape.blocks {
      RillNetwork.shrink(u, from, packed, to: to, small, isLookedUp: shape.readsTokens, precision)
    }
    (small + to.count).copy(packed + from.count, stateCount)
  }

  package final func expansion(_ precision: Precision) -> (matrix: Int, row: Int) {
    let vectors = shape.gates.inputGates.count
    return (padded(max(shape.readsTokens ? 0 : shape.inputRows, shape.recurrentRows), to: 4) * vectors * 16, vectors * 16)
  }

  package final func pack(_ parameters: UnsafePointer<Float>, _ packed: UnsafeMutablePointer<Float>, _ how: Packing) {
    shape.pack(parameters, places, packed, how)
    guard how.part.isFirst, let initial = initialState(.float32) else { return }
    if let hidden = places.hidden { (packed + initial.hidden).copy(parameters + hidden, shape.hiddenSize) }
    if let cell = places.cell { (packed + initial.cell).copy(parameters + cell, shape.hiddenSize) }
  }

  package final var multiplyAdds: Int {
    let gates = shape.gates.inputGates.count
    return gates * shape.hiddenSize * ((shape.readsTokens ? 0 : shape.inputSize) + shape.hiddenSize)
  }

  /// Computes every step from the state that the tape begins with; sequences that are over keep their last state, so the last output of each is its final
  /// one.
  package final func forward(_ tape: Tape, _ pass: Pass) {
    guard let kernel = stepKernel(pass.kernels) else { return }
    let rows = pass.rows
    let width = shape.width
    var frame = rill__frame()
    fill(&frame, packed: tape.packed, .float32)
    place(&frame, shape.batchPanel)
    frame.saving = pass.isSaving ? 1 : 0
    frame.x_stride = tape.xStride
    frame.h_row = tape.outputStride
    frame.z_row = shape.gates.slots * 16
    frame.z_block = rows * frame.z_row
    frame.s_block = rows * workspace.s / shape.blocks
    if pass.isSaving { multiplyInputs(&frame, tape, pass) }
    for t in 0..<tape.steps {
      let before = tape.hidden.pointer + t * rows * frame.h_row
      let after = before + rows * frame.h_row
      pass.forEachActiveRun(tape.start + t) { first, count in
        place(&frame, tape, pass, t, first, count)
        frame.h = UnsafePointer(before + first * frame.h_row)
        frame.h_next = after + first * frame.h_row
        frame.c = tape.cell.pointer + (memory.vectors == 2 ? first * width : 0)
        _ = kernel(&frame)
      }
      pass.forEachFinishedRun(tape.start + t) { first, count in
        (after + first * frame.h_row).copy(before + first * frame.h_row, count * frame.h_row)
      }
      if t + 1 == tape.markedStep, memory.vectors == 2 {
        let first = pass.range.lowerBound * width
        (tape.markedCell.pointer + first).copy(tape.cell.pointer + first, pass.range.count * width)
      }
    }
  }

  /// Points a frame at some rows of a time step.
  private final func place(_ frame: inout rill__frame, _ tape: Tape, _ pass: Pass, _ t: Int, _ first: Int, _ count: Int) {
    let space = workspace
    let record = pass.isSaving ? t * pass.rows : 0
    frame.rows = count
    frame.x = tape.x.map { $0 + (t * pass.rows + first) * tape.xStride }
    frame.tokens = tape.tokens.map { $0 + t * pass.rows + first }
    frame.z = tape.z.pointer + record * space.z + first * frame.z_row
    frame.s = tape.s.pointer + (pass.isSaving ? record * space.s + first * space.s / shape.blocks : 0)
    frame.q = tape.q.pointer + (record + first) * space.q
  }

  /// The input products of all time steps, one block of weights after another, where the weights of all blocks are more than the second-level cache holds:
  /// each is then fetched once, not once a step.
  private final func multiplyInputs(_ frame: inout rill__frame, _ tape: Tape, _ pass: Pass) {
    guard tape.x != nil, weightBytes > 700_000, !pass.range.isEmpty else { return }
    for u in 0..<shape.blocks {
      (frame.first, frame.count) = (u, 1)
      for t in 0..<tape.steps {
        place(&frame, tape, pass, t, pass.range.lowerBound, pass.range.count)
        pass.kernels.table.prepare(&frame)
      }
    }
    (frame.first, frame.count) = (0, shape.blocks)
    frame.prepared = 1
  }

  // MARK: backward

  package final var transposedCount: Int {
    var count = shape.transposedCount(shape.gates.inputGates, shape.readsTokens ? 0 : shape.inputWidth)
    for group in shape.gates.groups { count += shape.transposedCount(group.gates, shape.width) }
    return count
  }

  package final func packTransposed(_ parameters: UnsafePointer<Float>, _ transposed: UnsafeMutablePointer<Float>, _ part: Part) {
    let blocks = part.range(shape.blocks)
    if !shape.readsTokens {
      shape.packTransposed(parameters + places.weightInput, shape.inputSize, shape.gates.inputGates, blocks, transposed)
    }
    for (index, group) in shape.gates.groups.enumerated() {
      let to = transposed + transposedOffset(index)
      shape.packTransposed(parameters + places.weightRecurrent, shape.hiddenSize, group.gates, blocks, to)
    }
  }

  /// Where a recurrent group's transposed weights start; the input's start at 0.
  final func transposedOffset(_ group: Int) -> Int {
    var offset = shape.transposedCount(shape.gates.inputGates, shape.readsTokens ? 0 : shape.inputWidth)
    for earlier in shape.gates.groups[..<group] { offset += shape.transposedCount(earlier.gates, shape.width) }
    return offset
  }
}
