import RillTestSupport
import Testing

@Suite struct TrainingTests {
  /// Twenty updates against PyTorch in float64. Tests/Reference refuses runs in which float32 itself drifts by more than 3e-6.
  @Test(arguments: try TrainingRun.all())
  func trajectoryFollowsPyTorch(_ argument: TrainingRun) throws {
    let fixture = argument.fixture
    var options = argument.run.options
    options.loss = LossOptions(fixture.loss)
    options.reduction = fixture.reduction
    let model = try TestModel(fixture.configuration, fixture.parameters.values)
    let trainer = try TestTrainer(model, options)
    let batch = try TestBatch(model, fixture.data, fixture.objective)
    for (index, expected) in argument.run.losses.enumerated() {
      let loss = try trainer.update(batch)
      #expect(relativeDifference(loss, expected) < 1e-5, "update \(index)")
    }
    for (name, expected) in argument.run.final {
      let values = doubles(try model.parameter(name))
      #expect(normwiseDifference(values, expected) < 1e-5, "\(name)")
    }
    #expect(try trainer.metric("update_count") == Double(argument.run.losses.count))
  }

  /// What the trainer tells about an update is what PyTorch has before clipping.
  @Test(arguments: try TrainingFixture.all())
  func metricsOfAnUpdateArePyTorchs(_ fixture: TrainingFixture) throws {
    let model = try TestModel(fixture.configuration, fixture.parameters.values)
    var options = TrainerOptions(fixture.objective, .init("sgd", learningRate: 0.1))
    options.clipNorm = 0.001
    options.clipValue = 0.0001
    let trainer = try TestTrainer(model, options)
    let loss = try trainer.update(TestBatch(model, fixture.data, fixture.objective))
    #expect(try trainer.metric("update_loss") == loss)
    let gradientNorm = try trainer.metric("gradient_norm")
    #expect(relativeDifference(gradientNorm, norm(fixture.gradient.values.flatMap(\.self))) < 1e-5)
    expectGradient(try trainer.gradients(), fixture.gradient)
  }

  /// Unequal batches average by their steps; the reduction of updates does not matter.
  @Test(arguments: Objective.Loss.allCases, [Objective.Reduction.mean, .sum])
  func evaluationAveragesOverAllSteps(_ loss: Objective.Loss, _ reduction: Objective.Reduction) throws {
    let base = NetworkCase("evaluation", Architecture(vector: 3, [.gru(5), .dense(4)])).measured(loss, reduction)
    let batches = [base.sized(steps: 4, batch: 3, lengths: [2, 4, 1]), base.sized(steps: 9, batch: 2), base.sized(steps: 1, batch: 1)]
    let model = try base.model()
    let trainer = try TestTrainer(probing: model, base.objective)
    for _ in 0..<2 {
      var sum = 0.0
      var weight = 0.0
      var steps = 0.0
      for batch in batches {
        try trainer.evaluate(TestBatch(model, batch.data, batch.objective))
        let terms = base.reference.terms(of: batch.data, batch.objective)
        sum += terms.sum
        weight += terms.weight
        steps += Double(batch.data.stepCount)
      }
      let mean = try trainer.metric("loss")
      #expect(relativeDifference(mean, sum / weight) < 1e-6)
      #expect(try trainer.metric("step_count") == steps)
      try trainer.resetMetrics()
    }
  }

  @Test func accuracyCountsTheLargestOutput() throws {
    let testCase = NetworkCase("accuracy", Architecture(vector: 3, [.gru(5), .dense(3, "softmax")])).measured(.crossEntropy)
      .sized(steps: 9, batch: 5, lengths: [9, 3, 7, 1, 8])
    let data = testCase.data
    let outputs = testCase.reference.outputs(for: data)
    var right = 0.0
    for t in 0..<data.sequenceLength {
      for b in 0..<data.batchSize where t < data.length(of: b) {
        let row = t * data.batchSize + b
        right += argmax(outputs[row * 3..<row * 3 + 3]) == Int(testCase.objective.classes[row]) ? 1 : 0
      }
    }
    let model = try testCase.model()
    let trainer = try TestTrainer(probing: model, testCase.objective)
    try trainer.evaluate(TestBatch(model, data, testCase.objective))
    #expect(try trainer.metric("accuracy") == right / Double(data.stepCount))
  }

  @Test(arguments: ["linear", "sigmoid"])
  func accuracyOfElementsIsTheirSideOfAHalf(_ head: String) throws {
    let testCase = NetworkCase("accuracy", Architecture(vector: 3, [.lstm(5), .dense(3, head)])).measured(.bce)
      .sized(steps: 9, batch: 5, lengths: [9, 3, 7, 1, 8])
    let data = testCase.data
    let outputs = testCase.reference.outputs(for: data)
    let boundary = head == "linear" ? 0 : 0.5  // of a pre-activation and of its sigmoid
    var right = 0.0
    for index in outputs.indices where index / 3 / data.batchSize < data.length(of: index / 3 % data.batchSize) {
      right += (outputs[index] > boundary) == (testCase.objective.targets[index] > 0.5) ? 1 : 0
    }
    let model = try testCase.model()
    let trainer = try TestTrainer(probing: model, testCase.objective)
    try trainer.evaluate(TestBatch(model, data, testCase.objective))
    #expect(try trainer.metric("accuracy") == right / Double(data.stepCount * 3))
  }
}

/// Position of the largest element.
func argmax<Values: Collection>(_ values: Values) -> Int where Values.Element: Comparable {
  Array(values).indices.max { Array(values)[$0] < Array(values)[$1] }!
}
