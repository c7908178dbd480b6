import CVector
import RillBase

/// Dense layer, the same affine map and activation at every time step: y = φ(W x + b).
///
/// Losses that take the pre-activation of the last layer (softmax and sigmoid heads) run it with `isActive` false.
package final class Dense: Unit {
  package let inputSize: Int
  package let outputSize: Int
  package let activation: Int
  private let readsTokens: Bool
  private let weight: Int
  private let bias: Int?
  private var chains: Int { 4 }

  init(inputSize: Int, outputSize: Int, activation: Int, readsTokens: Bool, weight: Int, bias: Int?) {
    self.inputSize = inputSize
    self.outputSize = outputSize
    self.activation = activation
    self.readsTokens = readsTokens
    self.weight = weight
    self.bias = bias
  }

  private var width: Int { padded(outputSize) }
  private var inputWidth: Int { padded(inputSize) }
  private var inputRows: Int { readsTokens ? inputSize : padded(inputSize, to: chains) }
  /// Few outputs: weights lie as rows, each output is a scalar product (see Dense.swift of the kernels).
  private var isByRows: Bool { outputSize <= 4 && !readsTokens }

  package var packedCount: Int { isByRows ? 16 + outputSize * inputWidth : panel(.float32).count }
  private func panel(_ precision: Precision) -> Panel {
    Panel(blocks: width / 16, bias: 1, matrices: [(inputRows, 1)], isLookedUp: readsTokens, isSplit: false, isByRows ? .float32 : precision)
  }

  package func packedCount(_ precision: Precision) -> Int { isByRows ? packedCount : panel(precision).count }

  package func weightsRead(_ precision: Precision) -> Int { readsTokens ? 2 * width : packedCount(precision) }

  package func shrink(_ packed: UnsafePointer<Float>, _ precision: Precision, _ small: UnsafeMutablePointer<Float>) {
    if isByRows { return small.copy(packed, packedCount) }
    let (from, to) = (panel(.float32), panel(precision))
    for u in 0..<(width / 16) {
      RillNetwork.shrink(u, from, packed, to: to, small, isLookedUp: readsTokens, precision)
    }
  }

  package func expansion(_ precision: Precision) -> (matrix: Int, row: Int) {
    isByRows || readsTokens ? (0, 0) : (padded(inputRows, to: 4) * 16, 16)
  }

  package var memory: Memory { .none }
  package var workspace: Workspace { Workspace(z: width) }
  package var multiplyAdds: Int { readsTokens ? 0 : inputSize * outputSize }

  package func pack(_ parameters: UnsafePointer<Float>, _ packed: UnsafeMutablePointer<Float>, _ how: Packing) {
    if isByRows {
      guard how.part.isFirst else { return }
      if let bias { packed.copy(parameters + bias, outputSize) }
      for unit in 0..<outputSize { (packed + 16 + unit * inputWidth).copy(parameters + weight + unit * inputSize, inputSize) }
      return
    }
    let panel = panel(.float32)
    for u in how.part.range(width / 16) {
      let units = min(16, outputSize - u * 16)
      let to = packed + u * panel.biasStride
      if let bias { to.copy(parameters + bias + u * 16, units) }
      how.kernels.table.transpose(units, inputSize, parameters + weight + u * 16 * inputSize, inputSize, to + 16, 16)
    }
  }

  package func fill(_ frame: inout rill__frame, packed: UnsafePointer<Float>, _ precision: Precision) {
    frame.blocks = width / 16
    frame.output_size = outputSize
    let panel = panel(precision)
    frame.input = isByRows ? rill__matrix(at: 16, stride: 0, rows: inputWidth, scales_at: 0, half: 0) : panel.matrices[0]
    frame.panel = panel.biasStride
    frame.precision = isByRows ? 0 : precision.rawValue
    frame.kind = activation
    frame.weights = packed
  }

  package func stepKernel(_ kernels: Kernels) -> ForwardKernel? {
    isByRows ? kernels.table.dense_by_rows_forward : kernels.table.dense_forward
  }

  package func forward(_ tape: Tape, _ pass: Pass) { forward(tape, pass, isActive: true) }

  package func forward(_ tape: Tape, _ pass: Pass, isActive: Bool) {
    var frame = rill__frame()
    fill(&frame, packed: tape.packed, .float32)
    if !isActive { frame.kind = Int(rill__linear) }
    frame.saving = pass.isSaving ? 1 : 0
    frame.x_stride = tape.xStride
    pass.forEachRun(tape.steps) { first, count in
      frame.rows = count
      frame.x = tape.x.map { $0 + first * tape.xStride }
      frame.tokens = tape.tokens.map { $0 + first }
      frame.h_next = tape.output + first * width
      frame.z = tape.z.pointer + (pass.isSaving ? first * width : 0)
      _ = stepKernel(pass.kernels)?(&frame)
    }
  }

  // MARK: backward

  package var transposedCount: Int { readsTokens ? 0 : width * inputWidth }

  package func packTransposed(_ parameters: UnsafePointer<Float>, _ transposed: UnsafeMutablePointer<Float>, _ part: Part) {
    if readsTokens { return }
    for unit in part.range(outputSize) { (transposed + unit * inputWidth).copy(parameters + weight + unit * inputSize, inputSize) }
  }

  package var gradientCount: Int { width + (readsTokens ? inputSize * width : width * inputWidth) }

  package func backward(_ tape: Tape, _ pass: Pass, dx: UnsafeMutablePointer<Float>?) { backward(tape, pass, dx: dx, isActive: true) }

  /// dz = dy⊙φ';  dx = Wᵀ dz. Not active: tape.dy is the gradient of the pre-activation already.
  package func backward(_ tape: Tape, _ pass: Pass, dx: UnsafeMutablePointer<Float>?, isActive: Bool) {
    var operands = rill__product()
    operands.vectors = inputWidth / 16
    operands.steps = outputSize
    operands.outers = 1
    operands.a_row = width
    operands.a_step = 1
    operands.b = tape.transposed
    operands.b_step = inputWidth
    operands.c_row = inputWidth
    pass.forEachRun(tape.steps) { first, count in
      let dz = tape.dy.pointer + first * width
      if isActive {
        pass.kernels.table.dense_backward(activation, count, width / 16, dz, tape.z.pointer + first * width, tape.output + first * width)
      }
      guard let dx else { return }
      operands.rows = count
      operands.a = UnsafePointer(dz)
      operands.c = dx + first * inputWidth
      pass.kernels.table.product(&operands)
    }
  }

  /// dW = Σ dz xᵀ;  db = Σ dz, over rows of the batch ascending within time steps descending.
  package func sumGradients(_ tape: Tape, _ pass: Pass, _ part: Part) {
    let table = pass.kernels.table
    let units = part.range(width / 16)
    let biases = tape.sums.pointer + units.lowerBound * 16
    if !tape.hasSums { biases.clear(units.count * 16) }
    for t in (0..<tape.steps).reversed() {
      table.column_sums(pass.rows, units.count, tape.dy.pointer + t * pass.rows * width + units.lowerBound * 16, width, biases)
    }
    if let tokens = tape.tokens {
      sumTokens(tokens, tape, pass, part)
    } else if let x = tape.x {
      sumWeights(x, tape, pass, part.range(outputSize))
    }
  }

  /// Any step may use any row of the table: one part does all.
  private func sumTokens(_ tokens: UnsafePointer<Int32>, _ tape: Tape, _ pass: Pass, _ part: Part) {
    guard part.isFirst else { return }
    let sums = tape.sums.pointer + width
    if !tape.hasSums { sums.clear(inputSize * width) }
    for t in (0..<tape.steps).reversed() {
      let first = t * pass.rows
      pass.kernels.table.scatter_rows(pass.rows, width / 16, tokens + first, tape.dy.pointer + first * width, width, sums)
    }
  }

  /// In chunks of time steps, so that their inputs stay in the cache while all outputs pass over them.
  private func sumWeights(_ x: UnsafePointer<Float>, _ tape: Tape, _ pass: Pass, _ units: Range<Int>) {
    var operands = rill__product()
    operands.rows = units.count
    operands.vectors = inputWidth / 16
    operands.steps = pass.rows
    operands.a_row = 1
    operands.a_step = width
    operands.a_outer = -pass.rows * width
    operands.b_step = tape.xStride
    operands.b_outer = -pass.rows * tape.xStride
    operands.c = tape.sums.pointer + width + units.lowerBound * inputWidth
    operands.c_row = inputWidth
    operands.adding = tape.hasSums ? 1 : 0
    let chunk = max(1, 128 / pass.rows)
    var end = tape.steps
    while end > 0 {
      operands.outers = min(chunk, end)
      operands.a = UnsafePointer(tape.dy.pointer + (end - 1) * pass.rows * width + units.lowerBound)
      operands.b = x + (end - 1) * pass.rows * tape.xStride
      pass.kernels.table.product(&operands)
      operands.adding = 1
      end -= operands.outers
    }
  }

  package func addGradients(_ tape: Tape, _ part: Part, to gradients: UnsafeMutablePointer<Float>) {
    let sums = tape.sums.pointer
    for unit in part.range(outputSize) {
      if let bias { gradients[bias + unit] += sums[unit] }
      let to = gradients + weight + unit * inputSize
      for k in 0..<inputSize { to[k] += readsTokens ? sums[width + k * width + unit] : sums[width + unit * inputWidth + k] }
    }
  }
}
