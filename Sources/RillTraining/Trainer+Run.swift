import RillBase
import RillNetwork

// How a batch becomes gradients: window by window, each in segments of as many steps as activations are kept of. States lead from one to the next.
extension Trainer {
  /// Adds the gradients of a batch's windows to those that wait, and calls `afterWindow` after each. Returns the loss of the batch.
  func run(_ batch: Batch, _ afterWindow: () throws(RillError) -> Void) throws(RillError) -> Double {
    try check(batch)
    let longest = options.longestWindow(steps: batch.steps)
    let workspace = try workspace(for: batch, steps: longest, isTraining: true)
    if let states, states.isGiven, states.rows != batch.rows {
      throw .argument("batch: has \(batch.rows) sequences, but the states that it begins with are of \(states.rows)")
    }
    let states = if let states, states.rows == batch.rows { states } else { try TrainerStates(network, rows: batch.rows) }
    try states.reserve(segments: segments(0..<longest, workspace).count, network)
    isPacked = false
    pack(workspace)
    // Fixed odd multipliers spread the updates, and the batches that share one, over the keys of the random numbers.
    let waiting = gradients.isSpent ? 0 : UInt64(gradients.count)
    let key = seed &+ UInt64(optimizer.updateCount) &* 0x9E37_79B9_7F4A_7C15 &+ waiting &* 0xD1B5_4A32_D192_ED03
    let pass = Pass(kernels: network.kernels, rows: batch.rows, lengths: batch.lengths, isTraining: true, seed: key)
    begin(states, workspace)
    for index in 0..<burnInSegments(workspace).count {
      passOver(burnInSegments(workspace)[index], batch, pass, workspace, states.starts, from: 0, to: 0)
    }
    if options.burnIn > 0 { states.leaveInitial() }
    var total = LossSums()
    var window = options.window(after: nil, steps: batch.steps)
    while let now = window {
      pack(workspace)
      // The initial state is a parameter too.
      states.restart(network, packed: workspace.packed)
      total.add(try addGradient(now, batch, pass, workspace, states))
      try afterWindow()
      states.advance(to: now.next)
      window = options.window(after: now, steps: batch.steps)
    }
    guard total.steps > 0, total.weight > 0 || !options.isMean else { throw Trainer.nothingCounts }
    states.commit()
    self.states = states
    return options.isMean ? total.loss / total.weight : total.loss
  }

  static var nothingCounts: RillError { .argument("batch: no step of it counts in the loss") }

  func check(_ batch: Batch) throws(RillError) {
    try batch.check(network, loss)
    guard batch.steps > options.burnIn else {
      throw .argument("batch: its sequence_length \(batch.steps) is not more than burn_in, so no step counts")
    }
  }

  /// Room for windows of so many steps of a batch: what is at hand, or made anew. A failed allocation leaves what is at hand.
  func workspace(for batch: Batch, steps: Int, isTraining: Bool) throws(RillError) -> Workspace {
    let steps = isTraining ? min(steps, options.checkpointEvery ?? steps) : steps
    for workspace in [workspace, isTraining ? nil : evaluationWorkspace] {
      if let workspace, workspace.fits(steps: steps, rows: batch.rows) { return workspace }
    }
    let made = try Workspace(network, steps: steps, rows: batch.rows, isTraining: isTraining)
    if isTraining { workspace = made } else { evaluationWorkspace = made }
    return made
  }

  func pack(_ workspace: Workspace) {
    if isPacked { return }
    pool.run { workspace.pack(model.values.pointer, $0) }
    isPacked = true
  }

  func segments(_ steps: Range<Int>, _ workspace: Workspace) -> Segments {
    Segments(steps: steps, most: min(workspace.capacitySteps, options.checkpointEvery ?? Int.max))
  }

  /// Steps before the first window: only to find its state.
  func burnInSegments(_ workspace: Workspace) -> Segments { segments(0..<options.burnIn, workspace) }

  /// Puts the states to the beginning of a batch.
  func begin(_ states: TrainerStates, _ workspace: Workspace) {
    states.begin(isStateful: options.isStateful)
    states.restart(network, packed: workspace.packed)
  }

  /// Runs the units with memory over a segment, from one state of a list to another.
  private func passOver(
    _ segment: Range<Int>, _ batch: Batch, _ pass: Pass, _ workspace: Workspace, _ states: NetworkState, from start: Int, to end: Int
  ) {
    var pass = pass
    pass.isSaving = false
    workspace.begin(segment, batch, pass)
    pool.run { part in
      let pass = pass.of(part)
      states.load(start, into: workspace.tapes, pass)
      workspace.forward(batch, pass, isForStates: true)
      states.save(end, after: segment.count, from: workspace.tapes, pass)
    }
  }

  /// Adds the gradient of a window's loss, and finds the state where the next window begins.
  private func addGradient(
    _ window: Window, _ batch: Batch, _ pass: Pass, _ workspace: Workspace, _ states: TrainerStates
  ) throws(RillError) -> LossSums {
    let segments = segments(window.start..<window.end, workspace)
    for index in 0..<(segments.count - 1) {
      passOver(segments[index], batch, pass, workspace, states.starts, from: index, to: index + 1)
    }
    if window.next == window.start { states.next.copy(states.starts) }
    workspace.beginGradients(rows: batch.rows)
    var cause: Text?
    for index in (0..<segments.count).reversed() {
      let segment = segments[index]
      workspace.begin(segment, batch, pass)
      let isNext = segment.lowerBound < window.next && window.next <= segment.upperBound
      workspace.mark(isNext ? window.next - segment.lowerBound : 0)
      pool.run { part in
        let pass = pass.of(part)
        states.starts.load(index, into: workspace.tapes, pass)
        workspace.forward(batch, pass, withoutActivation: loss.takesPreactivation)
        if isNext { states.next.save(0, after: window.next - segment.lowerBound, from: workspace.tapes, pass) }
        if workspace.hasOutput {
          let steps = workspace.lossSteps(batch, firstStep: window.firstCounted, withGradient: true)
          loss.compute(steps, rows: pass.range, workspace.loss, network.kernels)
        }
        workspace.backward(pass, fromPreactivation: loss.takesPreactivation)
      }
      pool.run { workspace.sumGradients(pass, $0) }
      workspace.keepSums()
      // The next segment overwrites what would show where a gradient overflowed.
      if index > 0, cause == nil, !workspace.isCarryFinite { cause = gradientCause(workspace, pass) }
    }
    let sums = workspace.loss.total(rows: batch.rows)
    guard sums.loss.isFinite else {
      gradients.spend()
      throw .diverged("\(lossCause(window, batch, pass, workspace, states)); the parameters are as they were")
    }
    guard sums.steps > 0, sums.weight > 0 || !options.isMean else { return sums }
    gradients.open()
    pool.run { workspace.addGradients($0, to: gradients.values.pointer) }
    workspace.addInitialGradients(isInitial: states.isInitial.pointer, rows: batch.rows, to: gradients.values.pointer)
    gradients.add(loss: sums.loss, weight: sums.weight)
    let norm = measureNorm()
    gradients.norm = norm
    guard norm.isFinite else {
      gradients.spend()
      throw gradientDiverged(cause ?? gradientCause(workspace, pass))
    }
    return sums
  }
}
