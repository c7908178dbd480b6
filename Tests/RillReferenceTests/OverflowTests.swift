import CRill
import RillTestSupport
import Testing

/// What happens at the edges, of float32 and of arrays: states that stop being finite are noticed at once, and nothing that does not count can cause it.
@Suite struct OverflowTests {
  private func model(_ layers: String, input: String = #"{"kind": "vector", "size": 2}"#) throws -> TestModel {
    try TestModel(configuration: #"{"input": \#(input), "layers": [\#(layers)]}"#)
  }

  /// Sets every value of a parameter.
  private func fill(_ model: TestModel, _ name: String, with values: (Int) -> Float) throws {
    try model.setParameter(name, (0..<(try model.parameter(name).count)).map(values))
  }

  private func status(_ stream: TestStream, _ input: [Float]) -> Int {
    var output = [Float](repeating: 7, count: 64)
    return Int(rill_stream_step(stream.handle, input, input.count, &output, stream.batchSize * 3))
  }

  @Test(arguments: ["rnn", "lstm", "gru"]) func statesThatAreNotNumbersAreNoticed(_ cell: String) throws {
    let model = try model(#"{"type": "\#(cell)", "hidden_size": 3}"#)
    // Two inputs whose products are +∞ and −∞: their sum is not a number.
    try fill(model, "0.weight_ih_l0") { $0 % 2 == 0 ? 10 : -10 }
    try model.publish()
    let stream = try TestStream(model)
    #expect(status(stream, [1e38, 1e38]) == RILL_ERROR_DIVERGED)
    #expect(status(stream, [1, 1]) == RILL_ERROR_STATE)
    rill_stream_reset(stream.handle)
    #expect(status(stream, [1, 1]) == RILL_OK)
  }

  @Test func aLoadedStateEndsTheNeedOfAReset() throws {
    let model = try model(#"{"type": "dense", "output_size": 3}, {"type": "rnn", "hidden_size": 3, "nonlinearity": "relu"}"#)
    try fill(model, "0.weight") { _ in 10 }
    try model.publish()
    let stream = try TestStream(model)
    var state = [UInt8](repeating: 0, count: 4096)
    var length = 0
    #expect(Int(rill_stream_save_state(stream.handle, &state, state.count, &length)) == RILL_OK)
    #expect(status(stream, [3e38, 3e38]) == RILL_ERROR_DIVERGED)
    #expect(Int(rill_stream_load_state(stream.handle, state, length)) == RILL_OK)
    for _ in 0..<3 { #expect(status(stream, [0.1, 0.1]) == RILL_OK) }
  }

  @Test func paddingOfARunCannotOverflow() throws {
    let shifted = #"{"kind": "vector", "size": 1, "shift": -3e38}"#
    let vectors = try model(#"{"type": "rnn", "hidden_size": 3, "nonlinearity": "relu"}"#, input: shifted)
    try fill(vectors, "0.weight_ih_l0") { _ in 10 }
    try vectors.publish()
    var outputs = [Float](repeating: 7, count: 12)
    #expect(Int(rill_model_run(vectors.handle, 2, 2, [-3e38, -3e38, -3e38, 0], 4, [2, 1], 2, &outputs, 12)) == RILL_OK)
    #expect(Array(outputs[9...]) == [0, 0, 0])

    let tokens = try model(#"{"type": "rnn", "hidden_size": 3, "nonlinearity": "relu"}"#, input: #"{"kind": "token", "size": 2}"#)
    // Token 1 and the bias together are more than float32 holds.
    try fill(tokens, "0.weight_ih_l0") { $0 % 2 == 1 ? 3e38 : 0 }
    try fill(tokens, "0.bias_ih_l0") { _ in 3e38 }
    try tokens.publish()
    #expect(Int(rill_model_run_tokens(tokens.handle, 2, 2, [0, 0, 0, 1], 4, [1, 1], 2, &outputs, 12)) == RILL_OK)
  }

  @Test func scalesThatComputationTakesForZeroAreRefused() throws {
    var handle: OpaquePointer?
    for side in ["5e-39", "-1e-44", "0"] {
      let text = #"{"input": {"kind": "vector", "size": 1, "scale": \#(side)}, "layers": [{"type": "rnn", "hidden_size": 1}]}"#
      #expect(Int(rill_model_create(text, 1, nil, &handle)) == RILL_ERROR_FORMAT)
      #expect(handle == nil)
    }
  }

  @Test(arguments: ["adam", "rmsprop"]) func anEpsilonOfZeroIsRefused(_ optimizer: String) throws {
    let model = try model(#"{"type": "rnn", "hidden_size": 3}"#)
    var trainer: OpaquePointer?
    let options = #"{"loss": "mse", "optimizer": {"type": "\#(optimizer)", "epsilon": 0}}"#
    #expect(Int(rill_trainer_create(model.handle, 1, options, &trainer)) == RILL_ERROR_FORMAT)
    #expect(String(cString: rill_last_error_message()).hasPrefix("options.optimizer.epsilon"))
  }

  /// As audio hosts do it: the block is overwritten by its result.
  @Test func blocksMayBeComputedInPlace() throws {
    let model = try model(#"{"type": "lstm", "hidden_size": 5}, {"type": "dense", "output_size": 2}"#)
    let block = (0..<40).map { Float($0 % 7) / 7 - 0.4 }
    let expected = try TestStream(model).run(20, block)
    let stream = try TestStream(model)
    var buffer = block
    let status = buffer.withUnsafeMutableBufferPointer { rill_stream_run(stream.handle, 20, $0.baseAddress, 40, $0.baseAddress, 40) }
    #expect(Int(status) == RILL_OK)
    #expect(buffer == expected)
  }

  @Test func anEmptyRunTakesNullArrays() throws {
    let stream = try TestStream(try model(#"{"type": "rnn", "hidden_size": 3}"#))
    #expect(Int(rill_stream_run(stream.handle, 0, nil, 0, nil, 0)) == RILL_OK)
    #expect(Int(rill_stream_run(stream.handle, 1, nil, 2, nil, 3)) == RILL_ERROR_ARGUMENT)
  }
}
