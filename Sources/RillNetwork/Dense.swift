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

  package func pack(_ parameters: UnsafePointer<Float>, _ packed: UnsafeMutablePointer<Float>) {
    if isByRows {
      if let bias { packed.copy(parameters + bias, outputSize) }
      for unit in 0..<outputSize { (packed + 16 + unit * inputWidth).copy(parameters + weight + unit * inputSize, inputSize) }
      return
    }
    let panel = panel(.float32)
    for unit in 0..<outputSize {
      let to = packed + unit / 16 * panel.biasStride + unit % 16
      if let bias { to[0] = parameters[bias + unit] }
      for k in 0..<inputSize { to[(1 + k) * 16] = parameters[weight + unit * inputSize + k] }
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

  /// All time steps at once.
  package func forward(_ tape: Tape, _ pass: Pass, isActive: Bool) {
    var frame = rill__frame()
    fill(&frame, packed: tape.packed, .float32)
    if !isActive { frame.kind = Int(rill__linear) }
    frame.rows = tape.steps * pass.rows
    frame.saving = pass.isTraining ? 1 : 0
    frame.x = tape.x
    frame.x_stride = tape.xStride
    frame.tokens = tape.tokens
    frame.h_next = tape.output
    frame.z = tape.z.pointer
    _ = stepKernel(pass.kernels)?(&frame)
  }

  // MARK: backward

  package var transposedCount: Int { readsTokens ? 0 : width * inputWidth }

  package func packTransposed(_ parameters: UnsafePointer<Float>, _ transposed: UnsafeMutablePointer<Float>) {
    if readsTokens { return }
    for unit in 0..<outputSize { (transposed + unit * inputWidth).copy(parameters + weight + unit * inputSize, inputSize) }
  }

  package var gradientCount: Int { width + (readsTokens ? inputSize * width : width * inputWidth) }

  package func backward(_ tape: Tape, _ pass: Pass, dx: UnsafeMutablePointer<Float>?, gradients: UnsafeMutablePointer<Float>) {
    pass.kernels.table.dense_backward(activation, tape.steps * pass.rows, width / 16, tape.dy.pointer, tape.z.pointer, tape.output)
    backwardAffine(tape, pass, dx: dx, gradients: gradients)
  }

  /// From tape.dy as the gradient of the pre-activation:  dx = Wᵀ dz;  dW = Σ dz xᵀ;  db = Σ dz
  package func backwardAffine(_ tape: Tape, _ pass: Pass, dx: UnsafeMutablePointer<Float>?, gradients: UnsafeMutablePointer<Float>) {
    let table = pass.kernels.table
    let count = tape.steps * pass.rows
    let dz = tape.dy.pointer
    if let dx {
      var operands = rill__product()
      operands.rows = count
      operands.vectors = inputWidth / 16
      operands.steps = outputSize
      operands.outers = 1
      operands.a = UnsafePointer(dz)
      operands.a_row = width
      operands.a_step = 1
      operands.b = tape.transposed
      operands.b_step = inputWidth
      operands.c = dx
      operands.c_row = inputWidth
      table.product(&operands)
    }
    let sums = tape.sums.pointer
    sums.clear(tape.sums.count)
    if let bias {
      table.column_sums(count, width / 16, dz, width, sums)
      for unit in 0..<outputSize { gradients[bias + unit] += sums[unit] }
    }
    let weights = sums + width
    if let tokens = tape.tokens {
      table.scatter_rows(count, width / 16, tokens, dz, width, weights)
      for unit in 0..<outputSize {
        for token in 0..<inputSize { gradients[weight + unit * inputSize + token] += weights[token * width + unit] }
      }
    } else if let x = tape.x {
      var operands = rill__product()
      operands.rows = outputSize
      operands.vectors = inputWidth / 16
      operands.steps = count
      operands.outers = 1
      operands.a = UnsafePointer(dz)
      operands.a_row = 1
      operands.a_step = width
      operands.b = x
      operands.b_step = tape.xStride
      operands.c = weights
      operands.c_row = inputWidth
      table.product(&operands)
      for unit in 0..<outputSize {
        for k in 0..<inputSize { gradients[weight + unit * inputSize + k] += weights[unit * inputWidth + k] }
      }
    }
  }
}
