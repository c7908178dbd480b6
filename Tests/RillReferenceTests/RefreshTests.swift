import RillTestSupport
import Testing

/// Streams compute from the snapshot that they pinned until they refresh.
@Suite struct RefreshTests {
  private static let testCase = NetworkCase("refresh", Architecture(vector: 3, [.lstm(17), .dense(2)])).sized(steps: 12, batch: 2)
  private let data = testCase.data

  /// Parameters unlike those of the case.
  private var others: [String: [Float]] { Self.testCase.with(\.seed, 99).parameters }

  @Test func parametersReachAStreamByPublishAndRefreshOnly() throws {
    let model = try Self.testCase.model()
    let expected = bits(try TestStream(model, batchSize: 2).run(data, blocks: [12]))
    let stream = try TestStream(model, batchSize: 2)
    var outputs = try stream.run(data, blocks: [3])
    try model.setParameters(others)
    outputs += try stream.run(data, from: 3, blocks: [3])
    try stream.refresh()  // nothing is published yet
    outputs += try stream.run(data, from: 6, blocks: [3])
    try model.publish()
    outputs += try stream.run(data, from: 9, blocks: [3])
    #expect(bits(outputs) == expected)
    try stream.refresh()
    try stream.reset()
    let fresh = try TestModel(Self.testCase.architecture, others)
    #expect(bits(try stream.run(data, blocks: [12])) == bits(try fresh.run(data, perSequence: false)))
  }

  @Test func refreshKeepsTheState() throws {
    let model = try Self.testCase.model()
    let stream = try TestStream(model, batchSize: 2)
    _ = try stream.run(data, blocks: [6])
    let state = try stream.saveState()
    try model.setParameters(others)
    try model.publish()
    try stream.refresh()
    #expect(try stream.saveState() == state)
    let fresh = try TestStream(try TestModel(Self.testCase.architecture, others), batchSize: 2)
    try fresh.loadState(state)
    #expect(bits(try stream.run(data, from: 6, blocks: [6])) == bits(try fresh.run(data, from: 6, blocks: [6])))
  }

  @Test func modelRunAndNewStreamsUseTheNewestSnapshot() throws {
    let model = try Self.testCase.model()
    let before = bits(try model.run(data, perSequence: false))
    try model.setParameters(others)
    #expect(bits(try model.run(data, perSequence: false)) == before)
    #expect(bits(try TestStream(model, batchSize: 2).run(data, blocks: [12])) == before)
    try model.publish()
    let after = bits(try TestModel(Self.testCase.architecture, others).run(data, perSequence: false))
    #expect(bits(try model.run(data, perSequence: false)) == after)
    #expect(bits(try TestStream(model, batchSize: 2).run(data, blocks: [12])) == after)
  }

  /// A reset puts a stream into the initial state of its own snapshot.
  @Test func resetUsesTheInitialStateOfTheSnapshot() throws {
    let architecture = Architecture(vector: 1, [.gru(4).with(\.initialState, true)])
    let model = try TestModel(architecture, NetworkCase("", architecture).parameters)
    let h0 = try model.parameter("0.h0_l0")
    let stream = try TestStream(model)
    try model.setParameter("0.h0_l0", [1, 2, 3, 4])
    try model.publish()
    try stream.reset()
    #expect(try stream.state("0.hidden", count: 4) == h0)
    try stream.refresh()
    #expect(try stream.state("0.hidden", count: 4) == h0)
    try stream.reset()
    #expect(try stream.state("0.hidden", count: 4) == [1, 2, 3, 4])
  }

  @Test func trainingReachesAStreamByPublishAndRefreshOnly() throws {
    let model = try Self.testCase.model()
    let stream = try TestStream(model, batchSize: 2)
    let before = bits(try stream.run(data, blocks: [12]))
    let objective = Self.testCase.objective
    let trainer = try TestTrainer(model, TrainerOptions(objective, .init("adam", learningRate: 0.1)))
    try trainer.update(TestBatch(model, data, objective))
    try stream.reset()
    #expect(bits(try stream.run(data, blocks: [12])) == before)
    try model.publish()
    try stream.refresh()
    try stream.reset()
    let trained = try TestModel(Self.testCase.architecture, try model.parameters())
    let after = bits(try stream.run(data, blocks: [12]))
    #expect(after != before)
    #expect(after == bits(try trained.run(data, perSequence: false)))
  }
}
