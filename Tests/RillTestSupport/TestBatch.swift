import CRill

/// A batch, filled at once, for the length of a test.
public final class TestBatch: @unchecked Sendable {
  public let handle: OpaquePointer

  public init(_ model: TestModel, _ data: SequenceData, _ objective: Objective) throws {
    var handle: OpaquePointer?
    try check(rill_batch_create(model.handle, data.sequenceLength, data.batchSize, nil, &handle))
    self.handle = handle!
    if data.tokens.isEmpty {
      try check(rill_batch_set_inputs(handle, data.inputs, data.inputs.count))
    } else {
      try check(rill_batch_set_tokens(handle, data.tokens, data.tokens.count))
    }
    if let lengths = data.lengths { try check(rill_batch_set_lengths(handle, lengths, lengths.count)) }
    if objective.loss == .crossEntropy {
      try check(rill_batch_set_classes(handle, objective.classes, objective.classes.count))
    } else {
      try check(rill_batch_set_targets(handle, objective.targets, objective.targets.count))
    }
    if let weights = objective.weights { try check(rill_batch_set_weights(handle, weights, weights.count)) }
  }

  deinit { rill_batch_destroy(handle) }
}
