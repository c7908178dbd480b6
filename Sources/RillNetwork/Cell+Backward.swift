import CVector
import RillBase

// Backpropagation through time, the same for every cell:
//
//   for t = T … 1:  dh = dy[t] + carry;  the cell's step turns dh into dz[t] (the gradient of the pre-activations) and the carry to t − 1
//   dx[t] = W_ihᵀ dz[t];  dW_ih = Σ_t dz[t] x[t]ᵀ;  dW_hh = Σ_t dz[t] h[t−1]ᵀ;  db = Σ_t dz[t]
//
// A sequence that is over passes dh and dc on unchanged and has dz = 0 there, so padding changes nothing.
//
// Sums over time descend, as the steps of backward do: a sequence that is worked through in segments, last segment first, gives the same sums.
extension Cell {
  package final func backward(_ tape: Tape, _ pass: Pass, dx: UnsafeMutablePointer<Float>?) {
    if pass.range.isEmpty { return }
    throughTime(tape, pass)
    if let dx { inputGradient(tape, pass, dx) }
  }

  /// Floats of z of one row in one block.
  private var zRow: Int { shape.gates.slots * 16 }
  private func zBlock(_ pass: Pass) -> Int { pass.rows * zRow }
  private func zStep(_ pass: Pass) -> Int { pass.rows * workspace.z }

  private func throughTime(_ tape: Tape, _ pass: Pass) {
    let rows = pass.rows
    let width = shape.width
    let space = workspace
    var frame = rill__backward_frame()
    frame.blocks = shape.blocks
    frame.z_block = zBlock(pass)
    frame.s_block = rows * space.s / shape.blocks
    for t in (0..<tape.steps).reversed() {
      let dy = tape.dy.pointer + t * rows * width
      let z = tape.z.pointer + t * zStep(pass)
      pass.forEachActiveRun(tape.start + t) { first, count in
        frame.rows = count
        frame.dy = UnsafePointer(dy + first * width)
        frame.carry = tape.carry.pointer + first * width
        frame.dc = tape.dc.pointer + (tape.dc.count == 0 ? 0 : first * width)
        frame.dq = UnsafePointer(tape.dq.pointer + (tape.dq.count == 0 ? 0 : first * width))
        frame.z = z + first * zRow
        frame.s = UnsafePointer(tape.s.pointer + t * rows * space.s + first * space.s / shape.blocks)
        backwardStep(&frame, tape, pass.kernels)
      }
      pass.forEachFinishedRun(tape.start + t) { first, count in
        pass.kernels.table.add(dy + first * width, tape.carry.pointer + first * width, count * width)
        for u in 0..<shape.blocks { (z + u * zBlock(pass) + first * zRow).clear(count * zRow) }
        if space.q > 0 { (tape.q.pointer + (t * rows + first) * space.q).clear(count * space.q) }
      }
    }
  }

  /// target (+)= W_hhᵀ dz of one recurrent group.
  final func recurrentGradient(
    _ frame: rill__backward_frame, _ group: Int, _ tape: Tape, _ kernels: Kernels, to target: UnsafeMutablePointer<Float>, adding: Bool
  ) {
    let gates = shape.gates.groups[group]
    var operands = rill__product()
    operands.rows = frame.rows
    operands.a = UnsafePointer(frame.z + gates.firstSlot * 16)
    operands.a_row = zRow
    operands.a_outer = frame.z_block
    operands.c = target
    operands.c_row = shape.width
    operands.adding = adding ? 1 : 0
    multiplyTransposed(&operands, gates.gates, tape.transposed + transposedOffset(group), shape.width, kernels)
  }

  /// All steps through one panel of weights after another, so that it stays in the cache.
  private func inputGradient(_ tape: Tape, _ pass: Pass, _ dx: UnsafeMutablePointer<Float>) {
    var operands = rill__product()
    operands.rows = pass.range.count
    operands.a_row = zRow
    operands.a_outer = zBlock(pass)
    operands.c_row = shape.inputWidth
    let first = pass.range.lowerBound
    for (panel, vector) in stride(from: 0, to: shape.inputWidth / 16, by: 4).enumerated() {
      setPanel(&operands, shape.gates.inputGates, tape.transposed, shape.inputWidth, panel)
      for t in 0..<tape.steps {
        operands.a = UnsafePointer(tape.z.pointer + t * zStep(pass) + first * zRow)
        operands.c = dx + (t * pass.rows + first) * shape.inputWidth + vector * 16
        pass.kernels.table.product(&operands)
      }
    }
  }

  /// c (+)= z · the transposed weights of some gates, of `width` columns, panel by panel. Operands come with rows, a and c.
  private func multiplyTransposed(
    _ operands: inout rill__product, _ gates: [Int], _ transposed: UnsafePointer<Float>, _ width: Int, _ kernels: Kernels
  ) {
    for panel in 0..<((width + 63) / 64) {
      setPanel(&operands, gates, transposed, width, panel)
      kernels.table.product(&operands)
      operands.c += 64
    }
  }

  private func setPanel(
    _ operands: inout rill__product, _ gates: [Int], _ transposed: UnsafePointer<Float>, _ width: Int, _ panel: Int
  ) {
    operands.vectors = min(4, width / 16 - 4 * panel)
    operands.steps = gates.count * 16
    operands.outers = shape.blocks
    operands.a_step = 1
    operands.b = transposed + panel * 64 * shape.blocks * operands.steps
    operands.b_step = operands.vectors * 16
    operands.b_outer = operands.steps * operands.b_step
  }

  package final func isGradientFinite(_ tape: Tape, step: Int, row: Int, _ pass: Pass) -> Bool {
    let z = tape.z.pointer + step * zStep(pass) + row * zRow
    return (0..<shape.blocks).allSatisfy { pass.kernels.table.all_finite(z + $0 * zBlock(pass), zRow) != 0 }
  }

  // MARK: parameters

  package final var gradientCount: Int {
    let z = shape.blocks * zRow
    return z + inputSumCount + recurrentSumCount
  }

  private var inputSumCount: Int {
    shape.sumsByInput ? shape.inputSize * shape.blocks * zRow : shape.transposedCount(shape.gates.inputGates, shape.inputWidth)
  }

  private var recurrentSumCount: Int {
    shape.gates.groups.reduce(0) { $0 + shape.transposedCount($1.gates, shape.width) }
  }

  package final func sumGradients(_ tape: Tape, _ pass: Pass, _ part: Part) {
    let blocks = part.range(shape.blocks)
    let inputSums = tape.sums.pointer + shape.blocks * zRow
    // Two blocks at a time, whose sums stay in the second-level cache, and chunks of time steps, so that what a tile reads stays in the nearest one.
    for first in stride(from: blocks.lowerBound, to: blocks.upperBound, by: 2) {
      let pair = first..<min(first + 2, blocks.upperBound)
      for u in pair { sumBiases(tape, pass, u, inputSums) }
      var end = tape.steps
      while end > 0 {
        let start = max(0, end - max(1, 128 / pass.rows))
        for u in pair { sumWeights(tape, pass, start..<end, u, inputSums, isFirst: end == tape.steps && !tape.hasSums) }
        end = start
      }
    }
  }

  private func sumWeights(
    _ tape: Tape, _ pass: Pass, _ steps: Range<Int>, _ u: Int, _ inputSums: UnsafeMutablePointer<Float>, isFirst: Bool
  ) {
    if let x = tape.x {
      if shape.sumsByInput {
        narrowGradient(tape, pass, steps, u, x, inputSums, isFirst: isFirst)
      } else {
        weightGradient(
          tape, pass, steps, u, shape.gates.inputGates.count, 0, x, tape.xStride, shape.inputWidth, inputSums, isFirst: isFirst)
      }
    }
    var recurrentSums = inputSums + inputSumCount
    for (index, group) in shape.gates.groups.enumerated() {
      let source = recurrentSource(index, tape)
      weightGradient(
        tape, pass, steps, u, group.gates.count, group.firstSlot, source.x, source.row, shape.width, recurrentSums, isFirst: isFirst)
      recurrentSums += shape.transposedCount(group.gates, shape.width)
    }
  }

  /// Sums of dz of block u, and of one-hot inputs: [u][token][slot][lane].
  private func sumBiases(_ tape: Tape, _ pass: Pass, _ u: Int, _ inputSums: UnsafeMutablePointer<Float>) {
    let table = pass.kernels.table
    let biases = tape.sums.pointer + u * zRow
    let columns = inputSums + u * shape.inputSize * zRow
    if !tape.hasSums {
      biases.clear(zRow)
      if tape.tokens != nil { columns.clear(shape.inputSize * zRow) }
    }
    for t in (0..<tape.steps).reversed() {
      let z = tape.z.pointer + t * zStep(pass) + u * zBlock(pass)
      if places.biasInput != nil { table.column_sums(pass.rows, shape.gates.slots, z, zRow, biases) }
      if let tokens = tape.tokens { table.scatter_rows(pass.rows, shape.gates.slots, tokens + t * pass.rows, z, zRow, columns) }
    }
  }

  /// What a recurrent group multiplies: h before the step, or r⊙h.
  private func recurrentSource(_ group: Int, _ tape: Tape) -> (x: UnsafePointer<Float>, row: Int) {
    workspace.q > 0 && group == shape.gates.groups.count - 1
      ? (UnsafePointer(tape.q.pointer), shape.width) : (UnsafePointer(tape.hidden.pointer), tape.outputStride)
  }

  /// target[u][z row][column] (+)= Σ over steps, descending, and rows of dz · x, z rows of `gates` slots from `firstSlot`.
  private func weightGradient(
    _ tape: Tape, _ pass: Pass, _ steps: Range<Int>, _ u: Int, _ gates: Int, _ firstSlot: Int, _ x: UnsafePointer<Float>, _ xRow: Int,
    _ columns: Int, _ target: UnsafeMutablePointer<Float>, isFirst: Bool
  ) {
    let last = steps.upperBound - 1
    var operands = rill__product()
    operands.rows = gates * 16
    operands.vectors = columns / 16
    operands.steps = pass.rows
    operands.outers = steps.count
    operands.a = UnsafePointer(tape.z.pointer + last * zStep(pass) + u * zBlock(pass) + firstSlot * 16)
    operands.a_row = 1
    operands.a_step = zRow
    operands.a_outer = -zStep(pass)
    operands.b = x + last * pass.rows * xRow
    operands.b_step = xRow
    operands.b_outer = -pass.rows * xRow
    operands.c = target + u * gates * 16 * columns
    operands.c_row = columns
    operands.adding = isFirst ? 0 : 1
    pass.kernels.table.product(&operands)
  }

  /// The same of few inputs, with the roles exchanged: target[u][input][slot][lane] (+)= Σ x · dz. Their one vector of columns would leave most of a tile
  /// empty.
  private func narrowGradient(
    _ tape: Tape, _ pass: Pass, _ steps: Range<Int>, _ u: Int, _ x: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>,
    isFirst: Bool
  ) {
    let last = steps.upperBound - 1
    var operands = rill__product()
    operands.rows = shape.inputSize
    operands.vectors = shape.gates.inputGates.count
    operands.steps = pass.rows
    operands.outers = steps.count
    operands.a = x + last * pass.rows * tape.xStride
    operands.a_row = 1
    operands.a_step = tape.xStride
    operands.a_outer = -pass.rows * tape.xStride
    operands.b = UnsafePointer(tape.z.pointer + last * zStep(pass) + u * zBlock(pass))
    operands.b_step = zRow
    operands.b_outer = -zStep(pass)
    operands.c = target + u * shape.inputSize * zRow
    operands.c_row = zRow
    operands.adding = isFirst ? 0 : 1
    pass.kernels.table.product(&operands)
  }

  package final func addGradients(_ tape: Tape, _ part: Part, to gradients: UnsafeMutablePointer<Float>) {
    let blocks = part.range(shape.blocks)
    let sums = UnsafePointer(tape.sums.pointer)
    if places.biasInput != nil { shape.addBiases(sums, places, blocks, to: gradients) }
    var place = sums + shape.blocks * zRow
    if shape.sumsByInput {
      shape.addInputRows(place, blocks, to: gradients + places.weightInput)
    } else {
      shape.addRows(place, shape.inputSize, shape.gates.inputGates, blocks, to: gradients + places.weightInput)
    }
    place += inputSumCount
    for group in shape.gates.groups {
      shape.addRows(place, shape.hiddenSize, group.gates, blocks, to: gradients + places.weightRecurrent)
      place += shape.transposedCount(group.gates, shape.width)
    }
  }

  /// What is left at the first step is the gradient of the state before it: of parameters, where that was the initial one.
  package final func addInitialGradients(
    _ tape: Tape, isInitial: UnsafePointer<Bool>, rows: Int, to gradients: UnsafeMutablePointer<Float>
  ) {
    for row in 0..<rows where isInitial[row] {
      for unit in 0..<shape.hiddenSize {
        if let hidden = places.hidden { gradients[hidden + unit] += tape.carry.pointer[row * shape.width + unit] }
        if let cell = places.cell { gradients[cell + unit] += tape.dc.pointer[row * shape.width + unit] }
      }
    }
  }
}
