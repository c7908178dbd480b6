import CRill

/// A stream for the length of a test. Sendable, so that a test may hand it to another thread; one thread at a time uses it.
public final class TestStream: @unchecked Sendable {
  public let handle: OpaquePointer
  public let batchSize: Int
  private let model: TestModel

  /// options: JSON text, or nil for the defaults.
  public init(_ model: TestModel, batchSize: Int = 1, options: String? = nil) throws {
    var handle: OpaquePointer?
    try options.withOptionalCString { try check(rill_stream_create(model.handle, batchSize, $0, &handle)) }
    self.handle = handle!
    self.batchSize = batchSize
    self.model = model
  }

  deinit { rill_stream_destroy(handle) }

  // MARK: stepping

  /// input [batch][input_size]; gives [batch][output_size].
  public func step(_ input: [Float]) throws -> [Float] {
    var output = unwritten(batchSize * model.outputSize)
    try check(rill_stream_step(handle, input, input.count, &output, output.count))
    return output
  }

  /// tokens [batch]
  public func step(tokens: [Int32]) throws -> [Float] {
    var output = unwritten(batchSize * model.outputSize)
    try check(rill_stream_step_tokens(handle, tokens, tokens.count, &output, output.count))
    return output
  }

  /// inputs [time][batch][input_size]; gives [time][batch][output_size].
  public func run(_ steps: Int, _ inputs: [Float]) throws -> [Float] {
    var outputs = unwritten(steps * batchSize * model.outputSize)
    try check(rill_stream_run(handle, steps, inputs, inputs.count, &outputs, outputs.count))
    return outputs
  }

  /// tokens [time][batch]
  public func run(_ steps: Int, tokens: [Int32]) throws -> [Float] {
    var outputs = unwritten(steps * batchSize * model.outputSize)
    try check(rill_stream_run_tokens(handle, steps, tokens, tokens.count, &outputs, outputs.count))
    return outputs
  }

  /// The steps of data from first on, in blocks of the given sizes: a block of 1 by step, every other by run. Lengths do not matter.
  public func run(_ data: SequenceData, from first: Int = 0, blocks: [Int]) throws -> [Float] {
    var outputs: [Float] = []
    var start = first
    for steps in blocks {
      if data.tokens.isEmpty {
        let width = batchSize * model.inputSize
        let inputs = Array(data.inputs[start * width..<(start + steps) * width])
        outputs += try steps == 1 ? step(inputs) : run(steps, inputs)
      } else {
        let tokens = Array(data.tokens[start * batchSize..<(start + steps) * batchSize])
        outputs += try steps == 1 ? step(tokens: tokens) : run(steps, tokens: tokens)
      }
      start += steps
    }
    return outputs
  }

  /// Steps made with a constant input, [batch][input_size], and the last change of the state.
  public func settle(_ input: [Float], tolerance: Float, limit: Int) throws -> (steps: Int, change: Float) {
    var result = (steps: -1, change: Float.nan)
    try check(rill_stream_settle(handle, input, input.count, tolerance, limit, &result.steps, &result.change))
    return result
  }

  /// tokens [batch]
  public func settle(tokens: [Int32], tolerance: Float, limit: Int) throws -> (steps: Int, change: Float) {
    var result = (steps: -1, change: Float.nan)
    try check(rill_stream_settle_tokens(handle, tokens, tokens.count, tolerance, limit, &result.steps, &result.change))
    return result
  }

  // MARK: state

  public func reset() throws { try check(rill_stream_reset(handle)) }

  public func reset(lane: Int) throws { try check(rill_stream_reset_lane(handle, lane)) }

  public func copy(to destination: TestStream) throws { try check(rill_stream_copy(handle, destination.handle)) }

  public func copy(lane: Int, to destination: TestStream, lane destinationLane: Int) throws {
    try check(rill_stream_copy_lane(handle, lane, destination.handle, destinationLane))
  }

  public func state(_ name: String, count: Int) throws -> [Float] {
    var values = unwritten(count)
    try check(rill_stream_get_state(handle, name, &values, count))
    return values
  }

  public func setState(_ name: String, _ values: [Float]) throws {
    try check(rill_stream_set_state(handle, name, values, values.count))
  }

  public func saveState() throws -> [UInt8] {
    try bytes(terminator: 0) { rill_stream_save_state(handle, $0, $1, $2) }
  }

  public func loadState(_ bytes: [UInt8]) throws {
    try check(rill_stream_load_state(handle, bytes, bytes.count))
  }

  public func refresh() throws { try check(rill_stream_refresh(handle)) }
}
