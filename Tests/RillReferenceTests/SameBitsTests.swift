import RillTestSupport
import Testing

/// However a sequence is computed, its bits are the same: in networks, batches and blocks drawn at random. A failure names its seed.
@Suite struct SameBitsTests {
  static let cases = (1...60).map { NetworkCase.random($0) }

  @Test(arguments: cases)
  func allWaysGiveTheSameBits(_ testCase: NetworkCase) throws {
    let data = testCase.data
    let model = try testCase.model()
    var generator = SplitMix64(seed: testCase.seed &+ 3_000_000)

    // The measure of all others: step by step.
    let stream = try TestStream(model, batchSize: data.batchSize)
    let stepped = try Outcome(testCase, stream, data, blocks: Array(repeating: 1, count: data.sequenceLength))

    // In blocks, after a reset and in a new stream.
    try stream.reset()
    for other in [stream, try TestStream(model, batchSize: data.batchSize)] {
      let blocks = generator.blocks(of: data.sequenceLength, upTo: 70)
      try Outcome(testCase, other, data, blocks: blocks).expectSame(as: stepped, "blocks \(blocks)")
    }

    // Each lane alone, step by step and in blocks.
    for lane in 0..<data.batchSize {
      let isStepped = lane % 2 == 0
      let blocks = generator.blocks(of: data.sequenceLength, upTo: isStepped ? 1 : 70)
      let alone = try Outcome(testCase, try TestStream(model), data.selecting([lane]), blocks: blocks)
      alone.expectSame(as: stepped.selecting([lane]), "lane \(lane) alone, \(isStepped ? "step by step" : "blocks \(blocks)")")
    }

    // Among others: in another order, some several times, some not at all.
    let lanes = (0..<generator.batchSize()).map { _ in Int.random(in: 0..<data.batchSize, using: &generator) }
    let blocks = generator.blocks(of: data.sequenceLength, upTo: 70)
    let composed = try Outcome(testCase, try TestStream(model, batchSize: lanes.count), data.selecting(lanes), blocks: blocks)
    composed.expectSame(as: stepped.selecting(lanes), "lanes \(lanes), blocks \(blocks)")

    // Whole, in both batches.
    for (batch, outcome) in [(data, stepped), (data.selecting(lanes), composed)] {
      let whole = try model.run(batch, perSequence: testCase.architecture.isPerSequence)
      expectSameBits(whole, outcome.outputs.suffix(whole.count), "rill_model_run of \(batch.batchSize)")
    }
  }

  /// Nothing but the saved state decides how a stream goes on: not what it computed before, nor where in a block it stood.
  @Test(arguments: cases)
  func aRestoredStateContinuesWithTheSameBits(_ testCase: NetworkCase) throws {
    let data = testCase.data
    let model = try testCase.model()
    var generator = SplitMix64(seed: testCase.seed &+ 4_000_000)
    let middle = Int.random(in: 0...data.sequenceLength, using: &generator)
    let rest = data.sequenceLength - middle
    let stream = try TestStream(model, batchSize: data.batchSize)
    _ = try stream.run(data, blocks: generator.blocks(of: middle, upTo: 70))
    let saved = try stream.saveState()
    let expected = try Outcome(testCase, stream, data, from: middle, blocks: Array(repeating: 1, count: rest))

    let other = try TestStream(model, batchSize: data.batchSize)
    let past = generator.blocks(of: Int.random(in: 0...data.sequenceLength, using: &generator), upTo: 70)
    _ = try other.run(data.selecting((0..<data.batchSize).reversed()), blocks: past)
    for restored in [other, stream] {  // the second is rewound
      try restored.loadState(saved)
      let blocks = generator.blocks(of: rest, upTo: 70)
      let outcome = try Outcome(testCase, restored, data, from: middle, blocks: blocks)
      outcome.expectSame(as: expected, "saved after \(middle) steps, then blocks \(blocks)")
    }
  }

  /// The draws themselves: what the library offers is among them.
  @Test func theCasesCoverAllThereIs() {
    let layers = Self.cases.flatMap(\.architecture.layers)
    let recurrent = layers.filter(\.isRecurrent)
    #expect(Set(recurrent.map { "\($0.type) \($0.nonlinearity ?? "") \($0.resetAfter ?? true)" }).count == cells.count)
    #expect(Set(layers.compactMap(\.activation)).count == 5)
    #expect(Set(recurrent.compactMap(\.hiddenSize)).isSuperset(of: [15, 16, 17, 31, 32, 33, 47, 48, 49, 64, 65]))
    #expect(recurrent.contains { $0.numLayers == 2 } && recurrent.contains { $0.initialState == true })
    #expect(recurrent.contains { $0.bias == false } && layers.contains { $0.outputSize != nil && $0.bias == false })
    #expect(Set(Self.cases.map { "\($0.architecture.takesTokens) \($0.architecture.layers[0].type == "embedding")" }).count == 3)
    #expect(Set(Self.cases.map(\.architecture.isPerSequence)).count == 2)
    #expect(Self.cases.contains { $0.batchSize == 1 } && Self.cases.contains { $0.batchSize > 32 })
  }
}

// MARK: comparing

/// What a stream gave, and where it stands.
private struct Outcome {
  /// [steps][batch][output_size]
  var outputs: [Float]
  var steps: Int
  /// At the end: of each name [num_layers][batch][hidden_size].
  var states: [(name: String, layers: Int, values: [Float])] = []
  var batchSize: Int

  /// Runs data from a step on.
  init(_ testCase: NetworkCase, _ stream: TestStream, _ data: SequenceData, from first: Int = 0, blocks: [Int]) throws {
    batchSize = data.batchSize
    steps = data.sequenceLength - first
    outputs = try stream.run(data, from: first, blocks: blocks)
    for (name, layers, hiddenSize) in testCase.stateShapes {
      states.append((name, layers, try stream.state(name, count: layers * batchSize * hiddenSize)))
    }
  }

  func selecting(_ lanes: [Int]) -> Outcome {
    var result = self
    result.batchSize = lanes.count
    result.outputs = outputs.selecting(lanes, of: batchSize, rows: steps)
    for index in states.indices {
      result.states[index].values = states[index].values.selecting(lanes, of: batchSize, rows: states[index].layers)
    }
    return result
  }

  func expectSame(as expected: Outcome, _ way: String) {
    expectSameBits(outputs, expected.outputs, "outputs, \(way)")
    for (state, other) in zip(states, expected.states) { expectSameBits(state.values, other.values, "\(state.name), \(way)") }
  }
}

/// Says where the first difference is: a comparison of whole arrays would print them.
private func expectSameBits(_ actual: some Collection<Float>, _ expected: some Collection<Float>, _ what: String) {
  #expect(actual.count == expected.count, "\(what)")
  let difference = zip(actual, expected).enumerated().first { $1.0.bitPattern != $1.1.bitPattern }
  if let (index, (value, other)) = difference { Issue.record("\(what): element \(index) is \(value) instead of \(other)") }
}
