import RillTestSupport
import Testing

/// The shipped float32 gradient against central differences of the double-precision reference.
@Suite struct GradientTests {
  @Test(arguments: NetworkCase.all)
  func gradientMatchesCentralDifferences(_ testCase: NetworkCase) throws {
    let model = try testCase.model()
    let trainer = try TestTrainer(probing: model, testCase.objective)
    let loss = try trainer.update(TestBatch(model, testCase.data, testCase.objective))
    #expect(relativeDifference(loss, testCase.reference.loss(of: testCase.data, testCase.objective)) < 1e-6)
    expectGradient(try trainer.gradients(), testCase.reference.gradient(of: testCase.data, testCase.objective))
    for (name, values) in testCase.parameters {
      #expect(bits(try model.parameter(name)) == bits(values), "\(name): changed at a learning rate of 0")
    }
  }

  @Test(arguments: try TrainingFixture.all())
  func gradientMatchesPyTorch(_ fixture: TrainingFixture) throws {
    let model = try TestModel(fixture.configuration, fixture.parameters.values)
    let trainer = try TestTrainer(probing: model, fixture.objective)
    try trainer.update(TestBatch(model, fixture.data, fixture.objective))
    expectGradient(try trainer.gradients(), fixture.gradient)
  }

  /// Whatever room a larger batch before it left behind, a batch gives the bits that it gives to a new trainer.
  @Test(arguments: StreamTests.cases)
  func earlierBatchesLeaveNoTrace(_ testCase: NetworkCase) throws {
    let shapes: [(steps: Int, batch: Int, lengths: [Int32]?)] = [
      (6, 5, nil), (3, 2, [1, 3]), (1, 1, nil), (4, 3, [4, 2, 2]), (6, 5, nil),
    ]
    let model = try testCase.model()
    let trainer = try TestTrainer(probing: model, testCase.objective)
    for shape in shapes {
      let sized = testCase.sized(steps: shape.steps, batch: shape.batch, lengths: shape.lengths)
      let batch = try TestBatch(model, sized.data, sized.objective)
      let fresh = try TestTrainer(probing: model, testCase.objective)
      #expect(try trainer.update(batch) == fresh.update(batch))
      #expect(try trainer.gradients().mapValues(bits) == fresh.gradients().mapValues(bits))
    }
  }

  /// The gradient of the mean over a batch is the mean of the sequences' own gradients, weighted by what each counts; of a sum, their sum.
  /// Only the order of float32 sums differs.
  @Test(arguments: NetworkCase.all.filter { $0.lengths != nil })
  func gradientOfABatchCombinesThoseOfItsSequences(_ testCase: NetworkCase) throws {
    let data = testCase.data
    let objective = testCase.objective
    let model = try testCase.model()
    let trainer = try TestTrainer(probing: model, objective)
    let loss = try trainer.update(TestBatch(model, data, objective))
    let together = try trainer.gradients()

    var combinedLoss = 0.0
    var combined = together.mapValues { [Double](repeating: 0, count: $0.count) }
    let isPerSequence = testCase.architecture.isPerSequence
    let whole = testCase.reference.terms(of: data, objective).weight
    for b in 0..<data.batchSize {
      let own = objective.single(b, of: data, isPerSequence: isPerSequence)
      let counted = testCase.reference.terms(of: data.single(b), own).weight
      if counted == 0 { continue }
      let weight = objective.reduction == .sum ? 1 : counted / whole
      let alone = try TestTrainer(probing: model, objective)
      combinedLoss += weight * (try alone.update(TestBatch(model, data.single(b), own)))
      for (name, gradient) in try alone.gradients() {
        for index in gradient.indices { combined[name]![index] += weight * Double(gradient[index]) }
      }
    }
    #expect(relativeDifference(loss, combinedLoss) < 1e-6)
    expectGradient(together, combined)
  }
}

/// Every tensor within 1e-5 by norm. A tensor whose gradient is a tiny part of the whole is the small difference of larger terms, each rounded at
/// 6e-8 of its size: there the scale is a tenth of what the tensor would have if the whole gradient were spread evenly.
func expectGradient(_ actual: [String: [Float]], _ expected: [String: [Double]], sourceLocation: SourceLocation = #_sourceLocation) {
  #expect(Set(actual.keys) == Set(expected.keys), sourceLocation: sourceLocation)
  let whole = expected.values.flatMap(\.self)
  let evenElement = norm(whole) / Double(whole.count).squareRoot()
  for (name, gradient) in expected {
    let floor = 0.1 * evenElement * Double(gradient.count).squareRoot()
    let difference = normwiseDifference(doubles(actual[name] ?? []), gradient, floor: floor)
    #expect(difference < 1e-5, "\(name)", sourceLocation: sourceLocation)
  }
}

extension Objective {
  /// What one sequence of a batch is compared with.
  func single(_ sequence: Int, of data: SequenceData, isPerSequence: Bool) -> Objective {
    var rows = data
    if isPerSequence { rows.sequenceLength = 1 }
    let steps = isPerSequence ? 1 : data.length(of: sequence)
    var result = self
    result.targets = rows.part(of: targets, sequence: sequence, steps: steps)
    result.classes = rows.part(of: classes, sequence: sequence, steps: steps)
    result.weights = weights.map { rows.part(of: $0, sequence: sequence, steps: steps) }
    return result
  }
}
