import CPlatform
import CVector
import RillBase

/// The live state of some sequences ("lanes") and everything a step needs, allocated once.
///
/// A step walks `plan`, an array of frames and kernels whose pointers were set at creation: it allocates, locks and retains nothing.
package final class Stream {
  package let model: Model
  package let batchSize: Int
  let network: Network

  /// One kernel call of a step.
  struct Entry {
    var kernel: @convention(c) (UnsafePointer<rill__frame>?) -> Void
    var frame: rill__frame
    /// Where the unit's packed parameters start in a snapshot.
    var packedOffset: Int
    /// Floats of hidden state to carry over to the next step; 0 for units without.
    var stateCount: Int
    /// Offsets of the unit's initial hidden and cell state in the packed parameters, or −1: zeros.
    var initialHidden: Int
    var initialCell: Int
    /// The unit's number.
    var unit: Int
  }

  /// What surrounds the plan in a step, as plain pointers: following references would count them, atomically, in memory that all streams share.
  struct Boundary {
    let takeInput:
      (
        @convention(c) (Int, Int, UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int) ->
          Void
      )
    let giveOutput:
      (
        @convention(c) (Int, Int, UnsafePointer<Float>?, Int, UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafeMutablePointer<Float>?) ->
          Void
      )
    let allFinite: (@convention(c) (UnsafePointer<Float>?, Int) -> Int)
    let inputShift: UnsafePointer<Float>?
    let inputScale: UnsafePointer<Float>?
    let outputShift: UnsafePointer<Float>?
    let outputScale: UnsafePointer<Float>?
    let inputSize: Int
    let outputSize: Int

    init(_ network: Network) {
      takeInput = network.kernels.table.take_input
      giveOutput = network.kernels.table.give_output
      allFinite = network.kernels.table.all_finite
      inputShift = network.input.scaling.map { UnsafePointer($0.shift.pointer) }
      inputScale = network.input.scaling.map { UnsafePointer($0.scale.pointer) }
      outputShift = network.architecture.output.map { UnsafePointer($0.shift.pointer) }
      outputScale = network.architecture.output.map { UnsafePointer($0.scale.pointer) }
      inputSize = network.input.size
      outputSize = network.outputSize
    }
  }

  let plan: UnsafeMutableBufferPointer<Entry>
  private let memory: Buffer<Float>
  /// All hidden and cell states, one after another, rows padded: the whole state.
  let state: UnsafeMutableBufferPointer<Float>
  /// Padded input rows, for vector models.
  private let input: UnsafeMutablePointer<Float>
  private let inputWidth: Int
  /// Where the last unit leaves its rows.
  private let output: UnsafeMutablePointer<Float>
  private let outputWidth: Int
  private let boundary: Boundary
  private var snapshot: Unmanaged<Snapshot>
  /// True after a diverged step: the state is lost.
  package private(set) var needsReset = false

  package convenience init(_ model: Model, batchSize: Int) throws(RillError) {
    let layout = try StreamLayout(model.network, batchSize)
    self.init(model, batchSize, layout, try Buffer(count: layout.total))
  }

  private init(_ model: Model, _ batchSize: Int, _ layout: StreamLayout, _ memory: Buffer<Float>) {
    self.model = model
    self.batchSize = batchSize
    self.memory = memory
    network = model.network
    boundary = Boundary(model.network)
    let base = memory.pointer
    inputWidth = network.input.isToken ? 0 : padded(network.input.size)
    input = base + layout.input
    state = UnsafeMutableBufferPointer(start: base + layout.state, count: layout.stateCount)
    plan = .allocate(capacity: layout.kernels.count)

    var place = layout.state
    var last = input
    var lastWidth = inputWidth
    for (index, (unitIndex, kernel)) in layout.kernels.enumerated() {
      let unit = network.units[unitIndex]
      let width = padded(unit.outputSize)
      var frame = rill__frame()
      frame.rows = batchSize
      unit.fill(&frame, packed: UnsafePointer(base))
      frame.x = UnsafePointer(last)
      frame.x_stride = lastWidth
      if unit.memory.vectors > 0 {
        frame.h = UnsafePointer(base + place)
        place += batchSize * width
      }
      if unit.memory.vectors > 1 {
        frame.c = base + place
        place += batchSize * width
      }
      frame.h_next = base + layout.outputs[index]
      frame.z = base + layout.z
      frame.s = base + layout.z  // never touched: nothing is saved for backward
      frame.q = base + layout.q
      let initial = unit.initialState
      (plan.baseAddress! + index).initialize(
        to: Entry(
          kernel: kernel, frame: frame, packedOffset: network.packedOffsets[unitIndex],
          stateCount: unit.memory.vectors > 0 ? batchSize * width : 0, initialHidden: initial?.hidden ?? -1,
          initialCell: initial?.cell ?? -1, unit: unitIndex))
      last = frame.h_next
      lastWidth = width
    }
    output = last
    outputWidth = lastWidth
    snapshot = model.pinNewest()
    adoptWeights()
    reset()
  }

  deinit {
    model.unpin(snapshot)
    plan.deallocate()
  }

  package var readsTokens: Bool { inputWidth == 0 }
  package var inputSize: Int { boundary.inputSize }
  package var outputSize: Int { boundary.outputSize }

  package func areFinite(_ values: UnsafePointer<Float>, _ count: Int) -> Bool { boundary.allFinite(values, count) != 0 }

  // MARK: snapshot

  /// Adopts the model's newest snapshot; the state stays.
  package func refresh() {
    if model.isNewest(snapshot) { return }
    let newest = model.pinNewest()
    model.unpin(snapshot)
    snapshot = newest
    adoptWeights()
  }

  private func adoptWeights() {
    let packed = snapshot._withUnsafeGuaranteedRef { UnsafePointer($0.packed.pointer) }
    for index in plan.indices { plan[index].frame.weights = packed + plan[index].packedOffset }
  }

  // MARK: reset

  /// Puts every lane into the model's initial state.
  package func reset() {
    for lane in 0..<batchSize { resetLane(lane) }
    needsReset = false
  }

  /// Puts one lane into the model's initial state.
  package func resetLane(_ lane: Int) {
    for index in plan.indices where plan[index].stateCount > 0 {
      let entry = plan.baseAddress! + index
      let width = entry.pointee.stateCount / batchSize
      let hidden = UnsafeMutablePointer(mutating: entry.pointee.frame.h!) + lane * width
      let weights = entry.pointee.frame.weights!
      if entry.pointee.initialHidden >= 0 {
        hidden.copy(weights + entry.pointee.initialHidden, width)
      } else {
        hidden.clear(width)
      }
      guard let cell = entry.pointee.frame.c else { continue }
      if entry.pointee.initialCell >= 0 {
        (cell + lane * width).copy(weights + entry.pointee.initialCell, width)
      } else {
        (cell + lane * width).clear(width)
      }
    }
  }

  /// Ends the need of a reset: a whole state was written.
  func stateWasReplaced() { needsReset = false }

  // MARK: step

  /// One time step from checked input: x [B][input size], or tokens [B]. False if the state is not finite any more.
  @inline(always)
  private func advance(_ x: UnsafePointer<Float>?, _ tokens: UnsafePointer<Int32>?) -> Bool {
    if let x {
      boundary.takeInput(batchSize, boundary.inputSize, x, boundary.inputShift, boundary.inputScale, input, inputWidth)
    }
    var entry = plan.baseAddress!
    if plan.count > 0 { entry.pointee.frame.tokens = tokens }
    for _ in 0..<plan.count {
      entry.pointee.kernel(&entry.pointee.frame)
      let count = entry.pointee.stateCount
      if count > 0 {
        UnsafeMutablePointer(mutating: entry.pointee.frame.h!).copy(entry.pointee.frame.h_next!, count)
        // Any cell: sums of large finite products are inf − inf. A cell state that is not finite shows in h.
        if boundary.allFinite(entry.pointee.frame.h, count) == 0 {
          needsReset = true
          return false
        }
      }
      entry += 1
    }
    return true
  }

  /// `steps` time steps. x: [steps][B][input size] or tokens: [steps][B], checked; y: [steps][B][output size]. Returns the number of steps done:
  /// fewer than asked for if the state overflowed (became infinite or NaN) in the one after.
  package func run(_ steps: Int, _ x: UnsafePointer<Float>?, _ tokens: UnsafePointer<Int32>?, _ y: UnsafeMutablePointer<Float>) -> Int {
    let mode = rill__enter_float_mode()
    defer { rill__leave_float_mode(mode) }
    let inputCount = batchSize * boundary.inputSize
    for t in 0..<steps {
      guard advance(x.map { $0 + t * inputCount }, tokens.map { $0 + t * batchSize }) else { return t }
      writeOutput(y + t * batchSize * boundary.outputSize)
    }
    return steps
  }

  /// A step whose output nobody reads.
  func skip(_ x: UnsafePointer<Float>?, _ tokens: UnsafePointer<Int32>?) -> Bool {
    let mode = rill__enter_float_mode()
    defer { rill__leave_float_mode(mode) }
    return advance(x, tokens)
  }

  /// The output of the last step, [B][output size] in the host's units.
  func writeOutput(_ y: UnsafeMutablePointer<Float>) {
    boundary.giveOutput(batchSize, boundary.outputSize, output, outputWidth, boundary.outputShift, boundary.outputScale, y)
  }
}
