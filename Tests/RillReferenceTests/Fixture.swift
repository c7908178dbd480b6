import Foundation
import RillTestSupport
import Testing

/// What Tests/Reference/generate.py wrote. Parameters and data are short decimals that both sides round to float32; expected values are
/// float64 with all digits.
struct Fixture<Case: Decodable>: Decodable {
  let torch: String
  let cases: [Case]

  static func load(_ name: String) throws -> [Case] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let fixture = try decoder.decode(Fixture.self, from: Data(contentsOf: folder.appendingPathComponent("\(name).json")))
    try #require(!fixture.cases.isEmpty)
    return fixture.cases
  }
}

struct ParameterEntry: Decodable, Sendable {
  let name: String
  let shape: [Int]
  let data: [Double]
}

extension [ParameterEntry] {
  var values: [String: [Float]] {
    Dictionary(uniqueKeysWithValues: map { ($0.name, $0.data.map { Float($0) }) })
  }
}

/// Outputs of one network on one batch of sequences.
struct ForwardFixture: Decodable, Sendable, CustomTestStringConvertible {
  let name: String
  let configuration: Architecture
  let parameters: [ParameterEntry]
  let sequenceLength: Int
  let batchSize: Int
  let inputs: [Double]?
  let tokens: [Int32]?
  let lengths: [Int32]?
  let outputs: [Double]

  var testDescription: String { name }

  var data: SequenceData {
    var data = SequenceData(sequenceLength: sequenceLength, batchSize: batchSize, lengths: lengths)
    data.inputs = (inputs ?? []).map { Float($0) }
    data.tokens = tokens ?? []
    return data
  }

  static func all() throws -> [ForwardFixture] {
    let groups = ["rnn-tanh", "rnn-relu", "lstm", "gru", "gru-reset-before", "networks"]
    return try groups.flatMap { try Fixture<ForwardFixture>.load("forward-\($0)") }
  }
}

/// Updates of one network on one batch with several optimizers.
struct TrainingFixture: Decodable, Sendable, CustomTestStringConvertible {
  struct Run: Decodable, Sendable {
    let name: String
    let options: TrainerOptions
    /// Before each update.
    let losses: [Double]
    /// Parameters after the last update.
    let final: [String: [Double]]
  }

  let name: String
  let configuration: Architecture
  let parameters: [ParameterEntry]
  let sequenceLength: Int
  let batchSize: Int
  let inputs: [Double]?
  let tokens: [Int32]?
  let lengths: [Int32]?
  let loss: String
  let reduction: String
  let targets: [Double]?
  let classes: [Int32]?
  /// Of the loss before the first update.
  let gradient: [String: [Double]]
  let runs: [Run]

  var testDescription: String { name }

  var data: SequenceData {
    var data = SequenceData(sequenceLength: sequenceLength, batchSize: batchSize, lengths: lengths)
    data.inputs = (inputs ?? []).map { Float($0) }
    data.tokens = tokens ?? []
    return data
  }

  var objective: Objective {
    var objective = Objective(Objective.Loss(rawValue: loss)!, Objective.Reduction(rawValue: reduction)!)
    objective.targets = (targets ?? []).map { Float($0) }
    objective.classes = classes ?? []
    return objective
  }

  static func all() throws -> [TrainingFixture] {
    try Fixture<TrainingFixture>.load("training")
  }
}

/// The loss of one network on one batch, its gradient, and the metrics of an evaluation.
struct LossFixture: Decodable, Sendable, CustomTestStringConvertible {
  let name: String
  let configuration: Architecture
  let parameters: [ParameterEntry]
  let sequenceLength: Int
  let batchSize: Int
  let inputs: [Double]
  let lengths: [Int32]?
  let loss: LossOptions
  let reduction: String
  let targets: [Double]?
  let classes: [Int32]?
  let weights: [Double]?
  let value: Double
  let gradient: [String: [Double]]
  let metrics: [String: Double]

  var testDescription: String { name }

  var data: SequenceData {
    var data = SequenceData(sequenceLength: sequenceLength, batchSize: batchSize, lengths: lengths)
    data.inputs = inputs.map { Float($0) }
    return data
  }

  var objective: Objective {
    var objective = Objective(Objective.Loss(rawValue: loss.type)!, Objective.Reduction(rawValue: reduction)!)
    objective.options = loss
    objective.targets = (targets ?? []).map { Float($0) }
    objective.classes = classes ?? []
    objective.weights = weights?.map { Float($0) }
    return objective
  }

  static func all() throws -> [LossFixture] { try Fixture<LossFixture>.load("losses") }
}

/// Batches of one network, learned from one after another, in windows and with carried states.
struct WindowFixture: Decodable, Sendable, CustomTestStringConvertible {
  struct Batch: Decodable, Sendable {
    let sequenceLength: Int
    let inputs: [Double]?
    let tokens: [Int32]?
    let lengths: [Int32]?
    let targets: [Double]?
    let classes: [Int32]?
    /// Lanes that begin this batch with the initial state.
    let reset: [Int]
  }

  let name: String
  let configuration: Architecture
  let parameters: [ParameterEntry]
  let batchSize: Int
  let loss: String
  /// JSON text.
  let options: String
  let batches: [Batch]
  /// Of each batch.
  let losses: [Double]
  /// Parameters after the last update.
  let final: [String: [Double]]
  /// After the last batch: [num_layers][batch][hidden_size] by name.
  let states: [String: [Double]]

  var testDescription: String { name }

  func data(_ batch: Batch) -> SequenceData {
    var data = SequenceData(sequenceLength: batch.sequenceLength, batchSize: batchSize, lengths: batch.lengths)
    data.inputs = (batch.inputs ?? []).map { Float($0) }
    data.tokens = batch.tokens ?? []
    return data
  }

  func objective(_ batch: Batch) -> Objective {
    var objective = Objective(Objective.Loss(rawValue: loss)!)
    objective.targets = (batch.targets ?? []).map { Float($0) }
    objective.classes = batch.classes ?? []
    return objective
  }

  static func all() throws -> [WindowFixture] { try Fixture<WindowFixture>.load("windows") }
}

/// One run of one network, as the argument of a test.
struct TrainingRun: Sendable, CustomTestStringConvertible {
  let fixture: TrainingFixture
  let run: TrainingFixture.Run

  var testDescription: String { "\(fixture.name): \(run.name)" }

  static func all() throws -> [TrainingRun] {
    try TrainingFixture.all().flatMap { fixture in fixture.runs.map { TrainingRun(fixture: fixture, run: $0) } }
  }
}
