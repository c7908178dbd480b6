/// Whole sequences that go into a network, time-major as at the C boundary.
public struct SequenceData: Sendable {
  public var sequenceLength: Int
  public var batchSize: Int
  /// [time][batch][input_size]; empty for a token model.
  public var inputs: [Float] = []
  /// [time][batch]; empty for a vector model.
  public var tokens: [Int32] = []
  /// [batch]; nil: all are full.
  public var lengths: [Int32]?

  public init(sequenceLength: Int, batchSize: Int, lengths: [Int32]? = nil) {
    self.sequenceLength = sequenceLength
    self.batchSize = batchSize
    self.lengths = lengths
  }

  public func length(of sequence: Int) -> Int {
    lengths.map { Int($0[sequence]) } ?? sequenceLength
  }

  public var stepCount: Int { (0..<batchSize).reduce(0) { $0 + length(of: $1) } }

  /// Sequence number sequence alone, without its padding.
  public func single(_ sequence: Int) -> SequenceData {
    let steps = length(of: sequence)
    var result = SequenceData(sequenceLength: steps, batchSize: 1)
    result.inputs = part(of: inputs, sequence: sequence, steps: steps)
    result.tokens = part(of: tokens, sequence: sequence, steps: steps)
    return result
  }

  /// A batch of these sequences in this order; one may stand in it several times.
  public func selecting(_ sequences: [Int]) -> SequenceData {
    var result = SequenceData(sequenceLength: sequenceLength, batchSize: sequences.count)
    result.lengths = lengths?.selecting(sequences, of: batchSize)
    result.inputs = inputs.selecting(sequences, of: batchSize, rows: sequenceLength)
    result.tokens = tokens.selecting(sequences, of: batchSize, rows: sequenceLength)
    return result
  }

  /// The rows of one sequence in a [time][batch][size] array, up to steps.
  public func part<Value>(of values: [Value], sequence: Int, steps: Int) -> [Value] {
    let size = values.count / (sequenceLength * batchSize)
    return (0..<steps).flatMap { t in values[((t * batchSize + sequence) * size)...].prefix(size) }
  }
}

/// What a batch is to be compared with, and how.
public struct Objective: Sendable {
  public enum Loss: String, Sendable, CaseIterable { case mse, mae, huber, esr, bce, crossEntropy = "cross_entropy" }
  public enum Reduction: String, Sendable { case mean, sum }

  public var loss: Loss
  public var reduction: Reduction
  /// Of the loss.
  public var options: LossOptions
  /// Of the steps: [time][batch] or [batch]; nil: 1.
  public var weights: [Float]?
  /// For all but cross_entropy: [time][batch][output_size], or [batch][output_size] of a model with one output per sequence.
  public var targets: [Float] = []
  /// For cross_entropy: [time][batch] or [batch]; -1 is not counted.
  public var classes: [Int32] = []

  public init(_ loss: Loss, _ reduction: Reduction = .mean) {
    self.loss = loss
    self.reduction = reduction
    options = LossOptions(loss.rawValue)
  }
}

extension Array where Element: BitwiseCopyable {
  /// Of a [rows][batch][size] array the lanes with these numbers, in this order: [rows][lanes.count][size].
  public func selecting(_ lanes: [Int], of batchSize: Int, rows: Int = 1) -> [Element] {
    let size = count / (rows * batchSize)
    var result: [Element] = []
    result.reserveCapacity(rows * lanes.count * size)
    for row in 0..<rows {
      for lane in lanes { result += self[((row * batchSize + lane) * size)...].prefix(size) }
    }
    return result
  }
}
