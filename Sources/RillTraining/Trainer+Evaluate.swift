import RillBase
import RillNetwork

extension Trainer {
  /// Adds a batch, from the initial state, to the running evaluation.
  package func evaluate(_ batch: Batch) throws(RillError) {
    try withParameters { () throws(RillError) in
      try check(batch)
      // Without gradients next to nothing is kept of a step: all go in one segment.
      let workspace = try workspace(for: batch, steps: batch.steps, isTraining: false)
      let start = try NetworkState(network, rows: batch.rows)
      isPacked = false
      pack(workspace)
      for row in 0..<batch.rows { start.reset(row, network, packed: workspace.packed) }
      let pass = Pass(kernels: network.kernels, rows: batch.rows, lengths: batch.lengths, isTraining: false, seed: 0)
      workspace.begin(0..<batch.steps, batch, pass)
      workspace.loss.clear(rows: batch.rows)
      let steps = workspace.lossSteps(batch, firstStep: options.burnIn, withGradient: false)
      pool.run { part in
        let pass = pass.of(part)
        start.load(0, into: workspace.tapes, pass)
        workspace.forward(batch, pass, withoutActivation: loss.takesPreactivation)
        loss.compute(steps, rows: pass.range, workspace.loss, network.kernels)
      }
      let sums = workspace.loss.total(rows: batch.rows)
      guard sums.steps > 0 else { throw Trainer.nothingCounts }
      guard sums.loss.isFinite else { throw .diverged("the loss is not finite") }
      evaluation.add(steps, sums)
    }
  }

  package func resetMetrics() { evaluation.reset() }
}
