import RillBase
import RillNetwork

/// Tapes of all units, and the packed parameters that one pass works with: everything that depends on the size of a batch.
final class Workspace {
  let network: Network
  private let capacitySteps: Int
  private let capacityRows: Int
  let isTraining: Bool
  let tapes: [Tape]
  private let memory: WorkspaceMemory
  var classes: Buffer<Int32> { memory.classes }
  var losses: Buffer<Float> { memory.losses }
  var correct: Buffer<Int32> { memory.correct }

  convenience init(_ network: Network, steps: Int, rows: Int, isTraining: Bool) throws(RillError) {
    let memory = try WorkspaceMemory(network, steps: steps, rows: rows, isTraining: isTraining)
    var tapes: [Tape] = []
    for (index, unit) in network.units.enumerated() {
      tapes.append(
        try Tape(
          unit: unit, index: index, steps: network.steps(of: index, steps), rows: rows, isTraining: isTraining,
          packed: memory.packed.pointer + network.packedOffsets[index],
          transposed: memory.transposed.pointer + (isTraining ? network.transposedOffsets[index] : 0)))
    }
    self.init(network, steps, rows, isTraining, tapes, memory)
  }

  private init(_ network: Network, _ steps: Int, _ rows: Int, _ isTraining: Bool, _ tapes: [Tape], _ memory: WorkspaceMemory) {
    self.network = network
    self.isTraining = isTraining
    self.tapes = tapes
    self.memory = memory
    capacitySteps = steps
    capacityRows = rows
  }

  func fits(steps: Int, rows: Int, isTraining: Bool) -> Bool {
    steps <= capacitySteps && rows <= capacityRows && (self.isTraining || !isTraining)
  }

  /// Packs the parameters and runs all units over a batch. `withoutActivation`: of the last unit.
  func forward(_ batch: Batch, _ values: UnsafePointer<Float>, _ pass: Pass, withoutActivation: Bool) {
    network.pack(values, memory.packed.pointer)
    if pass.isTraining { network.packTransposed(values, memory.transposed.pointer) }
    var input: UnsafePointer<Float>?
    var stride = 0
    if let raw = batch.x {
      stride = padded(batch.inputSize)
      let scaling = network.input.scaling
      _ = network.kernels.table.take_input(
        batch.steps * batch.rows, batch.inputSize, raw, scaling?.shift.pointer, scaling?.scale.pointer, 0, memory.x.pointer, stride)
      clearPadding(pass, steps: batch.steps, stride)
      input = UnsafePointer(memory.x.pointer)
    }
    for (index, unit) in network.units.enumerated() {
      let tape = tapes[index]
      let steps = network.steps(of: index, batch.steps)
      if index == network.sequenceEnd, let all = input { input = all + (batch.steps - 1) * batch.rows * stride }
      tape.prepare(unit, steps: steps, rows: batch.rows, x: input, xStride: stride, tokens: index == 0 ? batch.tokenValues : nil)
      if withoutActivation, index == tapes.count - 1, let head = unit as? Dense {
        head.forward(tape, pass, isActive: false)
      } else {
        unit.forward(tape, pass)
      }
      input = UnsafePointer(tape.output)
      stride = padded(unit.outputSize)
    }
  }

  /// Padded time steps start from zero: whatever stands there, however large, meets a gradient of 0 and must not turn it into NaN.
  private func clearPadding(_ pass: Pass, steps: Int, _ stride: Int) {
    guard let lengths = pass.lengths else { return }
    for t in 0..<steps {
      for row in 0..<pass.rows where Int(lengths[row]) <= t {
        (memory.x.pointer + (t * pass.rows + row) * stride).clear(stride)
      }
    }
  }

  /// Where the loss reads outputs and leaves their gradient, [T or 1][B][Hp]. A recurrent layer at the end of a model with one output per sequence
  /// gives its last step, and has no gradient from the others.
  func head(_ batch: Batch) -> (output: UnsafeMutablePointer<Float>, dy: UnsafeMutablePointer<Float>) {
    let tape = tapes[tapes.count - 1]
    guard network.sequenceEnd == tapes.count else { return (tape.output, tape.dy.pointer) }
    let before = (batch.steps - 1) * batch.rows * padded(network.outputSize)
    if tape.dy.count > 0 { tape.dy.pointer.clear(before) }
    return (tape.output + before, tape.dy.pointer + before)
  }

  /// From the last tape's dy (of the pre-activation, `fromPreactivation`) to the gradients of all parameters, which are added to `gradients`.
  func backward(_ batch: Batch, _ pass: Pass, fromPreactivation: Bool, gradients: UnsafeMutablePointer<Float>) {
    for index in network.units.indices.reversed() {
      let unit = network.units[index]
      var dx: UnsafeMutablePointer<Float>?
      if index > 0 {
        let below = tapes[index - 1].dy.pointer
        dx = below
        if index == network.sequenceEnd {
          // Only the last output of each sequence went on from here.
          let row = batch.rows * padded(network.units[index - 1].outputSize)
          below.clear((batch.steps - 1) * row)
          dx = below + (batch.steps - 1) * row
        }
      }
      if fromPreactivation, index == tapes.count - 1, let head = unit as? Dense {
        head.backwardAffine(tapes[index], pass, dx: dx, gradients: gradients)
      } else {
        unit.backward(tapes[index], pass, dx: dx, gradients: gradients)
      }
    }
  }
}

private struct WorkspaceMemory {
  /// [T][B] rows of padded input.
  let x: Buffer<Float>
  let packed: Buffer<Float>
  let transposed: Buffer<Float>
  /// For cross-entropy: classes with padding as −1, losses and right answers, [T][B].
  let classes: Buffer<Int32>
  let losses: Buffer<Float>
  let correct: Buffer<Int32>

  init(_ network: Network, steps: Int, rows: Int, isTraining: Bool) throws(RillError) {
    x = try Buffer(steps, rows, network.input.isToken ? 0 : padded(network.input.size))
    packed = try Buffer(count: network.packedCount)
    transposed = try Buffer(count: isTraining ? network.transposedCount : 0)
    classes = try Buffer(steps, rows)
    losses = try Buffer(steps, rows)
    correct = try Buffer(steps, rows)
  }
}
