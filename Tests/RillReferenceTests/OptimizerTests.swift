import Foundation
import RillTestSupport
import Testing

/// Updates of one network with every optimizer and its options, with groups, schedules and averages.
struct OptimizerFixture: Decodable, Sendable {
  struct Run: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    /// The trainer's options, as JSON.
    let options: String
    /// Before each update.
    let losses: [Double]
    /// Parameters, and their moving average, after the last update.
    let final: [String: [Double]]
    let average: [String: [Double]]?

    var testDescription: String { name }
  }

  let configuration: Architecture
  let parameters: [ParameterEntry]
  let sequenceLength: Int
  let batchSize: Int
  let inputs: [Double]
  let lengths: [Int32]
  let targets: [Double]
  let runs: [Run]

  static func load() throws -> OptimizerFixture { try Fixture<OptimizerFixture>.load("optimizers")[0] }

  func model() throws -> TestModel { try TestModel(configuration, parameters.values) }

  func batch(_ model: TestModel) throws -> TestBatch {
    var data = SequenceData(sequenceLength: sequenceLength, batchSize: batchSize, lengths: lengths)
    data.inputs = inputs.map { Float($0) }
    var objective = Objective(.mse, .mean)
    objective.targets = targets.map { Float($0) }
    return try TestBatch(model, data, objective)
  }
}

@Suite struct OptimizerTests {
  /// 25 updates against PyTorch in float64. Tests/Reference refuses runs in which float32 itself drifts by more than 3e-6.
  @Test(arguments: try OptimizerFixture.load().runs)
  func trajectoryFollowsPyTorch(_ run: OptimizerFixture.Run) throws {
    let fixture = try OptimizerFixture.load()
    let model = try fixture.model()
    let trainer = try TestTrainer(model, optionsText: run.options)
    let batch = try fixture.batch(model)
    for (index, expected) in run.losses.enumerated() {
      let loss = try trainer.update(batch)
      #expect(relativeDifference(loss, expected) < 1e-5, "update \(index)")
    }
    #expect(run.losses.count == 25)
    for (name, expected) in run.final {
      let values = doubles(try model.parameter(name))
      #expect(normwiseDifference(values, expected) < 1e-5, "\(name)")
    }
    guard let average = run.average else { return }
    let other = try fixture.model()
    try trainer.copyParameters("average", into: other)
    for (name, expected) in average {
      let values = doubles(try other.parameter(name))
      #expect(normwiseDifference(values, expected) < 1e-5, "average of \(name)")
    }
  }

  static let kinds = ["sgd", "adagrad", "rmsprop", "adam", "adamw", "nadam"]

  /// What is frozen keeps its bits, also with weight decay, and the norm is that of the rest.
  @Test(arguments: kinds)
  func frozenParametersKeepTheirBits(_ kind: String) throws {
    let fixture = try OptimizerFixture.load()
    let model = try fixture.model()
    let options = """
      {"loss": "mse", "optimizer": {"type": "\(kind)", "weight_decay": 0.1},
       "groups": [{"parameters": "head.*"}, {"parameters": "*", "frozen": true}], "average": {"decay": 0.5}}
      """
    let trainer = try TestTrainer(model, optionsText: options)
    let before = try model.parameters()
    let batch = try fixture.batch(model)
    for _ in 0..<3 { try trainer.update(batch) }
    let after = try model.parameters()
    for (name, values) in before {
      #expect((bits(values) == bits(after[name]!)) == name.hasPrefix("body."), "\(name)")
    }
    let gradients = try trainer.gradients().filter { $0.key.hasPrefix("head.") }
    let gradientNorm = try trainer.metric("gradient_norm")
    #expect(relativeDifference(gradientNorm, norm(gradients.values.flatMap { doubles($0) })) < 1e-6)
    // An average of equal numbers is that number.
    try trainer.copyParameters("average", into: model)
    #expect(bits(try model.parameter("body.weight_hh_l0")) == bits(before["body.weight_hh_l0"]!))
  }

  /// An update whose result is infinite in one slice only, the first or the last, leaves every bit of parameters, moments and average as it was: a twin
  /// that never made it goes on alike.
  @Test(
    arguments: kinds.map { "\"\($0)\"" } + [#""sgd", "momentum": 0.5"#, #""rmsprop", "momentum": 0.5"#], ["0.weight_ih_l0", "1.bias"])
  func divergedUpdateLeavesEveryBit(_ optimizer: String, _ place: String) throws {
    let testCase = NetworkCase("divergence", Architecture(vector: 3, [.lstm(40), .dense(2)])).measured(.mse, .mean)
    // With a rate of 4 the step size of that place alone is infinite.
    let options = """
      {"loss": "mse", "optimizer": {"type": \(optimizer), "weight_decay": 0.01}, "average": {"decay": 0.9},
       "groups": [{"parameters": "\(place)", "learning_rate_factor": 1e38}, {"parameters": "*", "learning_rate_factor": 1e36}]}
      """
    var results: [[String: [UInt32]]] = []
    for diverges in [false, true] {
      let model = try testCase.model()
      let trainer = try TestTrainer(model, optionsText: options)
      let batch = try TestBatch(model, testCase.data, testCase.objective)
      try trainer.setLearningRate(1e-38)
      try trainer.update(batch)
      if diverges {
        let before = try model.parameters()
        try trainer.setLearningRate(4)
        do {
          try trainer.update(batch)
          Issue.record("the update did not diverge")
        } catch let failure as RillFailure {
          #expect(failure.description.hasPrefix("diverged: "))
        }
        let after = try model.parameters()
        #expect(before.mapValues(bits) == after.mapValues(bits))
        #expect(try trainer.metric("update_count") == 1)
        try trainer.setLearningRate(1e-38)
      }
      try trainer.update(batch)
      try trainer.update(batch)
      results.append(try model.parameters().mapValues(bits))
      try trainer.copyParameters("average", into: model)
      results.append(try model.parameters().mapValues(bits))
    }
    #expect(results[0] == results[2])
    #expect(results[1] == results[3])
  }

  /// best − min_delta is what a loss must be below; the best itself needs no margin.
  @Test func validationsRememberTheBestAndSayWhenToStop() throws {
    let fixture = try OptimizerFixture.load()
    let model = try fixture.model()
    let trainer = try TestTrainer(model, optionsText: #"{"loss": "mse", "keep_best": true, "patience": 3, "min_delta": 0.125}"#)
    let batch = try fixture.batch(model)
    // Loss, best, since the best, whether to stop; all sums are exact.
    let steps: [(Double, Double, Double, Double)] = [
      (4, 4, 0, 0), (3.9375, 3.9375, 0, 0), (3.875, 3.875, 0, 0), (5, 3.875, 1, 1), (3.5, 3.5, 0, 0), (3.5, 3.5, 1, 0), (6, 3.5, 2, 0),
      (3.375, 3.375, 0, 1), (3.25, 3.25, 0, 1), (3, 3, 0, 0), (7, 3, 1, 0),
    ]
    #expect(try trainer.metric("should_stop") == 0)
    var best: [String: [Float]] = [:]
    for (index, step) in steps.enumerated() {
      try trainer.update(batch)
      if step.2 == 0 { best = try model.parameters() }
      try trainer.setValidationLoss(step.0)
      #expect(try trainer.metric("best_validation_loss") == step.1, "validation \(index)")
      #expect(try trainer.metric("validations_since_best") == step.2, "validation \(index)")
      #expect(try trainer.metric("should_stop") == step.3, "validation \(index)")
    }
    #expect(try model.parameters().mapValues(bits) != best.mapValues(bits))
    try trainer.copyParameters("best", into: model)
    #expect(try model.parameters().mapValues(bits) == best.mapValues(bits))
  }

  /// decay·a + (1 − decay)·p from the parameters of the first update on, by the formula in double.
  @Test func averageMovesTowardsTheParameters() throws {
    let fixture = try OptimizerFixture.load()
    let model = try fixture.model()
    let options = #"{"loss": "mse", "optimizer": {"type": "sgd", "learning_rate": 1}, "average": {"decay": 0.75}}"#
    let trainer = try TestTrainer(model, optionsText: options)
    let batch = try fixture.batch(model)
    let other = try fixture.model()
    let name = "body.weight_ih_l0"
    var expected: [Double] = []
    for _ in 0..<20 {
      try trainer.update(batch)
      let values = doubles(try model.parameter(name))
      expected = expected.isEmpty ? values : zip(expected, values).map { 0.75 * $0 + 0.25 * $1 }
      try trainer.copyParameters("average", into: other)
      // Each step rounds to float32, 6e-8, and earlier errors shrink by 3/4: in all below 4 · 2 · 6e-8.
      #expect(normwiseDifference(doubles(try other.parameter(name)), expected) < 5e-7)
    }
  }
}
