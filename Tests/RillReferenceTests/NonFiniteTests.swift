import CRill
import RillTestSupport
import Testing

/// Input that is infinite or not a number.
@Suite struct NonFiniteTests {
  private static let zero = #"{"nonfinite": "zero"}"#

  /// Sizes around the width of a vector, with one unit for each of them and without.
  static let cases: [NetworkCase] = [1, 5, 15, 16, 17, 40].flatMap { (size: Int) -> [NetworkCase] in
    let shift = (0..<size).map { Double($0) - 2.5 }
    let scale = (0..<size).map { 0.5 + Double($0 % 7) }
    return [
      NetworkCase("\(size)", Architecture(vector: size, [.gru(6), .dense(2)])),
      NetworkCase("\(size) scaled", Architecture(vector: size, shift: shift, scale: scale, [.gru(6), .dense(2)])),
    ]
  }

  private static let values: [Float] = [
    .nan, .infinity, -.infinity, -.nan, .signalingNaN, Float(bitPattern: 0x7f80_0001), Float(bitPattern: 0xffff_ffff),
  ]

  /// The host's own replacement by 0, in its units, gives the same bits.
  @Test(arguments: cases, allPrecisions)
  func zeroIsWhatAHostWouldPutThere(_ testCase: NetworkCase, _ precision: String?) throws {
    let both = precision.map { #"{"nonfinite": "zero", "# + $0.dropFirst() } ?? Self.zero
    let model = try testCase.model()
    for batch in [1, 3] {
      let data = testCase.sized(steps: 100, batch: batch).data
      var spoiled = data
      var cleaned = data
      var generator = SplitMix64(seed: 5)
      for value in Self.values + Self.values {
        let place = Int.random(in: 0..<data.inputs.count, using: &generator)
        spoiled.inputs[place] = value
        cleaned.inputs[place] = 0
      }
      // A whole step, and the last value.
      for place in Array(0..<batch * testCase.architecture.input.size) + [data.inputs.count - 1] {
        spoiled.inputs[place] = Self.values[place % Self.values.count]
        cleaned.inputs[place] = 0
      }
      let expected = bits(try TestStream(model, batchSize: batch, options: precision).run(cleaned, blocks: [100]))
      for blocks in [[100], Array(repeating: 1, count: 100), [3, 1, 60, 36]] {
        let stream = try TestStream(model, batchSize: batch, options: both)
        #expect(bits(try stream.run(spoiled, blocks: blocks)) == expected)
      }
      // Finite input, also the largest, is taken as it is.
      let stream = try TestStream(model, batchSize: batch, options: both)
      #expect(bits(try stream.run(cleaned, blocks: [100])) == expected)
    }
  }

  @Test(arguments: cases)
  func settlingTakesZerosToo(_ testCase: NetworkCase) throws {
    let model = try testCase.model()
    let size = testCase.architecture.input.size
    let (zeros, spoiled) = (try TestStream(model), try TestStream(model, options: Self.zero))
    let expected = try zeros.settle(Array(repeating: 0, count: size), tolerance: 1e-6, limit: 1000)
    #expect(try spoiled.settle(Array(repeating: .nan, count: size), tolerance: 1e-6, limit: 1000) == expected)
    #expect(try spoiled.saveState() == zeros.saveState())
  }

  /// A block is checked before its first step, and so are several blocks: nothing may have been stepped, nothing written.
  @Test(arguments: cases, [1, 3])
  func aRefusedInputLeavesEverythingAsItWas(_ testCase: NetworkCase, _ batch: Int) throws {
    let data = testCase.sized(steps: 100, batch: batch).data
    let stream = try TestStream(try testCase.model(), batchSize: batch, options: #"{"nonfinite": "refuse"}"#)
    _ = try stream.run(data, blocks: [7])
    let before = try stream.saveState()
    let width = batch * testCase.architecture.input.size
    for steps in [1, 2, 33, 100] {
      for value in Self.values {
        for place in [0, steps * width / 2, steps * width - 1] {
          var inputs = Array(data.inputs.prefix(steps * width))
          inputs[place] = value
          var outputs = [Float](repeating: 7, count: steps * batch * 2)
          let run = rill_stream_run(stream.handle, steps, inputs, inputs.count, &outputs, outputs.count)
          #expect(Int(run) == RILL_ERROR_ARGUMENT)
          #expect(String(cString: rill_last_error_message()) == "inputs[\(place)]: is not finite")
          if steps == 1 {
            let step = rill_stream_step(stream.handle, inputs, inputs.count, &outputs, outputs.count)
            #expect(Int(step) == RILL_ERROR_ARGUMENT)
            #expect(String(cString: rill_last_error_message()) == "input[\(place)]: is not finite")
          }
          #expect(outputs.allSatisfy { $0 == 7 })
          #expect(try stream.saveState() == before)
        }
      }
    }
    // And it goes on as if nothing had been.
    let fresh = try TestStream(try testCase.model(), batchSize: batch)
    try fresh.loadState(before)
    #expect(bits(try stream.run(data, blocks: [1, 99])) == bits(try fresh.run(data, blocks: [100])))
  }
}
