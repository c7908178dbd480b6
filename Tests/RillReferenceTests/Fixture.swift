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

/// One run of one network, as the argument of a test.
struct TrainingRun: Sendable, CustomTestStringConvertible {
  let fixture: TrainingFixture
  let run: TrainingFixture.Run

  var testDescription: String { "\(fixture.name): \(run.name)" }

  static func all() throws -> [TrainingRun] {
    try TrainingFixture.all().flatMap { fixture in fixture.runs.map { TrainingRun(fixture: fixture, run: $0) } }
  }
}
