import CRill
import RillBase
import RillNetwork

@implementation @_cdecl("rill_model_evaluate_precision")
public func rill_model_evaluate_precision(
  _ model: OpaquePointer!, _ precision: UnsafePointer<CChar>!, _ sequence_length: Int, _ batch_size: Int, _ inputs: UnsafePointer<Float>!,
  _ input_count: Int, _ largest_difference: UnsafeMutablePointer<Double>!, _ rms_difference: UnsafeMutablePointer<Double>!,
  _ rms_output: UnsafeMutablePointer<Double>!
) -> rill_status {
  status { () throws(RillError) in
    let model: Model = try object(model, "model")
    guard !model.network.input.isToken else { throw .state("the model reads tokens: use rill_model_evaluate_precision_tokens") }
    let inputs = try required(inputs, "inputs")
    try checkSequences(model.network, sequence_length, batch_size, input_count)
    try checkFinite(inputs, input_count, "inputs")
    try evaluate(
      model, precision, sequence_length, batch_size, inputs, nil, largest_difference, rms_difference, rms_output)
  }
}

@implementation @_cdecl("rill_model_evaluate_precision_tokens")
public func rill_model_evaluate_precision_tokens(
  _ model: OpaquePointer!, _ precision: UnsafePointer<CChar>!, _ sequence_length: Int, _ batch_size: Int, _ tokens: UnsafePointer<Int32>!,
  _ token_count: Int, _ largest_difference: UnsafeMutablePointer<Double>!, _ rms_difference: UnsafeMutablePointer<Double>!,
  _ rms_output: UnsafeMutablePointer<Double>!
) -> rill_status {
  status { () throws(RillError) in
    let model: Model = try object(model, "model")
    guard model.network.input.isToken else { throw .state("the model reads vectors: use rill_model_evaluate_precision") }
    let tokens = try required(tokens, "tokens")
    try checkSequences(model.network, sequence_length, batch_size, token_count)
    try checkRange(tokens, token_count, -1...(model.network.input.size - 1), "tokens")
    try evaluate(
      model, precision, sequence_length, batch_size, nil, tokens, largest_difference, rms_difference, rms_output)
  }
}

private func evaluate(
  _ model: Model, _ name: UnsafePointer<CChar>?, _ steps: Int, _ rows: Int, _ inputs: UnsafePointer<Float>?,
  _ tokens: UnsafePointer<Int32>?, _ largest: UnsafeMutablePointer<Double>?, _ rms: UnsafeMutablePointer<Double>?,
  _ rmsOutput: UnsafeMutablePointer<Double>?
) throws(RillError) {
  let name = try required(name, "precision")
  guard let precision = Precision.names.firstIndex(of: name).flatMap({ Precision(rawValue: $0) }) else {
    throw .argument("precision: expected float32, bfloat16 or int8")
  }
  let largest = try required(largest, "largest_difference")
  let rms = try required(rms, "rms_difference")
  let rmsOutput = try required(rmsOutput, "rms_output")
  let error = try PrecisionError(model, precision, steps: steps, batchSize: rows, inputs: inputs, tokens: tokens)
  largest.pointee = error.largest
  rms.pointee = error.rms
  rmsOutput.pointee = error.rmsOutput
}
