import RillTestSupport
import Testing

/// Promises about streams that hold to the last bit.
@Suite struct StreamTests {
  /// Every kind of cell and input, with hidden sizes around the widths of kernels, long enough for blocks of many sizes.
  static let cases: [NetworkCase] =
    cells.flatMap { name, cell in
      [
        NetworkCase("\(name) 5", Architecture(vector: 3, [cell(5), .dense(2)])).sized(steps: 40, batch: 3),
        NetworkCase(
          "\(name) 17, two layers", Architecture(vector: 1, [cell(17).with(\.numLayers, 2).with(\.initialState, true), .dense(3, "tanh")])
        )
        .sized(steps: 20, batch: 5),
        NetworkCase("\(name) 40", Architecture(vector: 20, [cell(40), .dense(20, "softmax")])).sized(steps: 12, batch: 13),
        NetworkCase("one-hot \(name)", Architecture(tokens: 9, [cell(20), .dense(9, "softmax")])).sized(steps: 30, batch: 2),
        NetworkCase("last step of \(name)", Architecture(vector: 2, [cell(6).with(\.returnSequences, false), .dense(2)])).sized(
          steps: 10, batch: 2),
      ]
    } + [
      NetworkCase("deep stack", Architecture(tokens: 7, [.embedding(3), .lstm(33), .gru(17), .dense(6, "tanh"), .dense(7, "softmax")]))
        .sized(steps: 25, batch: 9),
      NetworkCase(
        "scaled", Architecture(vector: 2, shift: [1, 2], scale: [3, 0.3], [.gru(8), .dense(1)], outputShift: [5], outputScale: [0.7])
      ).sized(steps: 25, batch: 2),
    ]

  @Test(arguments: cases)
  func stepRunAndModelRunGiveTheSameBits(_ testCase: NetworkCase) throws {
    let data = testCase.data
    let model = try testCase.model()
    let stream = try TestStream(model, batchSize: data.batchSize)
    let stepped = try stream.run(data, blocks: Array(repeating: 1, count: data.sequenceLength))
    var generator = SplitMix64(seed: 7)
    for _ in 0..<3 {
      try stream.reset()
      #expect(bits(try stream.run(data, blocks: generator.blocks(of: data.sequenceLength, upTo: 8))) == bits(stepped))
    }
    let isPerSequence = testCase.architecture.isPerSequence
    let whole = try model.run(data, perSequence: isPerSequence)
    #expect(bits(whole) == bits(isPerSequence ? Array(stepped.suffix(whole.count)) : stepped))
  }

  @Test(arguments: cases)
  func lanesGiveTheBitsOfStreamsOfTheirOwn(_ testCase: NetworkCase) throws {
    let data = testCase.data
    let model = try testCase.model()
    let together = try TestStream(model, batchSize: data.batchSize).run(data, blocks: [data.sequenceLength])
    for lane in 0..<data.batchSize {
      let alone = try TestStream(model).run(data.single(lane), blocks: Array(repeating: 1, count: data.sequenceLength))
      #expect(bits(data.part(of: together, sequence: lane, steps: data.sequenceLength)) == bits(alone))
    }
  }

  /// A stream is copied, its state saved and loaded, and its state read and set by name, in the middle of a sequence: all continue alike.
  @Test(arguments: cases)
  func branchesContinueWithTheSameBits(_ testCase: NetworkCase) throws {
    let data = testCase.data
    let half = data.sequenceLength / 2
    let rest = [data.sequenceLength - half]
    let model = try testCase.model()
    func fresh() throws -> TestStream { try TestStream(model, batchSize: data.batchSize) }
    let stream = try fresh()
    _ = try stream.run(data, blocks: [half])
    let copied = try fresh()
    try stream.copy(to: copied)
    let restored = try fresh()
    let saved = try stream.saveState()
    try restored.loadState(saved)
    let set = try fresh()
    for (name, layers, hiddenSize) in testCase.stateShapes {
      try set.setState(name, try stream.state(name, count: layers * data.batchSize * hiddenSize))
    }
    let lanes = try fresh()
    for lane in 0..<data.batchSize { try stream.copy(lane: lane, to: lanes, lane: lane) }

    let expected = bits(try stream.run(data, from: half, blocks: rest))
    #expect(bits(try copied.run(data, from: half, blocks: rest)) == expected)
    #expect(bits(try restored.run(data, from: half, blocks: rest)) == expected)
    #expect(bits(try set.run(data, from: half, blocks: rest)) == expected)
    #expect(bits(try lanes.run(data, from: half, blocks: rest)) == expected)
    try stream.loadState(saved)  // rewinds
    #expect(bits(try stream.run(data, from: half, blocks: rest)) == expected)
    #expect(try copied.saveState() == restored.saveState())
  }

  @Test(arguments: cases)
  func resetOfALaneTouchesThatLaneOnly(_ testCase: NetworkCase) throws {
    let data = testCase.data
    let last = data.batchSize - 1
    let model = try testCase.model()
    let stream = try halfway(model, data)
    try stream.reset(lane: last)
    let outputs = lanes(of: try secondHalf(stream, data), data)
    let undisturbed = lanes(of: try secondHalf(try halfway(model, data), data), data)
    let fromStart = lanes(of: try secondHalf(try TestStream(model, batchSize: data.batchSize), data), data)
    #expect(outputs.dropLast() == undisturbed.dropLast())
    #expect(outputs[last] == fromStart[last])
    #expect(outputs[last] != undisturbed[last])
  }

  @Test(arguments: cases)
  func copyOfALaneTouchesThatLaneOnly(_ testCase: NetworkCase) throws {
    let data = testCase.data
    let last = data.batchSize - 1
    let model = try testCase.model()
    let stream = try halfway(model, data)
    try stream.copy(lane: 0, to: stream, lane: last)
    let outputs = lanes(of: try secondHalf(stream, data), data)
    let undisturbed = lanes(of: try secondHalf(try halfway(model, data), data), data)
    // The last lane goes on with the past of lane 0 and its own future.
    let alone = try halfway(model, data.single(0))
    let expected = try secondHalf(alone, data.single(last))
    #expect(outputs.dropLast() == undisturbed.dropLast())
    #expect(outputs[last] == bits(expected))
    #expect(outputs[last] != undisturbed[last])
  }

  // MARK: halves of a sequence

  private func halfway(_ model: TestModel, _ data: SequenceData) throws -> TestStream {
    let stream = try TestStream(model, batchSize: data.batchSize)
    _ = try stream.run(data, blocks: [data.sequenceLength / 2])
    return stream
  }

  private func secondHalf(_ stream: TestStream, _ data: SequenceData) throws -> [Float] {
    let half = data.sequenceLength / 2
    return try stream.run(data, from: half, blocks: [data.sequenceLength - half])
  }

  /// The bits of each lane of the second half's outputs.
  private func lanes(of outputs: [Float], _ data: SequenceData) -> [[UInt32]] {
    let steps = data.sequenceLength - data.sequenceLength / 2
    var rows = data
    rows.sequenceLength = steps
    return (0..<data.batchSize).map { bits(rows.part(of: outputs, sequence: $0, steps: steps)) }
  }
}

extension NetworkCase {
  /// Name, num_layers and hidden_size of every state.
  var stateShapes: [(name: String, layers: Int, hiddenSize: Int)] {
    architecture.layers.enumerated().flatMap { index, layer -> [(name: String, layers: Int, hiddenSize: Int)] in
      guard let hiddenSize = layer.hiddenSize else { return [] }
      let name = layer.name ?? "\(index)"
      return (layer.type == "lstm" ? ["hidden", "cell"] : ["hidden"]).map { ("\(name).\($0)", layer.numLayers ?? 1, hiddenSize) }
    }
  }
}
