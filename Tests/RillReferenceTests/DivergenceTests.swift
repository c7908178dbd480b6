import CRill
import RillTestSupport
import Testing

/// What a trainer says, and keeps, when something in an update is not finite.
@Suite struct DivergenceTests {
  /// A way of computing that must not change what is said.
  private static let ways: [@Sendable (TrainerOptions) -> TrainerOptions] = [
    { $0 }, { $0.with(\.threads, 3) }, { $0.with(\.checkpointEvery, 2) }, { $0.with(\.checkpointEvery, 1).with(\.threads, 2) },
    { $0.with(\.accumulate, 3) }, { $0.with(\.stateful, true) },
  ]

  /// A relu network whose states grow by `factor` at every step from an input of `first` on; its head gives what it is multiplied with.
  private struct Growth {
    let architecture = Architecture(
      vector: 1, [.dense(1).with(\.name, "in"), .rnn(2, nonlinearity: "relu").with(\.name, "memory"), .dense(1).with(\.name, "head")])
    var factor: Float
    var head: Float

    func model() throws -> TestModel {
      try TestModel(
        architecture,
        [
          "in.weight": [1], "in.bias": [0], "memory.weight_ih_l0": [1, 0], "memory.weight_hh_l0": [factor, 0, 0, 0],
          "memory.bias_ih_l0": [0, 0], "memory.bias_hh_l0": [0, 0], "head.weight": [head, 0], "head.bias": [0],
        ])
    }

    /// Three sequences of zeros, but for one input, and targets of zero.
    func data(steps: Int, lengths: [Int32]? = nil, at time: Int, of sequence: Int, _ value: Float) -> (SequenceData, Objective) {
      var data = SequenceData(sequenceLength: steps, batchSize: 3, lengths: lengths)
      data.inputs = [Float](repeating: 0, count: steps * 3)
      data.inputs[time * 3 + sequence] = value
      var objective = Objective(.mse)
      objective.targets = [Float](repeating: 0, count: steps * 3)
      return (data, objective)
    }
  }

  private func expectDiverged(
    _ words: [String], _ place: SourceLocation = #_sourceLocation, _ call: () throws -> Void
  ) {
    let failure = #expect(throws: RillFailure.self, sourceLocation: place, performing: call)
    #expect(failure?.status == Int32(RILL_ERROR_DIVERGED), sourceLocation: place)
    for word in words { #expect(failure?.message.contains(word) == true, "\(failure?.message ?? "")", sourceLocation: place) }
  }

  // MARK: where it began

  /// h = 1, 1e10, 1e20, 1e30, and then more than float32 holds: four steps after the input.
  @Test(arguments: ways.indices)
  func aLossNamesWhereAStateOverflowed(_ way: Int) throws {
    let growth = Growth(factor: 1e10, head: 0)
    let model = try growth.model()
    let (data, objective) = growth.data(steps: 9, lengths: [9, 2, 9], at: 1, of: 2, 1)
    let plain = Self.ways[way](TrainerOptions(objective, .init("sgd", learningRate: 0)))
    let words = ["layer memory (rnn", "output", "time step 5 of sequence 2"]
    let batch = try TestBatch(model, data, objective)
    expectDiverged(words) { try TestTrainer(model, plain).update(batch) }
    expectDiverged(words) { try TestTrainer(model, plain).evaluateGradients(batch) }
    // In a later window, in overlapping ones, and where no loss counts yet.
    expectDiverged(words) { try TestTrainer(model, plain.with(\.truncation, .init(3))).update(batch) }
    expectDiverged(words) { try TestTrainer(model, plain.with(\.truncation, .init(2, 5))).update(batch) }
    expectDiverged(words) { try TestTrainer(model, plain.with(\.burnIn, 7)).update(batch) }
    expectDiverged(words) { try TestTrainer(model, plain.with(\.burnIn, 7).with(\.truncation, .init(1, 2))).update(batch) }
  }

  /// The first layer of the first time step, though all above it overflow in the same.
  @Test(arguments: ways.indices)
  func aLossNamesTheLowestLayer(_ way: Int) throws {
    let growth = Growth(factor: 1, head: 1)
    let model = try growth.model()
    try model.setParameter("in.weight", [10])
    let (data, objective) = growth.data(steps: 6, at: 3, of: 1, 3e38)
    let options = Self.ways[way](TrainerOptions(objective))
    expectDiverged(["layer in (dense", "time step 3 of sequence 1"]) {
      try TestTrainer(model, options).update(TestBatch(model, data, objective))
    }
  }

  /// A short sequence of a model with one output per sequence overflows at its own end.
  @Test(arguments: ways.indices)
  func aLossNamesTheEndOfAShortSequence(_ way: Int) throws {
    let architecture = Architecture(
      vector: 1, [.rnn(1, nonlinearity: "relu").with(\.returnSequences, false), .dense(1).with(\.name, "head")])
    let model = try TestModel(
      architecture,
      [
        "0.weight_ih_l0": [1], "0.weight_hh_l0": [1], "0.bias_ih_l0": [0], "0.bias_hh_l0": [0], "head.weight": [1e30], "head.bias": [0],
      ])
    var data = SequenceData(sequenceLength: 5, batchSize: 3, lengths: [5, 3, 4])
    data.inputs = [Float](repeating: 0, count: 15)
    data.inputs[1 * 3 + 1] = 1e10
    var objective = Objective(.mse)
    objective.targets = [0, 0, 0]
    let options = Self.ways[way](TrainerOptions(objective))
    expectDiverged(["layer head (dense", "time step 2 of sequence 1"]) {
      try TestTrainer(model, options).update(TestBatch(model, data, objective))
    }
  }

  /// Finite outputs and targets too far apart.
  @Test func aLossOfItsOwnNamesTheSequence() throws {
    let growth = Growth(factor: 0, head: 1)
    let model = try growth.model()
    var (data, objective) = growth.data(steps: 3, at: 1, of: 2, 3e38)
    objective.targets[1 * 3 + 2] = -3e38
    data.lengths = [2, 3, 2]
    expectDiverged(["the loss of sequence 2", "every output"]) {
      try TestTrainer(model, TrainerOptions(objective)).update(TestBatch(model, data, objective))
    }
  }

  /// States of 1e-37, 1e-22, 1e-7 and 1e8 from time step 2 on, whose gradients going back are 2e8, 2e23, 2e38, and at time step 2 too large.
  @Test(arguments: ways.indices)
  func aGradientNamesWhereItOverflowed(_ way: Int) throws {
    let growth = Growth(factor: 1e15, head: 1)
    let model = try growth.model()
    var (data, objective) = growth.data(steps: 6, lengths: [6, 6, 1], at: 2, of: 1, 1e-37)
    objective.weights = (0..<18).map { $0 == 5 * 3 + 1 ? 1 : 0 }
    let options = Self.ways[way](TrainerOptions(objective, .init("sgd", learningRate: 0.1)))
    let batch = try TestBatch(model, data, objective)
    let trainer = try TestTrainer(model, options)
    expectDiverged(["layer memory (rnn", "gradient", "time step 2 of sequence 1"]) { try trainer.update(batch) }
    // The gradient can be looked at: it tells which parameters it spoils.
    #expect(try trainer.gradient("in.weight").allSatisfy { !$0.isFinite })
    #expect(try trainer.gradient("head.weight").allSatisfy { $0.isFinite })
    expectDiverged(["layer memory (rnn", "time step 2 of sequence 1"]) { try TestTrainer(model, options).evaluateGradients(batch) }
    data.lengths = nil
    expectDiverged(["layer memory (rnn", "time step 2 of sequence 1"]) {
      try TestTrainer(model, options).update(TestBatch(model, data, objective))
    }
  }

  /// Twice the difference of output and target is more than float32 holds, while its square is not more than double does.
  @Test(arguments: ways.indices)
  func aGradientNamesTheHead(_ way: Int) throws {
    let growth = Growth(factor: 0, head: 1)
    let model = try growth.model()
    var (data, objective) = growth.data(steps: 5, at: 0, of: 0, 1)
    objective.targets[3 * 3 + 1] = 3e38
    let options = Self.ways[way](TrainerOptions(objective))
    expectDiverged(["layer head (dense", "gradient", "time step 3 of sequence 1"]) {
      try TestTrainer(model, options).update(TestBatch(model, data, objective))
    }
    data.inputs[0] = 0
    let reference = ReferenceNetwork(growth.architecture, doubles(try model.parameters()))
    let trainer = try TestTrainer(model, options)
    try trainer.evaluate(TestBatch(model, data, objective))  // which has no gradient
    #expect(relativeDifference(try trainer.metric("loss"), reference.loss(of: data, objective)) < 1e-6)
  }

  @Test func anEvaluationThatDivergesIsForgotten() throws {
    let growth = Growth(factor: 1e10, head: 0)
    let model = try growth.model()
    let (data, objective) = growth.data(steps: 9, at: 1, of: 2, 1)
    let (good, _) = growth.data(steps: 9, at: 8, of: 2, 1)
    let trainer = try TestTrainer(model, TrainerOptions(objective))
    try trainer.evaluate(TestBatch(model, good, objective))
    let loss = try trainer.metric("loss")
    expectDiverged(["loss"]) { try trainer.evaluate(TestBatch(model, data, objective)) }
    #expect(try trainer.metric("loss") == loss)
    #expect(try trainer.metric("step_count") == 27)
  }

  // MARK: what stays

  private static let learner = NetworkCase(
    "stays", Architecture(vector: 2, [.lstm(6).with(\.initialState, true), .rnn(5, nonlinearity: "relu"), .dense(2)])
  )
  .sized(steps: 6, batch: 3)

  /// A batch of the learner's whose gradient is not finite from a time step on.
  private func bad(_ model: TestModel, _ testCase: NetworkCase, at time: Int = 2) throws -> TestBatch {
    var objective = testCase.objective
    for i in time * testCase.batchSize * 2..<objective.targets.count { objective.targets[i] = 3e38 }
    return try TestBatch(model, testCase.data, objective)
  }

  /// A twin that never saw the bad batches goes on with the same bits: parameters, moments and carried states are as they were.
  @Test(arguments: ways.indices.filter { $0 != 4 })
  func nothingChangesInADivergedUpdate(_ way: Int) throws {
    let testCase = Self.learner
    let options = Self.ways[way](TrainerOptions(testCase.objective, .init("adam", learningRate: 0.01), clipNorm: 1)).with(\.stateful, true)
    let (model, other) = (try testCase.model(), try testCase.model())
    let (trainer, twin) = (try TestTrainer(model, options), try TestTrainer(other, options))
    let batch = try TestBatch(model, testCase.data, testCase.objective)
    let diverging = try bad(model, testCase)
    // Of another size: what is carried stays all the same.
    let small = testCase.sized(steps: 6, batch: 2)
    let smaller = try bad(model, small)
    for _ in 0..<3 {
      #expect(try trainer.update(batch) == twin.update(batch))
      let before = try model.parameters().mapValues(bits)
      expectDiverged(["parameters are as they were"]) { try trainer.update(diverging) }
      expectDiverged(["parameters are as they were"]) { try trainer.update(smaller) }
      #expect(try model.parameters().mapValues(bits) == before)
    }
    #expect(try model.parameters().mapValues(bits) == other.parameters().mapValues(bits))
    #expect(try trainer.metric("update_count") == 3)
    let (stream, twins) = (try TestStream(model, batchSize: 3), try TestStream(other, batchSize: 3))
    try trainer.getState(stream)
    try twin.getState(twins)
    #expect(try stream.saveState() == twins.saveState())
  }

  /// A state that a host has given is still given to the next batch.
  @Test func aGivenStateOutlivesADivergedUpdate() throws {
    let testCase = Self.learner
    let model = try testCase.model()
    let options = TrainerOptions(testCase.objective, .init("sgd", learningRate: 0))
    let (trainer, twin) = (try TestTrainer(model, options), try TestTrainer(model, options))
    let batch = try TestBatch(model, testCase.data, testCase.objective)
    let stream = try TestStream(model, batchSize: 3)
    _ = try stream.run(testCase.data, blocks: [6])
    for trainer in [trainer, twin] { try trainer.setState(stream) }
    expectDiverged([]) { try trainer.update(bad(model, testCase)) }
    #expect(try trainer.update(batch) == twin.update(batch))
  }

  /// What waited is gone, so the next batches begin anew.
  @Test func waitingGradientsAreDropped() throws {
    let testCase = Self.learner
    let options = TrainerOptions(testCase.objective, .init("adam", learningRate: 0.01)).with(\.accumulate, 2)
    let (model, other) = (try testCase.model(), try testCase.model())
    let (trainer, twin) = (try TestTrainer(model, options), try TestTrainer(other, options))
    let batch = try TestBatch(model, testCase.data, testCase.objective)
    let diverging = try bad(model, testCase)
    try trainer.update(batch)
    expectDiverged(["gradient"]) { try trainer.update(diverging) }
    #expect(throws: RillFailure.self) { try trainer.waitingGradients() }
    expectDiverged(["gradient"]) { try trainer.update(diverging) }  // at once, not only when there are two
    for _ in 0..<2 { #expect(try trainer.update(batch) == twin.update(batch)) }
    #expect(try trainer.metric("update_count") == 1)
    #expect(try model.parameters().mapValues(bits) == other.parameters().mapValues(bits))
    try trainer.evaluateGradients(batch)
    expectDiverged(["gradient"]) { try trainer.evaluateGradients(diverging) }
    #expect(throws: RillFailure.self) { try trainer.updateFromGradients() }
  }

  /// Windows before the one that diverged have made their steps.
  @Test func windowsBeforeTheOneThatDivergedStay() throws {
    let testCase = Self.learner
    let options = TrainerOptions(testCase.objective, .init("adam", learningRate: 0.01)).with(\.truncation, .init(2, 3))
    let (model, other) = (try testCase.model(), try testCase.model())
    let (trainer, twin) = (try TestTrainer(model, options), try TestTrainer(other, options))
    // The last of its steps comes first in a gradient.
    expectDiverged(["time step 5"]) { try trainer.update(bad(model, testCase, at: 4)) }
    #expect(try trainer.metric("update_count") == 2)
    try twin.update(TestBatch(other, testCase.data.steps(0..<4), testCase.objective.steps(0..<4, of: testCase.data)))
    #expect(try model.parameters().mapValues(bits) == other.parameters().mapValues(bits))
  }

  /// A frozen layer may have any gradient: it changes nothing.
  @Test func aFrozenLayerCannotDiverge() throws {
    let growth = Growth(factor: 1e15, head: 1)
    let model = try growth.model()
    let (data, zeros) = growth.data(steps: 6, at: 2, of: 1, 1e-37)
    var objective = zeros
    objective.weights = (0..<18).map { $0 == 5 * 3 + 1 ? 1 : 0 }
    let text = #"{"loss": "mse", "groups": [{"parameters": "head.*"}, {"parameters": "*", "frozen": true}]}"#
    let trainer = try TestTrainer(model, optionsText: text)
    try trainer.update(TestBatch(model, data, objective))
    #expect(try trainer.metric("update_count") == 1)
  }
}
