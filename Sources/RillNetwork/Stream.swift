import CPlatform
import CVector
import RillBase

/// The live state of some sequences ("lanes") and everything a step needs, allocated once.
///
/// A step walks `plan`, an array of frames and kernels whose pointers were set at creation: it allocates, locks and retains nothing.
package final class Stream {
  package let model: Model
  package let batchSize: Int
  package let network: Network
  let precision: Precision

  /// A unit that inference runs.
  struct Part {
    let kernel: ForwardKernel
    /// For blocks of steps.
    var frame: rill__frame
    /// [2 + N][B][Hp]: slots 0 and 1, which steps write in turn, and the outputs of a block.
    let slots: UnsafeMutablePointer<Float>
    /// B · Hp.
    let slotCount: Int
    /// Hp.
    let width: Int
    /// Whether the newest slot is a state.
    let remembers: Bool
    /// Where the unit's packed parameters start in a snapshot.
    let packedOffset: Int
    /// Offsets of the unit's initial hidden and cell state in the packed parameters, or −1: zeros.
    let initialHidden: Int
    let initialCell: Int
    /// Its calls in the plan.
    let calls: Range<Int>
    /// The unit's number.
    let unit: Int
  }

  let parts: UnsafeMutableBufferPointer<Part>
  let plan: UnsafeMutablePointer<rill__plan>
  private let memory: Buffer<Float>
  /// N: see StreamLayout.
  let blockSteps: Int
  /// Elements of a step's input (of a token model −1, so that no vector fits) and of its output.
  package let stepInputs: Int
  package let stepOutputs: Int
  /// A plain pointer: following references would count them, atomically, in memory that all streams share.
  let stepKernel: StepKernel
  private var snapshot: Unmanaged<Snapshot>
  /// True after a diverged step: the state is lost.
  package internal(set) var needsReset = false

  package convenience init(_ model: Model, batchSize: Int, _ options: StreamOptions = StreamOptions()) throws(RillError) {
    let layout = try StreamLayout(model.network, batchSize, options.precision)
    let memory = try Buffer<Float>(count: layout.total)
    self.init(model, batchSize, options, layout, memory, try model.pinNewest(options.precision))
  }

  private init(
    _ model: Model, _ batchSize: Int, _ options: StreamOptions, _ layout: StreamLayout, _ memory: Buffer<Float>,
    _ snapshot: Unmanaged<Snapshot>
  ) {
    self.model = model
    self.batchSize = batchSize
    self.memory = memory
    self.snapshot = snapshot
    precision = options.precision
    network = model.network
    stepKernel = network.kernels.table.step
    blockSteps = layout.blockSteps
    let base = memory.pointer
    let input = network.input
    var last = (UnsafePointer(base + layout.input), UnsafePointer(base + layout.input))
    var lastWidth = input.isToken ? 0 : padded(input.size)
    stepInputs = input.isToken ? -1 : batchSize * input.size
    stepOutputs = batchSize * network.outputSize

    plan = .allocate(capacity: 1)
    plan.initialize(to: rill__plan())
    plan.pointee.rows = batchSize
    plan.pointee.replacing = options.replacesNonFinite ? 1 : 0
    plan.pointee.input_size = input.size
    plan.pointee.input_width = lastWidth
    plan.pointee.input = base + layout.input
    if let scaling = input.scaling {
      plan.pointee.input_shift = UnsafePointer(scaling.shift.pointer)
      plan.pointee.input_scale = UnsafePointer(scaling.scale.pointer)
    }
    plan.pointee.output_size = network.outputSize
    if let scaling = network.architecture.output {
      plan.pointee.output_shift = UnsafePointer(scaling.shift.pointer)
      plan.pointee.output_scale = UnsafePointer(scaling.scale.pointer)
    }
    let isRow = batchSize == 1 && precision == .float32
    let offsets = model.network.packedOffsets(precision)
    let units = layout.kernels.map { model.network.units[$0.unit] }
    let rowCalls = units.map { isRow ? $0.rowCalls(model.network.kernels) : [] }
    let callCount = rowCalls.reduce(0) { $0 + max(1, $1.count) }
    parts = .allocate(capacity: units.count)
    plan.pointee.count = callCount
    plan.pointee.token_calls = rowCalls.first.map { max(1, $0.count) } ?? 0
    plan.pointee.calls = (.allocate(capacity: max(1, callCount)), .allocate(capacity: max(1, callCount)))
    var place = 0
    for (index, (unitIndex, kernel)) in layout.kernels.enumerated() {
      let unit = units[index]
      let width = padded(unit.outputSize)
      var frame = rill__frame()
      frame.rows = batchSize
      unit.fill(&frame, packed: UnsafePointer(base), precision)
      frame.x_stride = lastWidth
      if unit.memory.vectors > 1 { frame.c = base + layout.cells[index] }
      frame.z = base + layout.z
      frame.z_row = frame.slots * 16
      // Blocks take turns in the same scratch memory, which then stays in the first-level cache; but a cell with q passes over its blocks twice.
      frame.z_block = unit.workspace.q > 0 ? batchSize * frame.z_row : 0
      frame.s = base + layout.z  // never touched: nothing is saved for backward
      frame.q = base + layout.q
      frame.expanded = base + layout.expanded
      let slots = base + layout.outputs[index]
      let slotCount = batchSize * width
      let calls =
        rowCalls[index].isEmpty ? [RowCall(kernel: kernel, first: 0, count: frame.blocks, stride: 1)] : rowCalls[index]
      // Weights that the first-level cache holds are there in any order, and ascending blocks are ready when the next step asks for them.
      let alternates = 4 * unit.weightsRead(precision) > 40_000
      for turn in 0..<2 {
        let isForward = turn == 0 || !alternates
        // Slot `turn` of this unit from slot `turn` of the one before.
        frame.x = turn == 0 ? last.0 : last.1
        frame.h = UnsafePointer(slots + (1 - turn) * slotCount)
        frame.h_next = slots + turn * slotCount
        let list = turn == 0 ? plan.pointee.calls.0! : plan.pointee.calls.1!
        for (number, call) in (isForward ? calls : calls.reversed()).enumerated() {
          frame.first = isForward ? call.first : call.first + (call.count - 1) * call.stride
          frame.count = call.count
          frame.stride = isForward ? call.stride : -call.stride
          (list + place + number).initialize(to: rill__call(kernel: call.kernel, frame: frame))
        }
      }
      (frame.first, frame.count, frame.stride) = (0, frame.blocks, 1)
      let initial = unit.initialState(precision)
      (parts.baseAddress! + index).initialize(
        to: Part(
          kernel: kernel, frame: frame, slots: slots, slotCount: slotCount, width: width, remembers: unit.memory.vectors > 0,
          packedOffset: offsets[unitIndex], initialHidden: initial?.hidden ?? -1, initialCell: initial?.cell ?? -1,
          calls: place..<(place + calls.count), unit: unitIndex))
      place += calls.count
      last = (UnsafePointer(slots), UnsafePointer(slots + slotCount))
      lastWidth = width
    }
    plan.pointee.outputs = (last.0, last.1)
    plan.pointee.output_width = lastWidth
    adoptWeights()
    reset()
  }

  deinit {
    model.unpin(snapshot)
    plan.pointee.calls.0!.deallocate()
    plan.pointee.calls.1!.deallocate()
    plan.deallocate()
    parts.deallocate()
  }

  package var replacesNonFinite: Bool { plan.pointee.replacing != 0 }
  package var readsTokens: Bool { plan.pointee.input_width == 0 }
  package var inputSize: Int { plan.pointee.input_size }
  package var outputSize: Int { plan.pointee.output_size }

  // MARK: snapshot

  /// Adopts the model's newest snapshot; the state stays.
  package func refresh() {
    if model.isNewest(snapshot) { return }
    let newest = model.pinNewest()
    // A publish that is just under way may not have come to this precision yet.
    guard newest._withUnsafeGuaranteedRef({ $0.weights(precision) }) != nil else { return model.unpin(newest) }
    model.unpin(snapshot)
    snapshot = newest
    adoptWeights()
  }

  private func adoptWeights() {
    let packed = snapshot._withUnsafeGuaranteedRef { $0.weights(precision)! }
    for index in parts.indices {
      let weights = packed + parts[index].packedOffset
      parts[index].frame.weights = weights
      for call in parts[index].calls {
        plan.pointee.calls.0![call].frame.weights = weights
        plan.pointee.calls.1![call].frame.weights = weights
      }
    }
  }

  // MARK: reset

  /// Puts every lane into the model's initial state.
  package func reset() {
    for lane in 0..<batchSize { resetLane(lane) }
    needsReset = false
  }

  /// Puts one lane into the model's initial state.
  package func resetLane(_ lane: Int) {
    forEachState { part in
      let width = part.width
      let weights = part.frame.weights!
      start(hidden(part) + lane * width, part.initialHidden < 0 ? nil : weights + part.initialHidden, width)
      if let cell = part.frame.c { start(cell + lane * width, part.initialCell < 0 ? nil : weights + part.initialCell, width) }
    }
  }

  private func start(_ row: UnsafeMutablePointer<Float>, _ initial: UnsafePointer<Float>?, _ width: Int) {
    if let initial { row.copy(initial, width) } else { row.clear(width) }
  }

  // MARK: state

  /// [B][Hp].
  @inline(always) func hidden(_ part: Part) -> UnsafeMutablePointer<Float> { part.slots + (1 &- plan.pointee.turn) &* part.slotCount }

  /// Calls body for every unit that has a state.
  @inline(always) func forEachState(_ body: (Part) -> Void) {
    for index in parts.indices where parts[index].remembers { body(parts[index]) }
  }
}

/// See rill__kernels.
typealias StepKernel =
  @convention(c) (
    UnsafeMutablePointer<rill__plan>?, UnsafePointer<Float>?, UnsafePointer<Int32>?, UnsafeMutablePointer<Float>?
  ) -> Int
