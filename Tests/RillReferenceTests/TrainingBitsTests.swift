import RillTestSupport
import Testing

/// However training is divided, over threads or into segments of a sequence, its bits are the same.
@Suite struct TrainingBitsTests {
  /// Every layer in its variants, with sizes around the widths of kernels, and sequences longer than the chunks in which gradients are summed up.
  static let cases: [NetworkCase] =
    cells.flatMap { name, cell in
      [
        NetworkCase(
          "\(name), two layers",
          Architecture(
            vector: 3, shift: [1, 2, 3], scale: [2, 2, 0.5],
            [
              .dense(20, "tanh"), cell(17).with(\.numLayers, 2).with(\.initialState, true).with(\.dropout, 0.2), .dropout(0.3),
              cell(5).with(\.bias, false), .dense(2),
            ])
        ).sized(steps: 71, batch: 3, lengths: [40, 71, 1]),
        NetworkCase("\(name) 40", Architecture(vector: 20, [cell(40), .dense(20, "softmax")])).sized(steps: 12, batch: 13)
          .measured(.crossEntropy).with(\.hasWeights, true),
        NetworkCase("embedding \(name)", Architecture(tokens: 9, [.embedding(20), cell(33), .dense(9, "softmax")]))
          .sized(steps: 140, batch: 1).measured(.crossEntropy),
        NetworkCase("one-hot \(name)", Architecture(tokens: 40, [cell(20), .dropout(0.5), .dense(3, "sigmoid")])).sized(
          steps: 9, batch: 5, lengths: [9, 2, 9, 7, 3]
        ).measured(.bce, .sum),
        NetworkCase(
          "last step of \(name)",
          Architecture(vector: 2, [cell(20), .dropout(0.1), cell(6).with(\.returnSequences, false).with(\.initialState, true), .dense(18)])
        ).sized(steps: 50, batch: 4, lengths: [50, 1, 13, 26]),
      ]
    } + [
      NetworkCase("one-hot dense", Architecture(tokens: 30, [.dense(20, "relu"), .gru(9), .dense(2)])).sized(steps: 20, batch: 7),
      NetworkCase("last step alone", Architecture(vector: 2, [.lstm(6).with(\.returnSequences, false)])).sized(steps: 20, batch: 2),
      // Weights beyond 700,000 bytes: the products with the input have a pass of their own in updates, but not where only states are wanted.
      NetworkCase("large lstm", Architecture(vector: 70, [.lstm(150), .dense(2)])).sized(steps: 20, batch: 5, lengths: [20, 3, 11, 20, 7]),
      NetworkCase("large gru", Architecture(vector: 70, [.gru(180, resetAfter: false), .dense(2)])).sized(steps: 6, batch: 2),
    ]

  /// Ways of training in which much is carried over from one window or batch to the next.
  private static func ways(_ testCase: NetworkCase) -> [TrainerOptions] {
    let plain = TrainerOptions(testCase.objective, .init("adam", learningRate: 0.003), clipNorm: 0.5)
    var result = [plain, plain.with(\.stateful, true).with(\.burnIn, 2).with(\.accumulate, 2)]
    if !testCase.architecture.isPerSequence {
      result.append(plain.with(\.stateful, true).with(\.truncation, .init(5, 8)).with(\.burnIn, 1))
    }
    return result
  }

  private struct Outcome: Equatable {
    var losses: [Double] = []
    var parameters: [String: [UInt32]] = [:]
    var evaluated = 0.0
    var state: [UInt8] = []
  }

  private func train(_ testCase: NetworkCase, _ options: TrainerOptions) throws -> Outcome {
    let model = try testCase.model()
    let trainer = try TestTrainer(model, options)
    let batch = try TestBatch(model, testCase.data, testCase.objective)
    var outcome = Outcome()
    for _ in 0..<3 { outcome.losses.append(try trainer.update(batch)) }
    outcome.parameters = try model.parameters().mapValues(bits)
    try trainer.evaluate(batch)
    outcome.evaluated = try trainer.metric("loss")
    let stream = try TestStream(model, batchSize: testCase.batchSize)
    try trainer.getState(stream)
    outcome.state = try stream.saveState()
    return outcome
  }

  /// Also with more threads than sequences, and than blocks of a layer.
  @Test(arguments: cases)
  func threadsGiveTheSameBits(_ testCase: NetworkCase) throws {
    for (way, options) in Self.ways(testCase).enumerated() {
      let expected = try train(testCase, options)
      // Many threads take long on few processors: once for every cell.
      for threads in [2, 3, 5] + (way == 0 && testCase.batchSize == 3 ? [1, 64] : []) {
        #expect(try train(testCase, options.with(\.threads, threads)) == expected, "way \(way), \(threads) threads")
      }
    }
  }

  @Test(arguments: cases)
  func checkpointsGiveTheSameBits(_ testCase: NetworkCase) throws {
    let steps = testCase.sequenceLength
    for (way, options) in Self.ways(testCase).enumerated() {
      let expected = try train(testCase, options)
      for every in [1, 3, steps, steps + 30] {
        #expect(try train(testCase, options.with(\.checkpointEvery, every)) == expected, "way \(way), checkpoint_every \(every)")
      }
      #expect(try train(testCase, options.with(\.checkpointEvery, 3).with(\.threads, 2)) == expected, "way \(way), both")
    }
  }

  /// The error-to-signal ratio, which looks at all steps at once, has threads at least.
  @Test func threadsGiveTheSameErrorToSignalRatio() throws {
    let testCase = NetworkCase("audio", Architecture(vector: 1, [.lstm(8), .dense(1)])).measured(.esr).sized(steps: 30, batch: 5)
    for options in Self.ways(testCase) {
      let expected = try train(testCase, options)
      for threads in [2, 5] { #expect(try train(testCase, options.with(\.threads, threads)) == expected) }
    }
  }

  /// A workspace that a longer batch left behind is worked through in the same segments as a new one.
  @Test func earlierBatchesLeaveNoTrace() throws {
    let testCase = NetworkCase("shapes", Architecture(vector: 3, [.lstm(17).with(\.initialState, true), .dropout(0.5), .dense(2)]))
    let shapes: [(steps: Int, batch: Int, lengths: [Int32]?)] = [
      (30, 5, nil), (7, 2, [1, 7]), (4, 1, nil), (12, 3, [12, 2, 9]), (40, 5, nil), (30, 5, nil),
    ]
    for options in Self.ways(testCase).map({ $0.with(\.checkpointEvery, 5).with(\.optimizer, .init("sgd", learningRate: 0)) }) {
      let model = try testCase.model()
      let trainer = try TestTrainer(model, options.with(\.stateful, false).with(\.accumulate, 1))
      for shape in shapes {
        let sized = testCase.sized(steps: shape.steps, batch: shape.batch, lengths: shape.lengths)
        let batch = try TestBatch(model, sized.data, sized.objective)
        // Masks depend on the count of updates, so the other trainer makes as many.
        let fresh = try TestTrainer(model, options.with(\.stateful, false).with(\.accumulate, 1))
        let small = testCase.sized(steps: 4, batch: 1)
        let other = try TestBatch(model, small.data, small.objective)
        while try fresh.metric("update_count") < trainer.metric("update_count") { try fresh.update(other) }
        guard try fresh.metric("update_count") == trainer.metric("update_count") else { continue }
        #expect(try trainer.update(batch) == fresh.update(batch))
        #expect(try trainer.gradients().mapValues(bits) == fresh.gradients().mapValues(bits))
        try trainer.evaluate(batch)
        try fresh.evaluate(batch)
        #expect(try trainer.metric("loss") == fresh.metric("loss"))
        try trainer.resetMetrics()
      }
    }
  }
}
