import CRill
import RillBase
import RillNetwork

@implementation @_cdecl("rill_model_run")
public func rill_model_run(
  _ model: OpaquePointer!, _ sequence_length: Int, _ batch_size: Int, _ inputs: UnsafePointer<Float>!, _ input_count: Int,
  _ lengths: UnsafePointer<Int32>!, _ length_count: Int, _ outputs: UnsafeMutablePointer<Float>!, _ output_count: Int
) -> rill_status {
  status { () throws(RillError) in
    let model: Model = try object(model, "model")
    guard !model.network.input.isToken else { throw .state("the model reads tokens: use rill_model_run_tokens") }
    let inputs = try required(inputs, "inputs")
    try checkRun(model.network, sequence_length, batch_size, input_count, lengths, length_count, outputs, output_count)
    try checkFinite(inputs, input_count, "inputs")
    try model.run(steps: sequence_length, batchSize: batch_size, inputs: inputs, tokens: nil, lengths: lengths, outputs: outputs)
  }
}

@implementation @_cdecl("rill_model_run_tokens")
public func rill_model_run_tokens(
  _ model: OpaquePointer!, _ sequence_length: Int, _ batch_size: Int, _ tokens: UnsafePointer<Int32>!, _ token_count: Int,
  _ lengths: UnsafePointer<Int32>!, _ length_count: Int, _ outputs: UnsafeMutablePointer<Float>!, _ output_count: Int
) -> rill_status {
  status { () throws(RillError) in
    let model: Model = try object(model, "model")
    guard model.network.input.isToken else { throw .state("the model reads vectors: use rill_model_run") }
    let tokens = try required(tokens, "tokens")
    try checkRun(model.network, sequence_length, batch_size, token_count, lengths, length_count, outputs, output_count)
    try checkRange(tokens, token_count, -1...(model.network.input.size - 1), "tokens")
    try model.run(steps: sequence_length, batchSize: batch_size, inputs: nil, tokens: tokens, lengths: lengths, outputs: outputs)
  }
}

/// Shapes and lengths of a run.
private func checkRun(
  _ network: Network, _ steps: Int, _ rows: Int, _ inputCount: Int, _ lengths: UnsafePointer<Int32>?, _ lengthCount: Int,
  _ outputs: UnsafeMutablePointer<Float>?, _ outputCount: Int
) throws(RillError) {
  try checkSequences(network, steps, rows, inputCount)
  try checkLengths(lengths, lengthCount, rows, steps)
  _ = try required(outputs, "outputs")
  try check(outputCount, try count(network.isPerSequence ? 1 : steps, rows, network.outputSize), "output_count")
}

/// The shape of whole sequences.
func checkSequences(_ network: Network, _ steps: Int, _ rows: Int, _ inputCount: Int) throws(RillError) {
  try check(steps, in: 1...Int(Int32.max), "sequence_length")
  try check(rows, in: 1...Limits.batchSize, "batch_size")
  let isToken = network.input.isToken
  try check(inputCount, try count(steps, rows, isToken ? 1 : network.input.size), isToken ? "token_count" : "input_count")
}

/// NULL with 0, or one length for each sequence.
func checkLengths(_ lengths: UnsafePointer<Int32>?, _ count: Int, _ rows: Int, _ steps: Int) throws(RillError) {
  guard let lengths else {
    guard count == 0 else { throw .argument("lengths is NULL, but length_count is not 0") }
    return
  }
  try check(count, rows, "length_count")
  try checkRange(lengths, rows, 1...steps, "lengths")
}

/// Elements of a three-dimensional array.
func count(_ a: Int, _ b: Int, _ c: Int) throws(RillError) -> Int {
  guard let elements = product(a, b, c) else { throw .argument("the shape has more elements than memory can hold") }
  return elements
}
