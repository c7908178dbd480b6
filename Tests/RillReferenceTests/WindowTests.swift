import RillTestSupport
import Testing

/// Truncation, burn-in and carried states against their definitions.
@Suite struct WindowTests {
  /// Losses, parameters and final states of several batches, against PyTorch in float64.
  @Test(arguments: try WindowFixture.all())
  func batchesFollowPyTorch(_ fixture: WindowFixture) throws {
    let model = try TestModel(fixture.configuration, fixture.parameters.values)
    let trainer = try TestTrainer(model, optionsText: fixture.options)
    for (index, batch) in fixture.batches.enumerated() {
      for lane in batch.reset { try trainer.resetState(lane: lane) }
      let loss = try trainer.update(TestBatch(model, fixture.data(batch), fixture.objective(batch)))
      #expect(relativeDifference(loss, fixture.losses[index]) < 1e-5, "batch \(index)")
    }
    for (name, expected) in fixture.final {
      #expect(normwiseDifference(doubles(try model.parameter(name)), expected) < 1e-5, "\(name)")
    }
    let stream = try TestStream(model, batchSize: fixture.batchSize)
    try trainer.getState(stream)
    for (name, expected) in fixture.states {
      // Parameters that differ in their last bits, and as many steps as the batch has.
      #expect(maximumDifference(doubles(try stream.state(name, count: expected.count)), expected) < 1e-5, "\(name)")
    }
  }
}
