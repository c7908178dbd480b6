import CVector
import RillBase

// Backpropagation through time, the same for every cell:
//
//   for t = T … 1:  dh = dy[t] + carry;  the cell's step turns dh into dz[t] (the gradient of the pre-activations) and the carry to t − 1
//   dx[t] = W_ihᵀ dz[t];  dW_ih = Σ_t dz[t] x[t]ᵀ;  dW_hh = Σ_t dz[t] h[t−1]ᵀ;  db = Σ_t dz[t]
//
// A sequence that is over passes dh and dc on unchanged and has dz = 0 there, so padding changes nothing.
extension Cell {
  package final var gradientCount: Int {
    let z = shape.blocks * shape.gates.slots * 16
    return z + inputSumCount + recurrentSumCount
  }

  private var inputSumCount: Int {
    shape.readsTokens
      ? shape.inputSize * shape.blocks * shape.gates.slots * 16 : shape.transposedCount(shape.gates.inputGates, shape.inputWidth)
  }

  /// Groups are summed one after another in the same memory.
  private var recurrentSumCount: Int {
    shape.gates.groups.reduce(0) { max($0, shape.transposedCount($1.gates, shape.width)) }
  }

  package final func backward(_ tape: Tape, _ pass: Pass, dx: UnsafeMutablePointer<Float>?, gradients: UnsafeMutablePointer<Float>) {
    throughTime(tape, pass)
    if let dx { inputGradient(tape, pass, dx) }
    initialStateGradient(tape, pass.rows, gradients)
    parameterGradients(tape, pass, gradients)
  }

  private func throughTime(_ tape: Tape, _ pass: Pass) {
    let rows = pass.rows
    let width = shape.width
    let space = workspace
    tape.carry.pointer.clear(tape.carry.count)
    tape.dc.pointer.clear(tape.dc.count)
    for t in (0..<tape.steps).reversed() {
      let dh = tape.dh.pointer
      dh.copy(tape.dy.pointer + t * rows * width, rows * width)
      pass.kernels.table.add(tape.carry.pointer, dh, rows * width)
      pass.forEachActiveRun(t) { first, count in
        var frame = rill__backward_frame()
        frame.rows = count
        frame.blocks = shape.blocks
        frame.dh = UnsafePointer(dh + first * width)
        frame.carry = tape.carry.pointer + first * width
        frame.dc = tape.dc.pointer + (tape.dc.count == 0 ? 0 : first * width)
        frame.z = tape.z.pointer + (t * rows + first) * space.z
        frame.s = UnsafePointer(tape.s.pointer + (t * rows + first) * space.s)
        backwardStep(&frame, tape, pass.kernels)
      }
      pass.forEachFinishedRun(t) { first, count in
        (tape.carry.pointer + first * width).copy(dh + first * width, count * width)
        (tape.z.pointer + (t * rows + first) * space.z).clear(count * space.z)
        if space.q > 0 { (tape.q.pointer + (t * rows + first) * space.q).clear(count * space.q) }
      }
    }
  }

  /// carry (+)= W_hhᵀ dz of one recurrent group.
  final func recurrentGradient(
    _ frame: rill__backward_frame, _ group: Int, _ tape: Tape, _ kernels: Kernels, to target: UnsafeMutablePointer<Float>, adding: Bool
  ) {
    let gates = shape.gates.groups[group]
    let steps = gates.gates.count * 16
    var operands = rill__product()
    operands.rows = frame.rows
    operands.vectors = shape.blocks
    operands.steps = steps
    operands.outers = shape.blocks
    operands.a = UnsafePointer(frame.z + gates.firstSlot * 16)
    operands.a_row = shape.width * shape.gates.slots
    operands.a_step = 1
    operands.a_outer = shape.gates.slots * 16
    operands.b = tape.transposed + transposedOffset(group)
    operands.b_step = shape.width
    operands.b_outer = steps * shape.width
    operands.c = target
    operands.c_row = shape.width
    operands.adding = adding ? 1 : 0
    kernels.table.product(&operands)
  }

  private func inputGradient(_ tape: Tape, _ pass: Pass, _ dx: UnsafeMutablePointer<Float>) {
    let steps = shape.gates.inputGates.count * 16
    var operands = rill__product()
    operands.rows = tape.steps * pass.rows
    operands.vectors = shape.inputWidth / 16
    operands.steps = steps
    operands.outers = shape.blocks
    operands.a = UnsafePointer(tape.z.pointer)
    operands.a_row = shape.width * shape.gates.slots
    operands.a_step = 1
    operands.a_outer = shape.gates.slots * 16
    operands.b = tape.transposed
    operands.b_step = shape.inputWidth
    operands.b_outer = steps * shape.inputWidth
    operands.c = dx
    operands.c_row = shape.inputWidth
    pass.kernels.table.product(&operands)
  }

  private func initialStateGradient(_ tape: Tape, _ rows: Int, _ gradients: UnsafeMutablePointer<Float>) {
    for row in 0..<rows {
      for unit in 0..<shape.hiddenSize {
        if let hidden = places.hidden { gradients[hidden + unit] += tape.carry.pointer[row * shape.width + unit] }
        if let cell = places.cell { gradients[cell + unit] += tape.dc.pointer[row * shape.width + unit] }
      }
    }
  }

  private func parameterGradients(_ tape: Tape, _ pass: Pass, _ gradients: UnsafeMutablePointer<Float>) {
    let table = pass.kernels.table
    let zRow = shape.width * shape.gates.slots
    let count = tape.steps * pass.rows
    let sums = tape.sums.pointer
    sums.clear(tape.sums.count)
    if places.biasInput != nil {
      table.column_sums(count, zRow / 16, tape.z.pointer, zRow, sums)
      shape.addBiases(sums, places, to: gradients)
    }
    let inputSums = sums + zRow
    if let tokens = tape.tokens {
      table.scatter_rows(count, zRow / 16, tokens, tape.z.pointer, zRow, inputSums)
      shape.addTokenRows(inputSums, to: gradients + places.weightInput)
    } else if let x = tape.x {
      weightGradient(tape, pass, shape.gates.inputGates.count, 0, x, tape.xStride, shape.inputWidth, inputSums)
      shape.addRows(inputSums, shape.inputSize, shape.gates.inputGates, to: gradients + places.weightInput)
    }
    let recurrentSums = inputSums + inputSumCount
    for (index, group) in shape.gates.groups.enumerated() {
      let source = UnsafePointer(recurrentSource(index, tape))
      weightGradient(tape, pass, group.gates.count, group.firstSlot, source, shape.width, shape.width, recurrentSums)
      shape.addRows(recurrentSums, shape.hiddenSize, group.gates, to: gradients + places.weightRecurrent)
    }
  }

  /// What a recurrent group multiplies: h before the step, or r⊙h.
  private func recurrentSource(_ group: Int, _ tape: Tape) -> UnsafeMutablePointer<Float> {
    workspace.q > 0 && group == shape.gates.groups.count - 1 ? tape.q.pointer : tape.hidden.pointer
  }

  /// target[z row][column] = Σ over all steps and rows of dz · x, z rows of `gates` slots from `firstSlot`. In chunks of rows, so that a chunk of x stays
  /// in the cache while all tiles pass over it; the sum is one chain all the same.
  private func weightGradient(
    _ tape: Tape, _ pass: Pass, _ gates: Int, _ firstSlot: Int, _ x: UnsafePointer<Float>, _ xRow: Int, _ columns: Int,
    _ target: UnsafeMutablePointer<Float>
  ) {
    let zRow = shape.width * shape.gates.slots
    let count = tape.steps * pass.rows
    let chunk = 128
    var start = 0
    while start < count {
      for u in 0..<shape.blocks {
        var operands = rill__product()
        operands.rows = gates * 16
        operands.vectors = columns / 16
        operands.steps = min(chunk, count - start)
        operands.outers = 1
        operands.a = UnsafePointer(tape.z.pointer + start * zRow + (u * shape.gates.slots + firstSlot) * 16)
        operands.a_row = 1
        operands.a_step = zRow
        operands.b = x + start * xRow
        operands.b_step = xRow
        operands.c = target + u * gates * 16 * columns
        operands.c_row = columns
        operands.adding = start > 0 ? 1 : 0
        pass.kernels.table.product(&operands)
      }
      start += chunk
    }
  }
}
