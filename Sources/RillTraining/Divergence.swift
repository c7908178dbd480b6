import RillBase
import RillNetwork

// Where something that is not finite came from first.
extension Trainer {
  /// Of a loss: the first unit, at the first time step, whose output overflowed. Passes once more over the window, whose start is still there; over the
  /// steps before it too, if they were a burn-in, in which it may have begun.
  func lossCause(_ window: Window, _ batch: Batch, _ pass: Pass, _ workspace: Workspace, _ states: TrainerStates) -> Text {
    // Before the totals are overwritten.
    let sums = workspace.loss.sums.pointer
    let row = (0..<batch.rows).first { !sums[$0].loss.isFinite }
    if window.firstCounted == options.burnIn {
      begin(states, workspace)
      if let cause = outputCause(burnInSegments(workspace), batch, pass, workspace, states.starts) { return cause }
    }
    if let cause = outputCause(segments(window.start..<window.end, workspace), batch, pass, workspace, states.starts) { return cause }
    return "the loss\(row.map { " of sequence \($0)" } ?? "") is not finite, though every output is"
  }

  private func outputCause(_ segments: Segments, _ batch: Batch, _ pass: Pass, _ workspace: Workspace, _ state: NetworkState) -> Text? {
    var pass = pass
    pass.isSaving = false
    for index in 0..<segments.count {
      workspace.begin(segments[index], batch, pass)
      state.load(0, into: workspace.tapes, pass)
      workspace.forward(batch, pass, withoutActivation: loss.takesPreactivation)
      if let place = workspace.firstInfiniteOutput(pass) {
        return
          "\(workspace.network.unitNames[place.unit]): its output became infinite or NaN first, at time step \(place.time) of sequence \(place.row)"
      }
      state.save(0, after: segments[index].count, from: workspace.tapes, pass)
    }
    return nil
  }

  /// Of a gradient, of the segment that the workspace holds: going back in time and down from the head, the first unit with one.
  func gradientCause(_ workspace: Workspace, _ pass: Pass) -> Text? {
    workspace.firstInfiniteGradient(pass).map {
      "\(workspace.network.unitNames[$0.unit]): its gradient became infinite or NaN first, at time step \($0.time) of sequence \($0.row)"
    }
  }
}

extension Workspace {
  fileprivate typealias Place = (unit: Int, time: Int, row: Int)

  fileprivate func firstInfiniteOutput(_ pass: Pass) -> Place? {
    for time in segment {
      for unit in activeUnits {
        guard let step = step(of: unit, at: time) else { continue }
        let size = network.units[unit].outputSize
        for row in 0..<pass.rows where network.isPastEnd(unit) || time < length(row, pass) {
          let output = tapes[unit].output + (step * pass.rows + row) * tapes[unit].outputStride
          if network.kernels.table.all_finite(output, size) == 0 { return (unit, min(time, length(row, pass) - 1), row) }
        }
      }
    }
    return nil
  }

  fileprivate func firstInfiniteGradient(_ pass: Pass) -> Place? {
    for time in segment.reversed() {
      for unit in activeUnits.reversed() {
        guard let step = step(of: unit, at: time) else { continue }
        for row in 0..<pass.rows where !network.units[unit].isGradientFinite(tapes[unit], step: step, row: row, pass) {
          return (unit, min(time, length(row, pass) - 1), row)
        }
      }
    }
    return nil
  }

  private func length(_ row: Int, _ pass: Pass) -> Int { pass.lengths.map { Int($0[row]) } ?? Int.max }

  /// The step of a unit's tape that belongs to a time step of the batch.
  private func step(of unit: Int, at time: Int) -> Int? {
    if !network.isPastEnd(unit) { return time - segment.lowerBound }
    return time == segment.upperBound - 1 ? 0 : nil
  }
}
