import RillTestSupport
import Testing

/// Streams with smaller weights: what they compute, and the bits that they promise.
@Suite struct PrecisionTests {
  /// Those of StreamTests; sizes around the width of a block, alone and in batches; and heads that read what other layers leave in their padding.
  static let cases: [NetworkCase] = StreamTests.cases + cells.flatMap(cellCases) + denseCases

  private static func cellCases(_ name: String, _ cell: @Sendable (Int) -> Layer) -> [NetworkCase] {
    var cases = [
      NetworkCase("one \(name)", Architecture(vector: 5, [cell(18).with(\.bias, false), .dense(4)])).sized(steps: 40, batch: 1),
      NetworkCase("after sigmoids, \(name)", Architecture(vector: 3, [.dense(5, "sigmoid"), cell(6), .dense(3)])).sized(
        steps: 10, batch: 2),
    ]
    for size in [1, 3, 4, 15, 16, 31, 32, 33, 48, 64] {
      let architecture = Architecture(vector: 1 + size / 3, [cell(size), .dense(5)])
      cases.append(NetworkCase("\(name) \(size)", architecture).sized(steps: 6, batch: size % 4 == 0 ? 1 : 3))
    }
    return cases
  }

  private static let denseCases: [NetworkCase] = [
    NetworkCase("few sigmoids, dense", Architecture(vector: 3, [.dense(2, "sigmoid"), .dense(17)])).sized(steps: 4, batch: 2),
    NetworkCase("sigmoids, dense", Architecture(vector: 3, [.dense(21, "sigmoid"), .dense(6), .dense(5)])).sized(steps: 4, batch: 1),
  ]

  @Test(arguments: cases)
  func bfloat16GivesTheBitsOfRoundedWeights(_ testCase: NetworkCase) throws {
    let data = testCase.data
    let small = try TestStream(try testCase.model(), batchSize: data.batchSize, options: SmallPrecision.bfloat16.options)
    let rounded = try TestModel(testCase.architecture, testCase.architecture.rounded(testCase.parameters))
    let exact = try TestStream(rounded, batchSize: data.batchSize)
    for blocks in [Array(repeating: 1, count: data.sequenceLength), [data.sequenceLength]] {
      try small.reset()
      try exact.reset()
      #expect(bits(try small.run(data, blocks: blocks)) == bits(try exact.run(data, blocks: blocks)))
    }
  }

  /// Against double precision with the weights that the bytes stand for, so what is left is the rounding of float32: ten times its spacing, as in
  /// ForwardTests, and twice that for sequences of up to 40 steps.
  @Test(arguments: cases)
  func int8ComputesWithTheQuantizedWeights(_ testCase: NetworkCase) throws {
    let data = testCase.data
    let reference = ReferenceNetwork(testCase.architecture.withOutputAtEveryStep, testCase.architecture.quantized(testCase.parameters))
    let expected = reference.outputs(for: data)
    let stream = try TestStream(try testCase.model(), batchSize: data.batchSize, options: SmallPrecision.int8.options)
    let stepped = try stream.run(data, blocks: Array(repeating: 1, count: data.sequenceLength))
    #expect(scaledDifference(doubles(stepped), expected) < 2e-6)
    try stream.reset()
    #expect(scaledDifference(doubles(try stream.run(data, blocks: [data.sequenceLength])), expected) < 2e-6)
  }

  /// Half a step of the scale, and what float32 rounds in weight / scale (up to 127 · 2⁻²⁴) and in subtracting ε.
  @Test(arguments: cases.prefix(20))
  func int8IsWithinHalfAStepOfEveryWeight(_ testCase: NetworkCase) {
    let quantized = testCase.architecture.quantized(testCase.parameters)
    for (name, columns) in testCase.architecture.smallMatrices {
      let values = testCase.parameters[name]!
      for start in stride(from: 0, to: values.count, by: columns) {
        let row = values[start..<(start + columns)].map { Double($0) }
        let scale = row.reduce(0) { max($0, abs($1)) } / 127
        for (k, weight) in row.enumerated() { #expect(abs(quantized[name]![start + k] - weight) <= scale * (0.5 + 2e-5)) }
      }
    }
  }

  @Test(arguments: cases, SmallPrecision.allCases)
  func stepsRunsAndLanesGiveTheSameBits(_ testCase: NetworkCase, _ precision: SmallPrecision) throws {
    let data = testCase.data
    let model = try testCase.model()
    let stream = try TestStream(model, batchSize: data.batchSize, options: precision.options)
    let stepped = try stream.run(data, blocks: Array(repeating: 1, count: data.sequenceLength))
    var generator = SplitMix64(seed: 11)
    for blocks in [[data.sequenceLength], generator.blocks(of: data.sequenceLength, upTo: 20)] {
      try stream.reset()
      #expect(bits(try stream.run(data, blocks: blocks)) == bits(stepped))
    }
    for lane in 0..<data.batchSize {
      let alone = try TestStream(model, options: precision.options)
      let outputs = try alone.run(data.single(lane), blocks: generator.blocks(of: data.sequenceLength, upTo: 20))
      #expect(bits(data.part(of: stepped, sequence: lane, steps: data.sequenceLength)) == bits(outputs))
    }
  }

  /// By hand: the outputs are the weights themselves. Five outputs, so that the head is not one of those that stay float32.
  @Test func bfloat16RoundsToNearestEven() throws {
    let weights: [Float] = [1 + 0x1p-8, 1 + 0x3p-8, -1 - 0x1p-8 - 0x1p-20, .greatestFiniteMagnitude, 0x1.01p-126, 3]
    let expected: [Float] = [1, 1 + 0x1p-6, -1 - 0x1p-7, 0x1.fep127, 0x1p-126, 3]
    let model = try TestModel(Architecture(vector: 1, [.dense(6)]), ["0.weight": weights, "0.bias": [0, 0, 0, 0, 0, 0]])
    #expect(bits(try TestStream(model, options: SmallPrecision.bfloat16.options).step([1])) == bits(expected))
  }

  /// By hand: a row of scale 1, one of zeros, one too small to have a scale, and multiples of the first.
  @Test func int8Packs() throws {
    // 2 has ε = 127 / 256 = 0.496: q = 2, read as 2.496. −3 has ε = 2.496 / 256 = 0.00975, q = −3. 0 has below it the byte 253 of −3: ε = 253.00975 / 256 =
    // 0.98832, q = −1, read as −0.01168. 64 begins a word.
    let row: [Float] = [127, 2, -3, 0, 64]
    let second: Float = 2 + 127.0 / 256
    let expected: [Float] = [127, second, -3 + second / 256, -1 + (253 + second / 256) / 256, 64]
    // −127 is the byte 129, so −2 has ε = 0.504, q = −3, the byte 253; 3 has ε = 253.504 / 256 = 0.99025, q = 2; 0 has ε = 2.99025 / 256, q = 0.
    let negatedThird: Float = 2 + (253 + 129.0 / 256) / 256
    let negated: [Float] = [-127, -3 + 129.0 / 256, negatedThird, negatedThird / 256, -64]
    let rows = [row, row.map { _ in 0 }, row.map { $0 * 0x1p-110 }, row.map { -$0 }, row.map { $0 * 0x1p10 }]
    let model = try TestModel(
      Architecture(vector: 5, [.dense(5)]), ["0.weight": rows.flatMap { $0 }, "0.bias": [0, 0, 0, 0, 0]])
    let stream = try TestStream(model, options: SmallPrecision.int8.options)
    for k in 0..<5 {
      let output = try stream.step((0..<5).map { $0 == k ? 1 : 0 })
      #expect(output[0] == expected[k])
      #expect(output[1] == 0)
      #expect(output[2] == 0)
      #expect(output[3] == negated[k])
      #expect(output[4] == expected[k] * 0x1p10)
    }
  }

  /// Those of the float32 stream would be refused by their count or name only: states have no precision.
  @Test(arguments: allPrecisions, allPrecisions)
  func statesGoFromAnyPrecisionToAnyOther(_ from: String?, _ to: String?) throws {
    let testCase = NetworkCase("", Architecture(vector: 3, [.lstm(17), .gru(5), .dense(6)])).sized(steps: 8, batch: 2)
    let model = try testCase.model()
    let source = try TestStream(model, batchSize: 2, options: from)
    _ = try source.run(testCase.data, blocks: [8])
    let saved = try source.saveState()
    let loaded = try TestStream(model, batchSize: 2, options: to)
    try loaded.loadState(saved)
    let copied = try TestStream(model, batchSize: 2, options: to)
    try source.copy(to: copied)
    #expect(try loaded.saveState() == saved)
    #expect(try copied.saveState() == saved)
    #expect(bits(try loaded.run(testCase.data, blocks: [8])) == bits(try copied.run(testCase.data, blocks: [1, 7])))
  }
}
