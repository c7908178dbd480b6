import CRill
import RillTestSupport
import Testing

/// What a model says of smaller weights, against two streams side by side.
@Suite struct PrecisionErrorTests {
  static let cases: [NetworkCase] = [
    NetworkCase("gru", Architecture(vector: 3, [.gru(17), .dense(6)])).sized(steps: 100, batch: 2),
    NetworkCase("initial state", Architecture(vector: 1, [.lstm(8).with(\.initialState, true), .dense(1)])).sized(steps: 70, batch: 1),
    NetworkCase("one-hot", Architecture(tokens: 6, [.gru(9), .dense(6, "softmax")])).sized(steps: 40, batch: 3),
    NetworkCase("last step", Architecture(vector: 2, [.lstm(6).with(\.returnSequences, false), .dense(2)])).sized(steps: 9, batch: 5),
    NetworkCase(
      "scaled", Architecture(vector: 2, shift: [1, 2], scale: [3, 0.3], [.gru(8), .dense(1)], outputShift: [5], outputScale: [70])
    ).sized(steps: 33, batch: 2),
  ]

  /// Sums of at most 1200 squares in double, perhaps in another order: 1e-12 is a thousand roundings.
  @Test(arguments: cases)
  func errorsAreThoseOfTwoStreams(_ testCase: NetworkCase) throws {
    let data = testCase.data
    let model = try testCase.model()
    let exact = doubles(try TestStream(model, batchSize: data.batchSize).run(data, blocks: [data.sequenceLength]))
    for precision in SmallPrecision.allCases {
      let stream = try TestStream(model, batchSize: data.batchSize, options: precision.options)
      let difference = zip(exact, doubles(try stream.run(data, blocks: [data.sequenceLength]))).map { $1 - $0 }
      let error = try model.evaluatePrecision(precision.rawValue, data)
      #expect(error.largest == difference.map { abs($0) }.max())
      #expect(relativeDifference(error.rms, norm(difference) / Double(difference.count).squareRoot()) < 1e-12)
      #expect(relativeDifference(error.rmsOutput, norm(exact) / Double(exact.count).squareRoot()) < 1e-12)
      #expect(error.rms > 0)
    }
  }

  @Test(arguments: cases)
  func float32IsNoErrorOfItself(_ testCase: NetworkCase) throws {
    let error = try testCase.model().evaluatePrecision("float32", testCase.data)
    #expect(error.largest == 0)
    #expect(error.rms == 0)
    #expect(error.rmsOutput > 0)
  }

  /// Of the current snapshot: what was set counts after a publish.
  @Test func theNewestSnapshotIsEvaluated() throws {
    let testCase = Self.cases[0]
    let model = try testCase.model()
    let before = try model.evaluatePrecision("int8", testCase.data)
    try model.setParameters(testCase.with(\.seed, 50).parameters)
    #expect(try model.evaluatePrecision("int8", testCase.data) == before)
    try model.publish()
    let after = try model.evaluatePrecision("int8", testCase.data)
    #expect(after != before)
    #expect(after == (try testCase.with(\.seed, 50).model().evaluatePrecision("int8", testCase.data)))
  }

  @Test func aSequenceMayDiverge() throws {
    let model = try TestModel(
      Architecture(vector: 1, [.rnn(1, nonlinearity: "relu").with(\.bias, false)]), ["0.weight_ih_l0": [1], "0.weight_hh_l0": [2]])
    var data = SequenceData(sequenceLength: 200, batchSize: 1)
    data.inputs = Array(repeating: 1, count: 200)
    let failure = try #require(throws: RillFailure.self) { _ = try model.evaluatePrecision("int8", data) }
    #expect(Int(failure.status) == RILL_ERROR_DIVERGED)
  }
}
