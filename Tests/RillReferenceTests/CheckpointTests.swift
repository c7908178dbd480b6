import Foundation
import RillTestSupport
import Testing

/// A training that can be left and taken up again: two batches in turn, with all that a trainer remembers.
private struct Course: Sendable, CustomTestStringConvertible {
  let options: String
  let layers: String
  let input: String
  var loss = #""cross_entropy""#

  var testDescription: String { "\(layers) \(options)" }

  private static let lstm = #"{"type": "lstm", "hidden_size": 12, "num_layers": 2, "dropout": 0.3}, {"type": "dense", "output_size": 5}"#
  private static let gru =
    #"{"type": "gru", "hidden_size": 9, "initial_state": true}, {"type": "dropout", "p": 0.2}, {"type": "dense", "output_size": 5}"#
  private static let token = #"{"kind": "token", "size": 5}"#

  static let all = [
    #""optimizer": {"type": "adam", "weight_decay": 0.01}, "clip_norm": 1, "schedule": {"type": "cosine", "t_max": 20, "warmup": 3}"#,
    #""optimizer": {"type": "nadam"}, "stateful": true, "average": {"decay": 0.9}, "keep_best": true, "patience": 3"#,
    #""optimizer": {"type": "sgd", "momentum": 0.9, "nesterov": true}, "stateful": true, "truncation": {"update_every": 3, "backpropagate": 5}"#,
    #""optimizer": {"type": "rmsprop", "momentum": 0.5}, "accumulate": 3, "checkpoint_every": 4, "threads": 2"#,
    #""optimizer": {"type": "adagrad"}, "burn_in": 2, "groups": [{"parameters": "1.*", "frozen": true}], "schedule": {"type": "plateau", "patience": 0}"#,
  ].flatMap {
    [
      Course(options: $0, layers: lstm.self, input: token),
      Course(options: $0.replacing("\"1.*\"", with: "\"2.*\""), layers: gru, input: token),
    ]
  }

  func start() throws -> TestTrainer {
    let model = try TestModel(configuration: #"{"input": \#(input), "layers": [\#(layers)]}"#, seed: 3)
    return try TestTrainer(model, optionsText: #"{"loss": \#(loss), \#(options)}"#, seed: .max - 5)
  }

  /// Update number n, and what else happens then. Returns its loss.
  func go(_ trainer: TestTrainer, _ n: Int) throws -> Double {
    var data = SequenceData(sequenceLength: 8, batchSize: 3, lengths: n % 3 == 0 ? [8, 3, 5] : nil)
    data.tokens = (0..<24).map { Int32(($0 * 7 + n * 5) % 6 - 1) }
    var objective = Objective(.crossEntropy)
    objective.classes = (0..<24).map { Int32(($0 * 3 + n) % 5) }
    let loss = try trainer.update(TestBatch(trainer.model, data, objective))
    try trainer.setValidationLoss(Double((n * 5) % 7))
    return loss
  }
}

@Suite struct CheckpointTests {
  /// Left after any number of updates (in the middle of an accumulation too) and resumed from its text, training goes on with the same bits.
  @Test(arguments: Course.all)
  fileprivate func aResumedTrainingGoesOnAlike(_ course: Course) throws {
    let whole = try course.start()
    var trainer = try course.start()
    for n in 0..<12 {
      if n % 2 == 1 || n == 4 {
        try trainer.setData(Array("batch \(n)".utf8))
        trainer = try TestTrainer.parsing(try trainer.saveText())
        #expect(try trainer.data() == Array("batch \(n)".utf8))
      }
      #expect(try course.go(trainer, n) == course.go(whole, n), "update \(n)")
    }
    for name in try whole.model.parameterNames() {
      #expect(try trainer.model.parameter(name) == whole.model.parameter(name))
      #expect(try trainer.gradient(name) == whole.gradient(name))
    }
    for metric in ["update_count", "update_loss", "gradient_norm", "learning_rate", "best_validation_loss", "should_stop"] {
      #expect(try trainer.metric(metric) == whole.metric(metric), "\(metric)")
    }
    try trainer.setData([])
    #expect(try trainer.saveText() == whole.saveText())
  }

  /// The host's bytes may be any.
  @Test(arguments: [0, 1, 2, 3, 4, 1000, 1 << 20]) func theHostsBytesComeBack(_ count: Int) throws {
    let trainer = try Course.all[0].start()
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 37) }
    try trainer.setData(bytes)
    #expect(try TestTrainer.parsing(trainer.saveText()).data() == bytes)
  }

  /// What a broken checkpoint says wrong is named.
  @Test(arguments: [
    (#""kind":"checkpoint""#, #""kind":"sequential""#, "kind: is sequential, where checkpoint is wanted"),
    (#""format_version":1,"kind":"checkpoint""#, #""format_version":9,"kind":"checkpoint""#, "newer"),
    (#""seed":["#, #""seed":[1,"#, "trainer.seed"), (#""update_count":3"#, #""update_count":-3"#, "update_count"),
    (#""update_count":3"#, #""updates":3"#, "update_count"), (#""lanes":3"#, #""lanes":70000"#, "lanes"),
    (#""name":"first_moments""#, #""name":"moments""#, "trainer.buffers[0].name"), (#""data":""#, #""data":"A"#, "trainer.data"),
    (#""loss":"cross_entropy""#, #""loss":"mse2""#, "trainer.options.loss"), (#""lanes":3"#, #""lanes":2"#, "trainer.buffers"),
    (#"weight_hh_l0""#, #"weight_xx_l0""#, "model.parameters"),
  ])
  func aBrokenCheckpointIsRefused(_ find: String, _ replacement: String, _ message: String) throws {
    let trainer = try Course.all[0].start()
    for n in 0..<3 { _ = try Course.all[0].go(trainer, n) }
    // Without blanks, so that the members are found wherever the writer puts some.
    let text = String(decoding: try trainer.saveText(), as: UTF8.self).filter { !$0.isWhitespace }
    try #require(text.contains(find))
    let broken = text.replacing(find, with: replacement)
    let failure = #expect(throws: RillFailure.self) { try TestTrainer.parsing(Array(broken.utf8)) }
    #expect(failure?.message.contains(message) == true, "\(failure?.message ?? "")")
  }

  @Test func aCheckpointIsNoModelFile() throws {
    let text = try Course.all[0].start().saveText()
    let failure = #expect(throws: RillFailure.self) { try TestModel(parsing: text) }
    #expect(failure?.message.contains("kind: is checkpoint, where sequential is wanted") == true)
  }

  /// Cut short anywhere, it is refused, and nothing else happens.
  @Test func aTruncatedCheckpointIsRefused() throws {
    let trainer = try Course.all[1].start()
    for n in 0..<3 { _ = try Course.all[1].go(trainer, n) }
    let text = try trainer.saveText()
    for count in stride(from: 0, to: text.count - 1, by: 97) {
      #expect(throws: RillFailure.self) { try TestTrainer.parsing(Array(text.prefix(count))) }
    }
  }
}
