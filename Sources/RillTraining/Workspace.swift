import RillBase
import RillNetwork

/// Tapes of all units, and the packed parameters that one pass works with: everything that depends on the size of a batch.
final class Workspace {
  let network: Network
  let capacitySteps: Int
  let capacityRows: Int
  let isTraining: Bool
  let tapes: [Tape]
  private let memory: WorkspaceMemory
  /// The time steps of the batch that are computed together.
  private(set) var segment = 0..<0
  /// True if the last step of the batch is among them, where a model with one output per sequence gives it.
  private var isLast = true
  var packed: UnsafePointer<Float> { UnsafePointer(memory.packed.pointer) }
  var loss: LossMemory { memory.loss }

  convenience init(_ network: Network, steps: Int, rows: Int, isTraining: Bool) throws(RillError) {
    let memory = try WorkspaceMemory(network, steps: steps, rows: rows, isTraining: isTraining)
    var tapes: [Tape] = []
    // Dropout may pass on what it reads.
    let last = network.units.lastIndex { !($0 is Dropout) } ?? 0
    for (index, unit) in network.units.enumerated() {
      tapes.append(
        try Tape(
          unit: unit, index: index, isLast: index >= last, steps: network.steps(of: index, steps), rows: rows, isTraining: isTraining,
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

  func fits(steps: Int, rows: Int) -> Bool { steps <= capacitySteps && rows <= capacityRows }

  /// Of everything in it.
  var bytes: Int { 4 * tapes.reduce(memory.count) { $0 + $1.floatCount } }

  func pack(_ values: UnsafePointer<Float>, _ part: Part) {
    network.pack(values, memory.packed.pointer, part, isForBatches: true)
    if isTraining { network.packTransposed(values, memory.transposed.pointer, part) }
  }

  /// Whether the segment has outputs: all have, unless the model gives one per sequence.
  var hasOutput: Bool { isLast || !network.isPerSequence }
  /// Units that have something to do in the segment.
  var activeUnits: Range<Int> { 0..<(hasOutput ? tapes.count : network.sequenceEnd ?? tapes.count) }
  private var onlyStates: Range<Int> { 0..<((network.units.lastIndex { $0.memory.vectors > 0 } ?? -1) + 1) }

  /// Points all tapes at a segment of a batch.
  func begin(_ segment: Range<Int>, _ batch: Batch, _ pass: Pass) {
    self.segment = segment
    isLast = segment.upperBound == batch.steps
    var input: UnsafePointer<Float>? = batch.x == nil ? nil : UnsafePointer(memory.x.pointer)
    var stride = batch.x == nil ? 0 : padded(batch.inputSize)
    for index in activeUnits {
      let unit = network.units[index]
      let tape = tapes[index]
      if index == network.sequenceEnd, let all = input { input = all + (segment.count - 1) * batch.rows * stride }
      tape.prepare(
        unit, pass, start: network.isPastEnd(index) ? 0 : segment.lowerBound, steps: network.steps(of: index, segment.count), x: input,
        xStride: stride,
        tokens: index == 0 ? batch.tokenValues.map { $0 + segment.lowerBound * batch.rows } : nil)
      input = UnsafePointer(tape.output)
      stride = tape.outputStride
    }
  }

  /// After this many steps states are kept as well as at the end of the segment; 0: only there.
  func mark(_ step: Int) {
    for tape in tapes { tape.markedStep = step }
  }

  /// Runs the units over the segment, for the pass's sequences. `withoutActivation`: of the last unit. `isForStates`: up to the last unit with memory.
  func forward(_ batch: Batch, _ pass: Pass, withoutActivation: Bool = false, isForStates: Bool = false) {
    takeInput(batch, pass)
    for index in isForStates ? onlyStates : activeUnits {
      if withoutActivation, index == tapes.count - 1, let head = network.units[index] as? Dense {
        head.forward(tapes[index], pass, isActive: false)
      } else {
        network.units[index].forward(tapes[index], pass)
      }
    }
  }

  private func takeInput(_ batch: Batch, _ pass: Pass) {
    guard let raw = batch.x else { return }
    let stride = padded(batch.inputSize)
    let scaling = network.input.scaling
    pass.forEachRun(segment.count) { first, count in
      _ = network.kernels.table.take_input(
        count, batch.inputSize, raw + (segment.lowerBound * batch.rows + first) * batch.inputSize, scaling?.shift.pointer,
        scaling?.scale.pointer, 0,
        memory.x.pointer + first * stride, stride)
    }
    guard let lengths = pass.lengths else { return }
    // Padded time steps start from zero: whatever stands there, however large, meets a gradient of 0 and must not turn it into NaN.
    for t in 0..<segment.count {
      for row in pass.range where Int(lengths[row]) <= segment.lowerBound + t {
        (memory.x.pointer + (t * pass.rows + row) * stride).clear(stride)
      }
    }
  }

  /// Where the loss reads outputs and leaves their gradient, [T or 1][B][Hp].
  func head(_ batch: Batch) -> (output: UnsafeMutablePointer<Float>, dy: UnsafeMutablePointer<Float>) {
    let tape = tapes[tapes.count - 1]
    let before = network.sequenceEnd == tapes.count ? (segment.count - 1) * batch.rows * padded(network.outputSize) : 0
    return (tape.output + before, tape.dy.pointer + before)
  }

  /// From the last tape's dy (of the pre-activation, `fromPreactivation`) to the gradients of all pre-activations, for the pass's sequences.
  func backward(_ pass: Pass, fromPreactivation: Bool) {
    clearPastSequences(pass)
    for index in activeUnits.reversed() {
      let unit = network.units[index]
      var dx: UnsafeMutablePointer<Float>?
      if index > 0 {
        dx = tapes[index - 1].dy.pointer
        if index == network.sequenceEnd { dx! += (segment.count - 1) * pass.rows * padded(network.units[index - 1].outputSize) }
      }
      if fromPreactivation, index == tapes.count - 1, let head = unit as? Dense {
        head.backward(tapes[index], pass, dx: dx, isActive: false)
      } else {
        unit.backward(tapes[index], pass, dx: dx)
      }
    }
  }

  /// Of the last layer that sees whole sequences only the last output went on, if the model gives one per sequence.
  private func clearPastSequences(_ pass: Pass) {
    guard let end = network.sequenceEnd else { return }
    let width = padded(network.units[end - 1].outputSize)
    for t in 0..<(segment.count - (isLast ? 1 : 0)) {
      (tapes[end - 1].dy.pointer + (t * pass.rows + pass.range.lowerBound) * width).clear(pass.range.count * width)
    }
  }

  /// What the loss looks at in the segment.
  func lossSteps(_ batch: Batch, firstStep: Int, withGradient: Bool) -> LossSteps {
    LossSteps(batch, segment, head(batch), network, withGradient: withGradient, firstStep: firstStep)
  }

  /// Whether the gradients that go on to earlier steps are finite. Where a gradient in the segment is not, they are not either.
  var isCarryFinite: Bool {
    tapes.allSatisfy { $0.isCarryFinite(network.kernels) }
  }

  /// Before the first backward of a window.
  func beginGradients(rows: Int) {
    for tape in tapes { tape.beginGradients() }
    loss.clear(rows: rows)
  }

  /// Sums up a part of the gradients of all parameters over the segment.
  func sumGradients(_ pass: Pass, _ part: Part) {
    for index in activeUnits { network.units[index].sumGradients(tapes[index], pass, part) }
  }

  /// After that, when all parts are done.
  func keepSums() {
    for index in activeUnits { tapes[index].keepSums() }
  }

  func addGradients(_ part: Part, to gradients: UnsafeMutablePointer<Float>) {
    for (unit, tape) in zip(network.units, tapes) { unit.addGradients(tape, part, to: gradients) }
  }

  func addInitialGradients(isInitial: UnsafePointer<Bool>, rows: Int, to gradients: UnsafeMutablePointer<Float>) {
    for (unit, tape) in zip(network.units, tapes) { unit.addInitialGradients(tape, isInitial: isInitial, rows: rows, to: gradients) }
  }
}

private struct WorkspaceMemory {
  /// [T][B] rows of padded input.
  let x: Buffer<Float>
  let packed: Buffer<Float>
  let transposed: Buffer<Float>
  let loss: LossMemory

  var count: Int { x.count + packed.count + transposed.count }

  init(_ network: Network, steps: Int, rows: Int, isTraining: Bool) throws(RillError) {
    x = try Buffer(steps, rows, network.input.isToken ? 0 : padded(network.input.size))
    packed = try Buffer(count: network.packedCount)
    transposed = try Buffer(count: isTraining ? network.transposedCount : 0)
    loss = try LossMemory(network, rows: rows)
  }
}
