import RillTestSupport
import Testing

/// What stands behind the end of a sequence changes no bit.
@Suite struct PaddingTests {
  static let cases = NetworkCase.all.filter { $0.lengths != nil } + overflowing

  /// Networks in which the padding below would become infinite on its way.
  private static let overflowing = [
    NetworkCase("overflowing dense", Architecture(vector: 3, [.dense(4), .dense(5, "relu"), .lstm(5), .dense(2)])),
    NetworkCase("overflowing rnn", Architecture(vector: 3, [.rnn(5, nonlinearity: "relu").with(\.numLayers, 2), .dense(2)])),
    NetworkCase("overflowing head", Architecture(vector: 3, [.dense(4), .dense(3, "softmax")])).measured(.crossEntropy),
    NetworkCase("overflowing last step", Architecture(vector: 3, [.dense(4), .gru(5).with(\.returnSequences, false), .dense(2)])),
  ].map { $0.with(\.parameterScale, 10).with(\.lengths, [2, 4, 1]) }

  @Test(arguments: cases)
  func paddingChangesNoBitOfAnOutput(_ testCase: NetworkCase) throws {
    let model = try testCase.model()
    let isPerSequence = testCase.architecture.isPerSequence
    let expected = try model.run(testCase.data, perSequence: isPerSequence)
    for other in [testCase.data.padded(with: 3e38, token: 0), testCase.data.padded(with: -3e38, token: -1)] {
      #expect(bits(try model.run(other, perSequence: isPerSequence)) == bits(expected))
    }
  }

  @Test(arguments: cases)
  func paddingChangesNoBitOfAGradient(_ testCase: NetworkCase) throws {
    let model = try testCase.model()
    let trainer = try TestTrainer(probing: model, testCase.objective)
    let data = testCase.data
    let loss = try trainer.update(TestBatch(model, data, testCase.objective))
    let expected = try trainer.gradients()
    var objective = testCase.objective
    if !testCase.architecture.isPerSequence {
      // Targets of bce have to be in 0 ... 1 everywhere, and a class has to exist.
      objective.targets = data.padded(objective.targets, with: testCase.loss == .bce ? 1 : 3e38)
      objective.classes = data.padded(objective.classes, with: -1)
      objective.weights = objective.weights.map { data.padded($0, with: 3e38) }
    }
    #expect(try trainer.update(TestBatch(model, data.padded(with: 3e38, token: 0), objective)) == loss)
    for (name, gradient) in try trainer.gradients() { #expect(bits(gradient) == bits(expected[name]!), "\(name)") }
  }

  /// Sequences of a batch do not influence one another, whatever the others' lengths.
  @Test(arguments: cases)
  func sequencesOfABatchGiveTheBitsThatTheyGiveAlone(_ testCase: NetworkCase) throws {
    let model = try testCase.model()
    let data = testCase.data
    let isPerSequence = testCase.architecture.isPerSequence
    let outputs = try model.run(data, perSequence: isPerSequence)
    for b in 0..<data.batchSize {
      var rows = data
      if isPerSequence { rows.sequenceLength = 1 }
      let own = rows.part(of: outputs, sequence: b, steps: isPerSequence ? 1 : data.length(of: b))
      #expect(bits(try model.run(data.single(b), perSequence: isPerSequence)) == bits(own))
    }
  }
}

extension SequenceData {
  /// The same sequences with other values behind their ends.
  func padded(with value: Float, token: Int32) -> SequenceData {
    var result = self
    result.inputs = padded(inputs, with: value)
    result.tokens = padded(tokens, with: token)
    return result
  }

  /// values [time][batch][size] with its padded rows replaced.
  func padded<Value>(_ values: [Value], with value: Value) -> [Value] {
    let size = values.count / (sequenceLength * batchSize)
    return values.enumerated().map { index, old in
      let row = size == 0 ? 0 : index / size
      return row / batchSize < length(of: row % batchSize) ? old : value
    }
  }
}
