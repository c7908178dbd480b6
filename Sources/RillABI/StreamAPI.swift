import CPlatform
import CRill
import RillBase
import RillNetwork

// Steps are called in real time: their checks retain nothing, and their messages are formed in C, without allocating.

@implementation @_cdecl("rill_stream_create")
public func rill_stream_create(
  _ model: OpaquePointer!, _ batch_size: Int, _ options: UnsafePointer<CChar>!, _ stream: UnsafeMutablePointer<OpaquePointer?>!
) -> rill_status {
  status { () throws(RillError) in
    let out = try required(stream, "stream")
    out.pointee = nil
    let model: Model = try object(model, "model")
    try check(batch_size, in: 1...Limits.batchSize, "batch_size")
    out.pointee = retained(try Stream(model, batchSize: batch_size, try StreamOptions(try parseOptions(options))))
  }
}

@implementation @_cdecl("rill_stream_destroy")
public func rill_stream_destroy(_ stream: OpaquePointer!) { release(stream, Stream.self) }

@implementation @_cdecl("rill_stream_get_batch_size")
public func rill_stream_get_batch_size(_ stream: OpaquePointer!, _ batch_size: UnsafeMutablePointer<Int>!) -> rill_status {
  withStream(stream) { stream in
    guard let batch_size else { return fail(.argument("batch_size is NULL")) }
    batch_size.pointee = stream.batchSize
    return rill_status(RILL_OK)
  }
}

@implementation @_cdecl("rill_stream_step")
public func rill_stream_step(
  _ stream: OpaquePointer!, _ input: UnsafePointer<Float>!, _ input_count: Int, _ output: UnsafeMutablePointer<Float>!, _ output_count: Int
) -> rill_status {
  // All that can be wrong at once; what it was is found out when it matters.
  if let stream, let input, let output {
    let done = Unmanaged<Stream>.fromOpaque(UnsafeRawPointer(stream))._withUnsafeGuaranteedRef {
      $0.takesStep(input_count, output_count) ? $0.step(input, nil, output) : -1
    }
    if done > 0 { return rill_status(RILL_OK) }
    if done == 0 { return fail(Stream.diverged) }
  }
  return failedStep(stream, input, input_count, output, output_count)
}

/// A step that was refused: says why. (Or makes it, should nothing be wrong.)
@inline(never)
private func failedStep(
  _ stream: OpaquePointer?, _ input: UnsafePointer<Float>?, _ inputCount: Int, _ output: UnsafeMutablePointer<Float>?, _ outputCount: Int
) -> rill_status {
  withStream(stream) { stream in
    guard let input else { return fail(.argument("input is NULL")) }
    guard let output else { return fail(.argument("output is NULL")) }
    return runVectors(stream, 1, "input", input, inputCount, output, outputCount)
  }
}

@implementation @_cdecl("rill_stream_step_tokens")
public func rill_stream_step_tokens(
  _ stream: OpaquePointer!, _ tokens: UnsafePointer<Int32>!, _ token_count: Int, _ output: UnsafeMutablePointer<Float>!, _ output_count: Int
) -> rill_status {
  withStream(stream) { stream in
    guard let tokens else { return fail(.argument("tokens is NULL")) }
    guard let output else { return fail(.argument("output is NULL")) }
    return runTokens(stream, 1, tokens, token_count, output, output_count)
  }
}

@implementation @_cdecl("rill_stream_run")
public func rill_stream_run(
  _ stream: OpaquePointer!, _ sequence_length: Int, _ inputs: UnsafePointer<Float>!, _ input_count: Int,
  _ outputs: UnsafeMutablePointer<Float>!, _ output_count: Int
) -> rill_status {
  withStream(stream) { stream in
    if sequence_length == 0, input_count == 0, output_count == 0 { return rill_status(RILL_OK) }  // an empty array may be NULL
    guard let inputs else { return fail(.argument("inputs is NULL")) }
    guard let outputs else { return fail(.argument("outputs is NULL")) }
    return runVectors(stream, sequence_length, "inputs", inputs, input_count, outputs, output_count)
  }
}

@implementation @_cdecl("rill_stream_run_tokens")
public func rill_stream_run_tokens(
  _ stream: OpaquePointer!, _ sequence_length: Int, _ tokens: UnsafePointer<Int32>!, _ token_count: Int,
  _ outputs: UnsafeMutablePointer<Float>!, _ output_count: Int
) -> rill_status {
  withStream(stream) { stream in
    if sequence_length == 0, token_count == 0, output_count == 0 { return rill_status(RILL_OK) }  // an empty array may be NULL
    guard let tokens else { return fail(.argument("tokens is NULL")) }
    guard let outputs else { return fail(.argument("outputs is NULL")) }
    return runTokens(stream, sequence_length, tokens, token_count, outputs, output_count)
  }
}

// MARK: what the four have in common

@inline(always)
private func runVectors(
  _ stream: Stream, _ steps: Int, _ name: StaticString, _ x: UnsafePointer<Float>, _ inputCount: Int, _ y: UnsafeMutablePointer<Float>,
  _ outputCount: Int
) -> rill_status {
  if stream.readsTokens { return fail(Stream.isForTokens) }
  let problem = checkShapes(stream, steps, stream.inputSize, inputCount, "input_count", outputCount)
  if problem != 0 { return problem }
  let done = stream.run(steps, x, nil, y)
  if done < 0 {
    var index = 0
    while index < inputCount, x[index].isFinite { index += 1 }
    rill__set_finite_error(cString(name), index)
    return rill_status(RILL_ERROR_ARGUMENT)
  }
  return finish(steps, done)
}

@inline(always)
private func runTokens(
  _ stream: Stream, _ steps: Int, _ tokens: UnsafePointer<Int32>, _ tokenCount: Int, _ y: UnsafeMutablePointer<Float>, _ outputCount: Int
) -> rill_status {
  if !stream.readsTokens { return fail(Stream.isForVectors) }
  let problem = checkShapes(stream, steps, 1, tokenCount, "token_count", outputCount)
  if problem != 0 { return problem }
  for index in 0..<tokenCount where tokens[index] < -1 || Int(tokens[index]) >= stream.inputSize {
    rill__set_range_error("tokens", index, Int(tokens[index]), -1, stream.inputSize - 1)
    return rill_status(RILL_ERROR_ARGUMENT)
  }
  return finish(steps, stream.run(steps, nil, tokens, y))
}

/// Counts against shapes, and whether the stream may step at all. 0, or the status of the failure.
@inline(always)
private func checkShapes(
  _ stream: Stream, _ steps: Int, _ inputSize: Int, _ inputCount: Int, _ inputName: StaticString, _ outputCount: Int
) -> rill_status {
  guard steps >= 0, let rows = product(steps, stream.batchSize), let inputs = product(rows, inputSize),
    let outputs = product(rows, stream.outputSize)
  else { return fail(.argument("sequence_length: is more than memory can hold")) }
  if inputCount != inputs {
    rill__set_count_error(cString(inputName), inputCount, inputs)
    return rill_status(RILL_ERROR_ARGUMENT)
  }
  if outputCount != outputs {
    rill__set_count_error("output_count", outputCount, outputs)
    return rill_status(RILL_ERROR_ARGUMENT)
  }
  if stream.needsReset { return fail(Stream.lostState) }
  return rill_status(RILL_OK)
}

@inline(always)
private func finish(_ steps: Int, _ done: Int) -> rill_status {
  if done == steps { return rill_status(RILL_OK) }
  return fail(Stream.diverged)
}

/// Lends the stream behind a handle to body without counting a reference.
@inline(always)
func withStream(_ handle: OpaquePointer?, _ body: (Stream) -> rill_status) -> rill_status {
  guard let handle else { return fail(.argument("stream is NULL")) }
  return Unmanaged<Stream>.fromOpaque(UnsafeRawPointer(handle))._withUnsafeGuaranteedRef { body($0) }
}
