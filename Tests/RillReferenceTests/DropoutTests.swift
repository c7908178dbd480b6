import Foundation
import RillTestSupport
import Testing

@Suite struct DropoutTests {
  /// Dropout in both places where it can stand: a layer of its own, and between stacked cells.
  private static let stacked = NetworkCase(
    "stacked", Architecture(vector: 3, [.dense(6), .dropout(0.3), .lstm(8).with(\.numLayers, 3).with(\.dropout, 0.5), .dense(2)])
  ).sized(steps: 6, batch: 4, lengths: [6, 2, 5, 1])

  private func train(updates: Int, seed: UInt64) throws -> [String: [UInt32]] {
    let testCase = Self.stacked
    let model = try testCase.model()
    let trainer = try TestTrainer(model, TrainerOptions(testCase.objective, .init("adam", learningRate: 0.01)), seed: seed)
    let batch = try TestBatch(model, testCase.data, testCase.objective)
    for _ in 0..<updates { try trainer.update(batch) }
    return try model.parameters().mapValues(bits)
  }

  @Test func trainingDependsOnTheSeedAlone() throws {
    let first = try train(updates: 5, seed: 1)
    #expect(try train(updates: 5, seed: 1) == first)
    #expect(try train(updates: 5, seed: 2) != first)
  }

  @Test func evaluationAndRunningDropNothing() throws {
    let testCase = Self.stacked
    let model = try testCase.model()
    let expected = testCase.reference.loss(of: testCase.data, testCase.objective)
    let trainer = try TestTrainer(probing: model, testCase.objective)
    let batch = try TestBatch(model, testCase.data, testCase.objective)
    #expect(relativeDifference(try trainer.update(batch), expected) > 1e-3)
    try trainer.evaluate(batch)
    #expect(relativeDifference(try trainer.metric("loss"), expected) < 1e-6)
    let outputs = try model.run(testCase.data, perSequence: false)
    #expect(scaledDifference(doubles(outputs), testCase.reference.outputs(for: testCase.data)) < 1e-6)
  }

  /// Between cells means that the last one's output is whole, and that a single cell has none.
  @Test(arguments: cells.indices)
  func aSingleCellIsNotThinnedOut(_ index: Int) throws {
    let testCase = NetworkCase("single", Architecture(vector: 3, [cells[index].layer(5).with(\.dropout, 0.9)]))
    let model = try testCase.model()
    let trainer = try TestTrainer(probing: model, testCase.objective)
    let loss = try trainer.update(TestBatch(model, testCase.data, testCase.objective))
    #expect(relativeDifference(loss, testCase.reference.loss(of: testCase.data, testCase.objective)) < 1e-6)
  }

  /// With one seed the first update of every trainer draws the same mask, so the loss is a fixed function of the parameters, and its
  /// slope along the gradient is the gradient's norm. The step of 0.01 leaves a truncation near 1e-4 of the slope and a float32 noise
  /// near 1e-5 of it.
  @Test(arguments: cells.indices)
  func gradientIsThatOfTheThinnedNetwork(_ index: Int) throws {
    let layer = cells[index].layer(8).with(\.numLayers, 3).with(\.dropout, 0.4)
    let testCase = NetworkCase("thinned", Architecture(vector: 3, [.dense(6), .dropout(0.3), layer, .dropout(0.2), .dense(2)]))
      .sized(steps: 5, batch: 4, lengths: [5, 2, 4, 1])
    func probe(_ parameters: [String: [Float]]) throws -> (loss: Double, gradient: [String: [Float]]) {
      let model = try TestModel(testCase.architecture, parameters)
      let trainer = try TestTrainer(probing: model, testCase.objective, seed: 5)
      let loss = try trainer.update(TestBatch(model, testCase.data, testCase.objective))
      return (loss, try trainer.gradients())
    }
    let gradient = try probe(testCase.parameters).gradient
    let length = norm(doubles(gradient.values.flatMap(\.self)))
    func moved(_ distance: Double) -> [String: [Float]] {
      var result = testCase.parameters
      for (name, values) in gradient {
        for i in values.indices { result[name]![i] += Float(distance / length) * values[i] }
      }
      return result
    }
    let slope = (try probe(moved(0.01)).loss - probe(moved(-0.01)).loss) / 0.02
    #expect(relativeDifference(slope, length) < 1e-3)
  }

  // MARK: the mask itself

  /// The mask of one update, [time][batch][units], read from a gradient. Every step has a token of its own, one-hot into a linear layer
  /// of ones, and the thinned output m is compared with 0: the loss is the sum of m^2, and its gradient by the step's own weights 2 m^2.
  private func mask(p: Double, steps: Int, batch: Int, units: Int, seed: UInt64, update: Int = 1) throws -> [Double] {
    let tokens = steps * batch
    let architecture = Architecture(tokens: tokens, [.dense(units, bias: false), .dropout(p)])
    let model = try TestModel(architecture, ["0.weight": Array(repeating: 1, count: units * tokens)])
    var data = SequenceData(sequenceLength: steps, batchSize: batch)
    data.tokens = (0..<Int32(tokens)).map(\.self)
    var objective = Objective(.mse, .sum)
    objective.targets = Array(repeating: 0, count: tokens * units)
    let trainer = try TestTrainer(probing: model, objective, seed: seed)
    let filled = try TestBatch(model, data, objective)
    var loss = 0.0
    for _ in 0..<update { loss = try trainer.update(filled) }
    let gradient = doubles(try trainer.gradient("0.weight"))
    let mask = (0..<tokens).flatMap { token in (0..<units).map { (gradient[$0 * tokens + token] / 2).squareRoot() } }
    #expect(relativeDifference(loss, mask.reduce(0) { $0 + $1 * $1 }) < 1e-6)
    return mask
  }

  /// A value is either dropped or scaled by 1/(1 - p), and 1 - p of n are kept, so that the expectation is preserved: within five
  /// standard deviations of the binomial, sqrt(n p (1 - p)), which chance leaves once in 1.7 million seeds. (The seed is fixed.)
  @Test(arguments: [0.1, 0.5, 0.8])
  func maskPreservesTheExpectation(_ p: Double) throws {
    let mask = try self.mask(p: p, steps: 20, batch: 10, units: 17, seed: 1)
    #expect(mask.allSatisfy { $0 == 0 || abs($0 - 1 / (1 - p)) < 1e-6 / (1 - p) })
    let n = Double(mask.count)
    let kept = Double(mask.count { $0 > 0 })
    #expect(abs(kept - (1 - p) * n) < 5 * (n * p * (1 - p)).squareRoot())
  }

  /// Neighbors in time, batch and units agree as often as independent halves do: half of n pairs, within five deviations of
  /// sqrt(n)/2. So do the masks of two updates and of two seeds.
  @Test func maskIsIndependentEverywhere() throws {
    let (steps, batch, units) = (20, 10, 17)
    func draw(seed: UInt64, update: Int = 1) throws -> [Bool] {
      try self.mask(p: 0.5, steps: steps, batch: batch, units: units, seed: seed, update: update).map { $0 > 0 }
    }
    let mask = try draw(seed: 1)
    func expectIndependent(_ pairs: [(Bool, Bool)], _ what: String) {
      let n = Double(pairs.count)
      #expect(abs(Double(pairs.count { $0.0 == $0.1 }) - n / 2) < 5 * n.squareRoot() / 2, "\(what)")
    }
    func neighbors(_ distance: Int, where isInside: (Int) -> Bool) -> [(Bool, Bool)] {
      mask.indices.filter { $0 + distance < mask.count && isInside($0) }.map { (mask[$0], mask[$0 + distance]) }
    }
    expectIndependent(neighbors(batch * units) { _ in true }, "time")
    expectIndependent(neighbors(units) { $0 / units % batch < batch - 1 }, "batch")
    expectIndependent(neighbors(1) { $0 % units < units - 1 }, "units")
    expectIndependent(Array(zip(mask, try draw(seed: 1, update: 2))), "updates")
    expectIndependent(Array(zip(mask, try draw(seed: 2))), "seeds")
    #expect(try draw(seed: 1) == mask)
  }
}
