import Foundation
import RillTestSupport
import Testing

/// Losses with their options and weights, and the metrics of evaluations. Gradients of more shapes and sizes: GradientTests.
@Suite struct LossTests {
  /// One loss is a chain of few float32 roundings: 1e-6. Gradients as everywhere: 1e-5 by norm.
  @Test(arguments: try LossFixture.all())
  func valueAndGradientArePyTorchs(_ fixture: LossFixture) throws {
    let model = try TestModel(fixture.configuration, fixture.parameters.values)
    let trainer = try TestTrainer(probing: model, fixture.objective)
    let value = try trainer.update(TestBatch(model, fixture.data, fixture.objective))
    #expect(relativeDifference(value, fixture.value) < 1e-6)
    #expect(try trainer.metric("update_loss") == value)
    expectGradient(try trainer.gradients(), fixture.gradient)
    #expect(relativeDifference(try trainer.metric("gradient_norm"), norm(fixture.gradient.values.flatMap(\.self))) < 1e-5)
  }

  /// Counts are exact. What is computed from float32 outputs is within 1e-6 of its size, r2 of 1 plus its size.
  @Test(arguments: try LossFixture.all())
  func metricsAreThoseOfTheStepsThatCount(_ fixture: LossFixture) throws {
    let model = try TestModel(fixture.configuration, fixture.parameters.values)
    let trainer = try TestTrainer(probing: model, fixture.objective)
    try trainer.evaluate(TestBatch(model, fixture.data, fixture.objective))
    for (name, expected) in fixture.metrics {
      let value = try trainer.metric(name)
      let isCounted = ["accuracy", "macro_f1", "step_count"].contains(name)
      #expect(abs(value - expected) <= (isCounted ? 1e-15 : 1e-6) * (1 + abs(expected)), "\(name)")
    }
    for name in ["accuracy", "macro_f1", "perplexity", "mse", "mae", "r2"] where fixture.metrics[name] == nil {
      #expect(throws: RillFailure.self, "\(name)") { try trainer.metric(name) }
    }
  }

  /// The same steps in one batch or in several give the same metrics, but for the last bits of sums.
  @Test(arguments: try LossFixture.all().filter { $0.loss.type != "esr" })
  func metricsOfBatchesAreThoseOfAllTheirSteps(_ fixture: LossFixture) throws {
    let model = try TestModel(fixture.configuration, fixture.parameters.values)
    let trainer = try TestTrainer(probing: model, fixture.objective)
    try trainer.evaluate(TestBatch(model, fixture.data, fixture.objective))
    let together = try fixture.metrics.keys.map { ($0, try trainer.metric($0)) }
    try trainer.resetMetrics()
    #expect(throws: RillFailure.self) { try trainer.metric("loss") }
    let isPerSequence = fixture.configuration.isPerSequence
    for b in 0..<fixture.batchSize {
      let own = fixture.objective.single(b, of: fixture.data, isPerSequence: isPerSequence)
      if own.countsNothing { continue }
      try trainer.evaluate(TestBatch(model, fixture.data.single(b), own))
    }
    for (name, expected) in together {
      let value = try trainer.metric(name)
      #expect(abs(value - expected) <= 1e-12 * (1 + abs(expected)), "\(name)")
    }
  }

  /// Weights of 1 and class weights of 1 are the same bits as none; weights of 0 are the same bits as padding.
  @Test(arguments: [Objective.Loss.mse, .mae, .huber, .crossEntropy, .bce], [Objective.Reduction.mean, .sum])
  func weightsOfOneAndZeroAreExact(_ loss: Objective.Loss, _ reduction: Objective.Reduction) throws {
    let testCase = NetworkCase("weights", Architecture(vector: 3, [.gru(5), .dense(4)])).measured(loss, reduction)
    let model = try testCase.model()
    func result(_ lengths: [Int32]?, _ weights: [Float]?, _ change: (inout LossOptions) -> Void = { _ in }) throws -> [UInt64] {
      var (data, objective) = (testCase.data, testCase.objective)
      data.lengths = lengths
      objective.weights = weights
      change(&objective.options)
      let trainer = try TestTrainer(probing: model, objective)
      let value = try trainer.update(TestBatch(model, data, objective))
      let gradients = try trainer.gradients().sorted { $0.key < $1.key }.flatMap { bits($0.value) }
      return [value.bitPattern] + gradients.map { UInt64($0) }
    }
    let full = try result(nil, nil)
    #expect(try result(nil, Array(repeating: 1, count: 12)) == full)
    #expect(
      try result(nil, nil) {
        if loss == .crossEntropy { $0.classWeights = [1, 1, 1, 1] }
        if loss == .bce { $0.positiveWeights = [1, 1, 1, 1] }
      } == full)
    let lengths: [Int32] = [2, 4, 1]
    let valid = (0..<12).map { Float($0 / 3 < lengths[$0 % 3] ? 1 : 0) }
    #expect(try result(lengths, nil) == result(nil, valid))
    #expect(try result(nil, valid) != full)
  }

  /// r2 needs targets that change; an output that never is 1, nor taken for it, has no F1.
  @Test func metricsThatAreUndefinedSaySo() throws {
    let testCase = NetworkCase("constant", Architecture(vector: 3, [.gru(5), .dense(2)])).measured(.mse)
    let model = try testCase.model()
    var objective = testCase.objective
    objective.targets = objective.targets.indices.map { $0 % 2 == 0 ? objective.targets[$0] : 0.1 }
    let trainer = try TestTrainer(probing: model, objective)
    try trainer.evaluate(TestBatch(model, testCase.data, objective))
    #expect(throws: RillFailure.self) { try trainer.metric("r2") }
    #expect(try trainer.metric("mse") > 0)

    let binary = NetworkCase("negative", Architecture(vector: 3, [.dense(1, bias: false)])).measured(.bce)
    let negative = try TestModel(binary.architecture, ["0.weight": [-1, -1, -1]])
    var data = binary.data
    var none = binary.objective
    data.inputs = data.inputs.map(abs)
    none.targets = none.targets.map { _ in 0 }
    let other = try TestTrainer(probing: negative, none)
    try other.evaluate(TestBatch(negative, data, none))
    #expect(try other.metric("accuracy") == 1)
    #expect(throws: RillFailure.self) { try other.metric("macro_f1") }
  }
}

extension Objective {
  /// Whether no step has a class and a weight.
  fileprivate var countsNothing: Bool {
    let rows = max(classes.count, weights?.count ?? 0)
    return rows > 0 && (0..<rows).allSatisfy { weights?[$0] == 0 || (loss == .crossEntropy && classes[$0] < 0) }
  }
}
