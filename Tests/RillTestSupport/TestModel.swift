import CRill

/// A model for the length of a test. Sendable, because the interface allows a model to be used from any thread.
public final class TestModel: @unchecked Sendable {
  public let handle: OpaquePointer
  public let inputSize: Int
  public let outputSize: Int

  init(_ handle: OpaquePointer) throws {
    self.handle = handle
    var sizes = (input: 0, output: 0)
    try check(rill_model_get_input_size(handle, &sizes.input))
    try check(rill_model_get_output_size(handle, &sizes.output))
    inputSize = sizes.input
    outputSize = sizes.output
  }

  public convenience init(configuration: String, seed: UInt64 = 1) throws {
    var handle: OpaquePointer?
    try check(rill_model_create(configuration, seed, nil, &handle))
    try self.init(handle!)
  }

  /// A published model with given parameters.
  public convenience init(_ architecture: Architecture, _ parameters: [String: [Float]]) throws {
    try self.init(configuration: architecture.configuration)
    try setParameters(parameters)
    try publish()
  }

  public convenience init(parsing text: [UInt8], options: String? = nil) throws {
    var handle: OpaquePointer?
    try options.withOptionalCString { options in
      try text.withUnsafeBytes {
        try check(rill_model_parse($0.assumingMemoryBound(to: CChar.self).baseAddress, $0.count, options, &handle))
      }
    }
    try self.init(handle!)
  }

  deinit { rill_model_destroy(handle) }

  public func saveText(options: String? = nil) throws -> [UInt8] {
    try options.withOptionalCString { options in
      try textBytes { rill_model_save_text(handle, options, $0, $1, $2) }
    }
  }

  // MARK: parameters

  public func parameterNames() throws -> [String] {
    var count = 0
    try check(rill_model_get_parameter_count(handle, &count))
    return try (0..<count).map { index in
      String(decoding: try textBytes { rill_model_get_parameter_name(handle, index, $0, $1, $2) }, as: UTF8.self)
    }
  }

  public func shape(_ name: String) throws -> [Int] {
    var shape = [0, 0]
    var rank = 0
    try check(rill_model_get_parameter_shape(handle, name, &shape, shape.count, &rank))
    return Array(shape.prefix(rank))
  }

  public func parameter(_ name: String) throws -> [Float] {
    var values = unwritten(try shape(name).reduce(1, *))
    try check(rill_model_get_parameter(handle, name, &values, values.count))
    return values
  }

  public func parameters() throws -> [String: [Float]] {
    var result: [String: [Float]] = [:]
    for name in try parameterNames() { result[name] = try parameter(name) }
    return result
  }

  public func setParameter(_ name: String, _ values: [Float]) throws {
    try check(rill_model_set_parameter(handle, name, values, values.count))
  }

  public func setParameters(_ parameters: [String: [Float]]) throws {
    for (name, values) in parameters { try setParameter(name, values) }
  }

  public func publish() throws {
    try check(rill_model_publish(handle))
  }

  public func setInitialState(_ stream: TestStream, lane: Int) throws {
    try check(rill_model_set_initial_state(handle, stream.handle, lane))
  }

  // MARK: running

  /// How far the outputs of smaller weights are from those of float32.
  public func evaluatePrecision(_ precision: String, _ data: SequenceData) throws -> (largest: Double, rms: Double, rmsOutput: Double) {
    var result = (largest: Double.nan, rms: Double.nan, rmsOutput: Double.nan)
    if data.tokens.isEmpty {
      try check(
        rill_model_evaluate_precision(
          handle, precision, data.sequenceLength, data.batchSize, data.inputs, data.inputs.count, &result.largest, &result.rms,
          &result.rmsOutput))
    } else {
      try check(
        rill_model_evaluate_precision_tokens(
          handle, precision, data.sequenceLength, data.batchSize, data.tokens, data.tokens.count, &result.largest, &result.rms,
          &result.rmsOutput))
    }
    return result
  }

  /// Outputs of whole sequences, [time][batch][output_size] or [batch][output_size].
  public func run(_ data: SequenceData, perSequence: Bool) throws -> [Float] {
    var outputs = unwritten((perSequence ? 1 : data.sequenceLength) * data.batchSize * outputSize)
    let lengths = data.lengths ?? []
    try lengths.withUnsafeBufferPointer { lengths in
      let first = data.lengths == nil ? nil : lengths.baseAddress
      if data.tokens.isEmpty {
        try check(
          rill_model_run(
            handle, data.sequenceLength, data.batchSize, data.inputs, data.inputs.count, first, lengths.count, &outputs, outputs.count))
      } else {
        try check(
          rill_model_run_tokens(
            handle, data.sequenceLength, data.batchSize, data.tokens, data.tokens.count, first, lengths.count, &outputs, outputs.count))
      }
    }
    return outputs
  }
}
