import CRill
import RillBase
import RillNetwork
import RillTraining

@implementation @_cdecl("rill_batch_create")
public func rill_batch_create(
  _ model: OpaquePointer!, _ sequence_length: Int, _ batch_size: Int, _ options: UnsafePointer<CChar>!,
  _ batch: UnsafeMutablePointer<OpaquePointer?>!
) -> rill_status {
  status { () throws(RillError) in
    let out = try required(batch, "batch")
    out.pointee = nil
    let model: Model = try object(model, "model")
    try check(sequence_length, in: 1...Int(Int32.max), "sequence_length")
    try check(batch_size, in: 1...Limits.batchSize, "batch_size")
    try checkNoOptions(options)
    out.pointee = retained(try Batch(model.network, steps: sequence_length, rows: batch_size))
  }
}

@implementation @_cdecl("rill_batch_destroy")
public func rill_batch_destroy(_ batch: OpaquePointer!) { release(batch, Batch.self) }

@implementation @_cdecl("rill_batch_set_inputs")
public func rill_batch_set_inputs(_ batch: OpaquePointer!, _ inputs: UnsafePointer<Float>!, _ input_count: Int) -> rill_status {
  status { () throws(RillError) in
    let batch: Batch = try object(batch, "batch")
    guard !batch.inputIsToken else { throw .state("the model reads tokens: use rill_batch_set_tokens") }
    let inputs = try required(inputs, "inputs")
    try check(input_count, batch.inputCount, "input_count")
    try checkFinite(inputs, input_count, "inputs")
    batch.setInputs(inputs)
  }
}

@implementation @_cdecl("rill_batch_set_tokens")
public func rill_batch_set_tokens(_ batch: OpaquePointer!, _ tokens: UnsafePointer<Int32>!, _ token_count: Int) -> rill_status {
  status { () throws(RillError) in
    let batch: Batch = try object(batch, "batch")
    guard batch.inputIsToken else { throw .state("the model reads vectors: use rill_batch_set_inputs") }
    let tokens = try required(tokens, "tokens")
    try check(token_count, batch.inputCount, "token_count")
    try checkRange(tokens, token_count, -1...(batch.inputSize - 1), "tokens")
    batch.setTokens(tokens)
  }
}

@implementation @_cdecl("rill_batch_set_lengths")
public func rill_batch_set_lengths(_ batch: OpaquePointer!, _ lengths: UnsafePointer<Int32>!, _ length_count: Int) -> rill_status {
  status { () throws(RillError) in
    let batch: Batch = try object(batch, "batch")
    try checkLengths(lengths, length_count, batch.rows, batch.steps)
    batch.setLengths(lengths)
  }
}

@implementation @_cdecl("rill_batch_set_targets")
public func rill_batch_set_targets(_ batch: OpaquePointer!, _ targets: UnsafePointer<Float>!, _ target_count: Int) -> rill_status {
  status { () throws(RillError) in
    let batch: Batch = try object(batch, "batch")
    let targets = try required(targets, "targets")
    try check(target_count, batch.targetCount, "target_count")
    try checkFinite(targets, target_count, "targets")
    try batch.setTargets(targets)
  }
}

@implementation @_cdecl("rill_batch_set_classes")
public func rill_batch_set_classes(_ batch: OpaquePointer!, _ classes: UnsafePointer<Int32>!, _ class_count: Int) -> rill_status {
  status { () throws(RillError) in
    let batch: Batch = try object(batch, "batch")
    let classes = try required(classes, "classes")
    try check(class_count, batch.classCount, "class_count")
    try checkRange(classes, class_count, -1...(batch.outputSize - 1), "classes")
    try batch.setClasses(classes)
  }
}

@implementation @_cdecl("rill_batch_set_weights")
public func rill_batch_set_weights(_ batch: OpaquePointer!, _ weights: UnsafePointer<Float>!, _ weight_count: Int) -> rill_status {
  status { () throws(RillError) in
    let batch: Batch = try object(batch, "batch")
    if let weights {
      try check(weight_count, batch.classCount, "weight_count")
      for i in 0..<weight_count where !(weights[i] >= 0 && weights[i].isFinite) {
        throw .argument("weights[\(i)]: must be finite and not negative")
      }
    } else if weight_count != 0 {
      throw .argument("weights is NULL, but weight_count is not 0")
    }
    try batch.setWeights(weights)
  }
}
