import RillTestSupport
import Testing

/// Rates that PyTorch's schedulers give.
struct ScheduleFixture: Decodable, Sendable, CustomTestStringConvertible {
  let options: String
  let learningRate: Double
  /// Of a plateau: validation losses.
  let losses: [Double]?
  /// Before each update; of a plateau, after each loss.
  let rates: [Double]

  var testDescription: String { options }
}

@Suite struct ScheduleTests {
  private func trainer(_ model: TestModel, _ schedule: String, _ rate: Double) throws -> TestTrainer {
    let trainer = try TestTrainer(model, optionsText: #"{"loss": "mse", "optimizer": {"type": "sgd"}, "schedule": \#(schedule)}"#)
    try trainer.setLearningRate(rate)
    return trainer
  }

  private var testCase: NetworkCase { NetworkCase("schedule", Architecture(vector: 1, [.dense(1)])).measured(.mse, .mean) }

  /// Both compute in double; PyTorch multiplies step by step what the closed form raises to a power, and rounds each of 40 times: below 1e-14. Half a
  /// cosine near its end is a difference, of a rate of 0.25 here: 1e-15 absolute.
  @Test(arguments: try Fixture<ScheduleFixture>.load("schedules"))
  func ratesArePyTorchs(_ fixture: ScheduleFixture) throws {
    let model = try testCase.model()
    let trainer = try trainer(model, fixture.options, fixture.learningRate)
    let batch = try TestBatch(model, testCase.data, testCase.objective)
    for (index, expected) in fixture.rates.enumerated() {
      let rate = try trainer.metric("learning_rate")
      #expect(abs(rate - expected) <= 1e-13 * expected + 1e-15, "update \(index)")
      try trainer.setLearningRate(0)  // so that nothing diverges
      try trainer.update(batch)
      try trainer.setLearningRate(fixture.learningRate)
    }
    #expect(fixture.rates.count == 40)
  }

  @Test(arguments: try Fixture<ScheduleFixture>.load("plateaus"))
  func plateauIsPyTorchs(_ fixture: ScheduleFixture) throws {
    let model = try testCase.model()
    let trainer = try trainer(model, fixture.options, fixture.learningRate)
    for (loss, expected) in zip(try #require(fixture.losses), fixture.rates) {
      try trainer.setValidationLoss(loss)
      let rate = try trainer.metric("learning_rate")
      #expect(abs(rate - expected) <= 1e-13 * expected)
    }
  }

  /// The schedule begins after the warmup: a loss before that is none of its business.
  @Test func plateauSeesNoLossOfTheWarmup() throws {
    let model = try testCase.model()
    let trainer = try trainer(model, #"{"type": "plateau", "patience": 0, "warmup": 2}"#, 1)
    let batch = try TestBatch(model, testCase.data, testCase.objective)
    for _ in 0..<5 { try trainer.setValidationLoss(1) }
    #expect(try trainer.metric("learning_rate") == 0.5)
    try trainer.setLearningRate(1e-3)
    try trainer.update(batch)
    try trainer.update(batch)
    try trainer.setValidationLoss(2)
    #expect(try trainer.metric("learning_rate") == 1e-3)
    try trainer.setValidationLoss(2)
    #expect(relativeDifference(try trainer.metric("learning_rate"), 1e-4) < 1e-15)
  }

  /// Updates that fail do not count.
  @Test func divergedUpdatesDoNotMoveTheSchedule() throws {
    let model = try testCase.model()
    let trainer = try trainer(model, #"{"type": "exponential", "gamma": 0.5}"#, 1e-3)
    let batch = try TestBatch(model, testCase.data, testCase.objective)
    try trainer.update(batch)
    #expect(try trainer.metric("learning_rate") == 0.5e-3)
    try model.setParameter("0.bias", [Float.greatestFiniteMagnitude])
    #expect(throws: RillFailure.self) { try trainer.update(batch) }
    #expect(try trainer.metric("learning_rate") == 0.5e-3)
  }
}
