import RillTestSupport
import Testing

/// A network, a batch and a loss; parameters and data follow from the seed.
struct NetworkCase: Sendable, CustomTestStringConvertible {
  var name: String
  var architecture: Architecture
  var loss = Objective.Loss.mse
  var reduction = Objective.Reduction.mean
  /// Options of the loss, whose type is `loss`.
  var lossOptions = LossOptions("")
  /// Whether steps have weights, every fourth of them 0.
  var hasWeights = false
  var sequenceLength = 4
  var batchSize = 3
  var lengths: [Int32]?
  /// Whether every third class is -1, which no loss counts.
  var hasUncountedClasses = false
  /// What the drawn parameters are multiplied with.
  var parameterScale: Float = 1
  var seed: UInt64 = 1

  var testDescription: String {
    let shape = "\(sequenceLength) steps, batch of \(batchSize)" + (lengths.map { ", lengths \($0)" } ?? "")
    return "\(name), \(loss.rawValue) \(reduction.rawValue)\(hasWeights ? " weighted" : ""), \(shape)"
  }

  init(_ name: String, _ architecture: Architecture) {
    self.name = name
    self.architecture = architecture
  }

  /// The case with one thing changed.
  func with<Value>(_ property: WritableKeyPath<NetworkCase, Value>, _ value: Value) -> NetworkCase {
    var result = self
    result[keyPath: property] = value
    return result
  }

  func sized(steps: Int, batch: Int, lengths: [Int32]? = nil) -> NetworkCase {
    with(\.sequenceLength, steps).with(\.batchSize, batch).with(\.lengths, lengths)
  }

  func measured(_ loss: Objective.Loss, _ reduction: Objective.Reduction = .mean) -> NetworkCase {
    with(\.loss, loss).with(\.reduction, reduction)
  }

  // MARK: what it stands for

  var parameters: [String: [Float]] {
    var generator = SplitMix64(seed: seed)
    return generator.parameters(of: architecture).mapValues { $0.map { parameterScale * $0 } }
  }

  var data: SequenceData {
    var generator = SplitMix64(seed: seed &+ 1_000_000)
    var data = SequenceData(sequenceLength: sequenceLength, batchSize: batchSize, lengths: lengths)
    let size = architecture.input.size
    if architecture.takesTokens {
      data.tokens = generator.integers(in: -1..<Int32(size), count: sequenceLength * batchSize)
    } else {
      data.inputs = generator.uniform(2, count: sequenceLength * batchSize * size)
    }
    return data
  }

  var objective: Objective {
    var generator = SplitMix64(seed: seed &+ 2_000_000)
    var objective = Objective(loss, reduction)
    objective.options = lossOptions
    objective.options.type = loss.rawValue
    let rows = (architecture.isPerSequence ? 1 : sequenceLength) * batchSize
    let size = architecture.outputSize
    switch loss {
    case .crossEntropy:
      objective.classes = generator.integers(in: 0..<Int32(size), count: rows)
      if hasUncountedClasses { for row in stride(from: 1, to: rows, by: 3) { objective.classes[row] = -1 } }
    case .bce:
      objective.targets = generator.uniform(1, count: rows * size).map { ($0 + 1) / 2 }
    case .mse, .mae, .huber, .esr:
      let shift = architecture.output?.shift ?? [0]
      let scale = architecture.output?.scale ?? [1]
      objective.targets = generator.uniform(1, count: rows * size).enumerated().map { index, value in
        Float(scale[index % size % scale.count]) * value + Float(shift[index % size % shift.count])
      }
    }
    if hasWeights {
      objective.weights = generator.uniform(1, count: rows).enumerated().map { $0 % 4 == 1 ? 0 : 1.25 + $1 }
    }
    return objective
  }

  var reference: ReferenceNetwork { ReferenceNetwork(architecture, doubles(parameters)) }

  /// A published model with the case's parameters.
  func model() throws -> TestModel { try TestModel(architecture, parameters) }
}

/// Cells by name, each of a given hidden size.
let cells: [(name: String, layer: @Sendable (Int) -> Layer)] = [
  ("rnn tanh", { .rnn($0) }),
  ("rnn relu", { .rnn($0, nonlinearity: "relu") }),
  ("lstm", { .lstm($0) }),
  ("gru", { .gru($0) }),
  ("gru reset before", { .gru($0, resetAfter: false) }),
]
