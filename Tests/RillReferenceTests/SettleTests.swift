import CRill
import RillTestSupport
import Testing

/// Where networks rest under a constant input, and beginning there.
@Suite struct SettleTests {
  static let cases: [NetworkCase] = cells.flatMap { name, cell in
    [
      NetworkCase(name, Architecture(vector: 2, [cell(5).with(\.initialState, true)])),
      NetworkCase("two layers of \(name)", Architecture(vector: 2, [cell(17).with(\.numLayers, 2).with(\.initialState, true)])),
      NetworkCase("one-hot \(name)", Architecture(tokens: 4, [cell(6).with(\.initialState, true)])),
    ]
  }

  private func settle(_ stream: TestStream, _ data: SequenceData, tolerance: Float, limit: Int) throws -> (steps: Int, change: Float) {
    data.tokens.isEmpty
      ? try stream.settle(data.inputs, tolerance: tolerance, limit: limit)
      : try stream.settle(tokens: data.tokens, tolerance: tolerance, limit: limit)
  }

  /// The data's first step, `steps` times over.
  private func constant(_ data: SequenceData, steps: Int) -> SequenceData {
    var result = data
    result.sequenceLength = steps
    result.inputs = (0..<steps).flatMap { _ in data.inputs }
    result.tokens = (0..<steps).flatMap { _ in data.tokens }
    return result
  }

  /// Double precision, iterated far beyond any change: these networks halve a distance in a few steps. Near the fixed point a step of 10⁻⁶ is a few of them
  /// away from it, and float32 rounds at about 10⁻⁷: 10⁻⁵ in all.
  @Test(arguments: cases)
  func theFixedPointIsThatOfTheReference(_ testCase: NetworkCase) throws {
    let data = testCase.sized(steps: 1, batch: 3).data
    let stream = try TestStream(try testCase.model(), batchSize: 3)
    let result = try settle(stream, data, tolerance: 1e-6, limit: 100_000)
    #expect(result.change <= 1e-6)
    #expect(result.steps > 3 && result.steps < 1000)
    let outputs = testCase.reference.outputs(for: constant(data, steps: 2000))
    let size = testCase.architecture.outputSize
    // The output of these networks is the hidden state of the last cell.
    let hidden = try stream.state("0.hidden", count: (testCase.architecture.layers[0].numLayers ?? 1) * 3 * size)
    #expect(maximumDifference(doubles(Array(hidden.suffix(3 * size))), Array(outputs.suffix(3 * size))) < 1e-5)
  }

  /// Settling is stepping, and its last change is the largest of hidden and cell states in the last step.
  @Test(arguments: cases)
  func settlingIsStepping(_ testCase: NetworkCase) throws {
    let data = testCase.sized(steps: 1, batch: 3).data
    let model = try testCase.model()
    let stream = try TestStream(model, batchSize: 3)
    let result = try settle(stream, data, tolerance: 1e-3, limit: 100_000)
    let twin = try TestStream(model, batchSize: 3)
    _ = try twin.run(constant(data, steps: result.steps - 1), blocks: [result.steps - 1])
    let before = try testCase.stateShapes.flatMap { try twin.state($0.name, count: 3 * $0.layers * $0.hiddenSize) }
    _ = try twin.run(data, blocks: [1])
    let after = try testCase.stateShapes.flatMap { try twin.state($0.name, count: 3 * $0.layers * $0.hiddenSize) }
    #expect(try stream.saveState() == twin.saveState())
    #expect(zip(before, after).map { abs($1 - $0) }.max() == result.change)
    #expect(result.change <= 1e-3)
    // One step earlier it did not rest.
    let short = try settle(try TestStream(model, batchSize: 3), data, tolerance: 1e-3, limit: result.steps - 1)
    #expect(short.steps == result.steps - 1)
    #expect(short.change > 1e-3)
  }

  /// Exactly periodic networks: three relu units that hand a one around, and a quarter turn of tanh units with gain.
  @Test func whatNeverRestsStopsAtTheLimit() throws {
    let turning: [(Layer, [Float], [Float])] = [
      (.rnn(3, nonlinearity: "relu"), [0, 1, 0, 0, 0, 1, 1, 0, 0], [1, 0, 0]), (.rnn(2), [0, -4, 4, 0], [0.9, 0.4]),
    ]
    for (layer, matrix, start) in turning {
      let size = start.count
      let zeros = [Float](repeating: 0, count: size)
      let model = try TestModel(
        Architecture(vector: 1, [layer.with(\.initialState, true)]),
        [
          "0.weight_ih_l0": zeros, "0.weight_hh_l0": matrix, "0.bias_ih_l0": zeros, "0.bias_hh_l0": zeros, "0.h0_l0": start,
        ])
      for limit in [1, 2, 500] {
        let result = try TestStream(model).settle([0], tolerance: 1e-3, limit: limit)
        #expect(result.steps == limit)
        #expect(result.change > 0.1)
      }
    }
  }

  @Test func aNetworkWithoutStateRestsAtOnce() throws {
    let model = try NetworkCase("", Architecture(vector: 2, [.dense(5, "tanh"), .dense(2)])).model()
    let result = try TestStream(model).settle([1, 2], tolerance: 0, limit: 10)
    #expect(result == (1, 0))
  }

  /// A relu cell whose state doubles.
  @Test func settlingMayDiverge() throws {
    let model = try TestModel(
      Architecture(vector: 1, [.rnn(1, nonlinearity: "relu").with(\.bias, false)]), ["0.weight_ih_l0": [1], "0.weight_hh_l0": [2]])
    let stream = try TestStream(model)
    let failure = try #require(throws: RillFailure.self) { _ = try stream.settle([1], tolerance: 1e-6, limit: 1000) }
    #expect(Int(failure.status) == RILL_ERROR_DIVERGED)
    let again = try #require(throws: RillFailure.self) { _ = try stream.settle([1], tolerance: 1e-6, limit: 1000) }
    #expect(Int(again.status) == RILL_ERROR_STATE)
    try stream.reset()
    #expect(try stream.settle([0], tolerance: 1e-6, limit: 1000) == (1, 0))
  }

  // MARK: beginning there

  /// Every cell in two layers, another behind it, and layers without a state between.
  private static let stacks: [NetworkCase] = cells.map { name, cell in
    NetworkCase(
      name,
      Architecture(
        vector: 2,
        [
          .dense(3, "tanh"), cell(6).with(\.numLayers, 2).with(\.initialState, true), .dense(5, "sigmoid"),
          .lstm(4).with(\.initialState, true),
          .dense(2),
        ])
    ).sized(steps: 1, batch: 3)
  }

  /// The largest difference between an output and the next.
  private func click(_ outputs: [Float], width: Int) -> Float {
    zip(outputs, outputs.dropFirst(width)).map { abs($1 - $0) }.reduce(0, max)
  }

  /// From there, a step changes states by at most the tolerance, 10⁻⁶, and a head of four weights below 0.5 the outputs by no more than twice that. From any
  /// other state outputs click: by more than a thousand times that here.
  @Test(arguments: stacks, allPrecisions)
  func streamsBeginAtRest(_ testCase: NetworkCase, _ options: String?) throws {
    let model = try testCase.model()
    let stream = try TestStream(model, batchSize: 3, options: options)
    let input = testCase.data.inputs
    #expect(try stream.settle(input, tolerance: 1e-6, limit: 10_000).change <= 1e-6)
    let own = Array(input[4...5])
    let again = (0..<8).flatMap { _ in own }
    #expect(click(try TestStream(model, options: options).run(8, again), width: 2) > 2e-3)

    let old = try model.parameters()
    try model.setInitialState(stream, lane: 2)
    for (name, values) in try model.parameters() {
      let isInitial = name.contains(".h0_") || name.contains(".c0_")
      #expect((values == old[name]) == !isInitial, "\(name)")
    }
    let hidden = try stream.state("1.hidden", count: 2 * 3 * 6)
    #expect(try model.parameter("1.h0_l0") == Array(hidden[12..<18]))
    #expect(try model.parameter("1.h0_l1") == Array(hidden[30..<36]))
    let cell = try stream.state("3.cell", count: 3 * 4)
    #expect(try model.parameter("3.c0_l0") == Array(cell[8..<12]))

    // Not before publish and refresh.
    let state = try stream.saveState()
    try stream.reset(lane: 0)
    #expect(try stream.state("1.hidden", count: 2 * 3 * 6)[0..<6] != hidden[12..<18])
    try model.publish()
    try stream.refresh()
    try stream.reset()
    #expect(try stream.saveState() != state)
    #expect(try stream.state("1.hidden", count: 2 * 3 * 6)[0..<6] == hidden[12..<18])
    let three = (0..<8).flatMap { _ in own + own + own }
    #expect(click(try stream.run(8, three), width: 6) <= 2e-6)
    #expect(click(try TestStream(model, options: options).run(8, again), width: 2) <= 2e-6)

    // A model that is saved and loaded begins there too.
    let loaded = try TestModel(parsing: try model.saveText())
    #expect(bits(try TestStream(loaded, options: options).run(8, again)) == bits(try TestStream(model, options: options).run(8, again)))
  }

  // MARK: the option of a load

  @Test(arguments: cells.map(\.name))
  func aLoadGivesInitialStates(_ name: String) throws {
    let cell = cells.first { $0.name == name }!.layer
    let layers = [cell(5).with(\.numLayers, 2), .dense(3), .gru(4)]
    let plain = NetworkCase("", Architecture(vector: 2, layers)).sized(steps: 7, batch: 2)
    var given = plain.architecture
    for index in [0, 2] { given.layers[index].initialState = true }
    let model = try plain.model()
    let text = try model.saveText(options: #"{"self_test": 3}"#)
    let loaded = try TestModel(parsing: text, options: #"{"initial_state": true}"#)
    #expect(Set(try loaded.parameterNames()) == Set(given.parameterShapes.map(\.name)))
    for (parameter, shape) in given.parameterShapes {
      #expect(try loaded.shape(parameter) == shape)
      #expect(try loaded.parameter(parameter) == plain.parameters[parameter] ?? Array(repeating: 0, count: shape[0]))
    }
    #expect(bits(try loaded.run(plain.data, perSequence: false)) == bits(try model.run(plain.data, perSequence: false)))
    // What the file has, stays; with half of the layers too.
    try loaded.setParameter("0.h0_l1", [1, 2, 3, 4, 5])
    let again = try TestModel(parsing: try loaded.saveText(), options: #"{"initial_state": true}"#)
    #expect(try again.parameter("0.h0_l1") == [1, 2, 3, 4, 5])
    let same = try TestModel(parsing: text, options: #"{"initial_state": false}"#)
    #expect(try same.saveText() == (try model.saveText()))
  }

  @Test func aStateNeedsSomewhereToGo() throws {
    func model(_ layers: [Layer]) throws -> TestModel { try NetworkCase("", Architecture(vector: 2, layers)).model() }
    let half = try model([.gru(4).with(\.initialState, true), .lstm(4)])
    let values = try half.parameters()
    let stream = try TestStream(half, batchSize: 2)
    _ = try stream.step([1, 2, 3, 4])
    let failure = try #require(throws: RillFailure.self) { try half.setInitialState(stream, lane: 0) }
    #expect(Int(failure.status) == RILL_ERROR_ARGUMENT)
    #expect(failure.message.contains("initial_state"))
    #expect(try half.parameters() == values)
    for other in [[.lstm(4), .gru(4)], [.gru(4)], [.gru(5), .lstm(4)], [.gru(4).with(\.numLayers, 2), .lstm(4)]] as [[Layer]] {
      let other = try model(other.map { $0.with(\.initialState, true) })
      let failure = try #require(throws: RillFailure.self) { try other.setInitialState(stream, lane: 0) }
      #expect(Int(failure.status) == RILL_ERROR_ARGUMENT)
      #expect(failure.message.hasPrefix("stream"))
    }
  }
}
