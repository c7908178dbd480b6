import RillTestSupport
import Testing

/// Small programs that a recurrent network has to learn.
@Suite struct SeedProgramTests {
  /// The next letter of "abcde", from the zero vector on, with three tanh units and one-hot input.
  @Test(arguments: UInt64(1)...5)
  func rnnOfThreeUnitsLearnsTheAlphabet(seed: UInt64) throws {
    let architecture = Architecture(tokens: 5, [.rnn(3), .dense(5, "softmax")])
    let model = try TestModel(configuration: architecture.configuration, seed: seed)
    var data = SequenceData(sequenceLength: 5, batchSize: 1)
    data.tokens = [-1, 0, 1, 2, 3]
    var objective = Objective(.crossEntropy)
    objective.classes = [0, 1, 2, 3, 4]
    let trainer = try TestTrainer(model, TrainerOptions(objective, .init("adam", learningRate: 0.05)))
    let batch = try TestBatch(model, data, objective)
    let first = try trainer.update(batch)
    for _ in 0..<300 { try trainer.update(batch) }
    try trainer.evaluate(batch)
    #expect(try trainer.metric("accuracy") == 1)
    #expect(try trainer.metric("loss") < 0.1 * first)
    try model.publish()

    let stream = try TestStream(model)
    var token: Int32 = -1
    var word = ""
    for _ in 0..<5 {
      token = Int32(argmax(try stream.step(tokens: [token])))
      word.append(Character(UnicodeScalar(UInt8(97 + token))))
    }
    #expect(word == "abcde")
  }

  /// What came four steps ago: nothing but the state can tell.
  @Test(arguments: ["lstm", "gru"])
  func gatedCellsRememberABit(type: String) throws {
    let layer: Layer = type == "lstm" ? .lstm(8) : .gru(8)
    let architecture = Architecture(vector: 1, [layer.with(\.returnSequences, false), .dense(1, "sigmoid")])
    let model = try TestModel(configuration: architecture.configuration, seed: 3)
    var generator = SplitMix64(seed: 11)
    var data = SequenceData(sequenceLength: 5, batchSize: 64)
    data.inputs = generator.integers(in: 0..<2, count: 5 * 64).map { Float($0 * 2 - 1) }
    var objective = Objective(.bce)
    objective.targets = data.inputs.prefix(64).map { ($0 + 1) / 2 }
    let trainer = try TestTrainer(model, TrainerOptions(objective, .init("adam", learningRate: 0.03), clipNorm: 1))
    let batch = try TestBatch(model, data, objective)
    for _ in 0..<200 { try trainer.update(batch) }
    data.inputs = generator.integers(in: 0..<2, count: 5 * 64).map { Float($0 * 2 - 1) }
    objective.targets = data.inputs.prefix(64).map { ($0 + 1) / 2 }
    try trainer.evaluate(try TestBatch(model, data, objective))
    #expect(try trainer.metric("accuracy") == 1)
  }
}
