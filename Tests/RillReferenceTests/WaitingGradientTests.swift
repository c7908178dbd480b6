import CRill
import RillTestSupport
import Testing

/// Gradients of several batches together: by "accumulate", by waiting gradients, and as arrays that machines exchange.
@Suite struct WaitingGradientTests {
  /// A case in three batches of unequal length and size, with a sequence shorter than its batch in each, and the same joined into one.
  private struct Pieces {
    let all: NetworkCase
    let data: SequenceData
    let objective: Objective
    let parts: [(data: SequenceData, objective: Objective)]

    init(_ testCase: NetworkCase) {
      all = testCase.sized(steps: 9, batch: 7, lengths: [4, 1, 3, 9, 5, 2, 2])
      data = all.data
      objective = all.objective
      let isPerSequence = testCase.architecture.isPerSequence
      parts = [([0, 1, 2], 4), ([3, 4], 9), ([5, 6], 2)].map { [all] lanes, steps in
        let (data, objective) = (all.data.selecting(lanes), all.objective)
        func part<Value: BitwiseCopyable>(_ values: [Value]) -> [Value] {
          let selected = values.isEmpty ? [] : values.selecting(lanes, of: 7, rows: isPerSequence ? 1 : 9)
          return isPerSequence ? selected : data.part(of: selected, 0..<steps)
        }
        var own = objective
        own.targets = part(objective.targets)
        own.classes = part(objective.classes)
        own.weights = objective.weights.map { part($0) }
        var cut = data.steps(0..<steps)
        cut.lengths = data.lengths
        return (cut, own)
      }
    }
  }

  static let cases: [NetworkCase] =
    cells.flatMap { name, cell in
      [
        NetworkCase(name, Architecture(vector: 3, [cell(5).with(\.initialState, true), .dense(2)])),
        NetworkCase("\(name), tokens", Architecture(tokens: 7, [.embedding(3), cell(17).with(\.numLayers, 2), .dense(4, "softmax")]))
          .measured(.crossEntropy).with(\.hasWeights, true).with(\.hasUncountedClasses, true),
        NetworkCase("\(name), last step", Architecture(vector: 3, [cell(5).with(\.returnSequences, false), .dense(2)])).measured(.mae),
      ]
    } + [
      NetworkCase("sum", Architecture(vector: 3, [.lstm(5), .dense(2)])).measured(.mse, .sum),
      NetworkCase("ratios", Architecture(vector: 3, [.lstm(5), .dense(2)])).measured(.esr),
    ]

  /// Only the order of float32 sums differs from that of one batch with all sequences.
  @Test(arguments: cases)
  func accumulatedBatchesAreOneBatch(_ testCase: NetworkCase) throws {
    let pieces = Pieces(testCase)
    let options = TrainerOptions(pieces.objective, .init("sgd", learningRate: 0.1), clipNorm: 0.01)
    let (joined, parted) = (try testCase.model(), try testCase.model())
    let one = try TestTrainer(joined, options)
    let three = try TestTrainer(parted, options.with(\.accumulate, 3))
    try one.update(TestBatch(joined, pieces.data, pieces.objective))
    for (number, part) in pieces.parts.enumerated() {
      #expect(try three.metric("update_count") == 0)
      let loss = try three.update(TestBatch(parted, part.data, part.objective))
      let expected = testCase.reference.loss(of: part.data, part.objective)
      #expect(relativeDifference(loss, expected) < 1e-6, "batch \(number)")
    }
    #expect(try three.metric("update_count") == 1)
    #expect(relativeDifference(try three.metric("update_loss"), try one.metric("update_loss")) < 1e-14)
    #expect(relativeDifference(try three.metric("gradient_norm"), try one.metric("gradient_norm")) < 1e-6)
    try expectSame(three.gradients(), one.gradients())
    try expectSame(parted.parameters(), joined.parameters())
  }

  /// Each batch on a machine of its own: the arrays are added, and the update from the sum is that of one batch.
  @Test(arguments: cases)
  func arraysAddUp(_ testCase: NetworkCase) throws {
    let pieces = Pieces(testCase)
    let options = TrainerOptions(pieces.objective, .init("sgd", learningRate: 0.1))
    let joined = try testCase.model()
    let one = try TestTrainer(joined, options)
    try one.evaluateGradients(TestBatch(joined, pieces.data, pieces.objective))
    let whole = doubles(try one.waitingGradients())

    var sum = [Float](repeating: 0, count: whole.count)
    let machines = try pieces.parts.map { part in
      let model = try testCase.model()
      let trainer = try TestTrainer(model, options)
      let loss = try trainer.evaluateGradients(TestBatch(model, part.data, part.objective))
      let values = try trainer.waitingGradients()
      for i in sum.indices { sum[i] += values[i] }
      let divisor = pieces.objective.reduction == .sum ? 1 : Double(values[values.count - 1])
      #expect(relativeDifference(Double(values[values.count - 2]) / divisor, loss) < 1e-6)
      return (model, trainer)
    }
    #expect(normwiseDifference(doubles(Array(sum.dropLast(2))), Array(whole.dropLast(2))) < 1e-6)
    // Two sums of float32 terms, rounded to float32.
    #expect(normwiseDifference(doubles(sum.suffix(2)), Array(whole.suffix(2))) < 1e-6)
    let terms = testCase.reference.terms(of: pieces.data, pieces.objective)
    #expect(normwiseDifference(Array(whole.suffix(2)), [terms.sum, terms.weight]) < 1e-6)

    try one.updateFromGradients()
    for (model, trainer) in machines {
      try trainer.setWaitingGradients(sum)
      #expect(bits(try trainer.waitingGradients()) == bits(sum))
      try trainer.updateFromGradients()
      #expect(try trainer.metric("update_count") == 1)
      try expectSame(model.parameters(), joined.parameters())
    }
    // All machines have the same bits.
    let first = try machines[0].0.parameters().mapValues(bits)
    for (model, _) in machines { #expect(try model.parameters().mapValues(bits) == first) }
  }

  /// One batch in two halves of an update is that update.
  @Test(arguments: cases)
  func anUpdateInTwoHalvesHasTheSameBits(_ testCase: NetworkCase) throws {
    let sized = testCase.sized(steps: 5, batch: 3)
    let options = TrainerOptions(sized.objective, .init("adam", learningRate: 0.01), clipNorm: 0.1)
    let (first, second) = (try testCase.model(), try testCase.model())
    let (whole, halves) = (try TestTrainer(first, options), try TestTrainer(second, options))
    let batch = try TestBatch(first, sized.data, sized.objective)
    for _ in 0..<3 {
      let loss = try whole.update(batch)
      #expect(try halves.evaluateGradients(batch) == loss)
      #expect(try halves.gradients().mapValues(bits) == whole.gradients().mapValues(bits))
      try halves.updateFromGradients()
      #expect(try halves.metric("update_loss") == loss)
    }
    #expect(try first.parameters().mapValues(bits) == second.parameters().mapValues(bits))
  }

  /// The array has the parameters in the model's order, and is the gradient of the sum of all terms.
  @Test func theArrayHasTheOrderOfTheParameters() throws {
    let testCase = NetworkCase("order", Architecture(vector: 3, [.gru(17).with(\.initialState, true), .dense(2)])).sized(steps: 5, batch: 3)
    let model = try testCase.model()
    let trainer = try TestTrainer(model, TrainerOptions(testCase.objective))
    try trainer.evaluateGradients(TestBatch(model, testCase.data, testCase.objective))
    let values = try trainer.waitingGradients()
    let divisor = Double(values[values.count - 1])
    #expect(divisor == 5 * 3 * 2)
    var place = 0
    for name in try model.parameterNames() {
      let gradient = doubles(try trainer.gradient(name))
      #expect(normwiseDifference(doubles(Array(values[place..<place + gradient.count])), gradient.map { $0 * divisor }) < 1e-7, "\(name)")
      place += gradient.count
    }
    #expect(place + 2 == values.count)
  }

  // MARK: what waits and what does not

  private func failure(_ status: Int32, _ word: String, _ call: () throws -> Void, _ place: SourceLocation = #_sourceLocation) {
    let failure = #expect(throws: RillFailure.self, sourceLocation: place, performing: call)
    #expect(failure?.status == status, sourceLocation: place)
    #expect(failure?.message.contains(word) == true, "\(failure?.message ?? "")", sourceLocation: place)
  }

  @Test func nothingWaitsAtFirstAndAfterAnUpdate() throws {
    let testCase = NetworkCase("waiting", Architecture(vector: 3, [.gru(5), .dense(2)]))
    let model = try testCase.model()
    let batch = try TestBatch(model, testCase.data, testCase.objective)
    let trainer = try TestTrainer(model, TrainerOptions(testCase.objective))
    func expectNothing() {
      failure(Int32(RILL_ERROR_STATE), "wait") { _ = try trainer.waitingGradients() }
      failure(Int32(RILL_ERROR_STATE), "wait") { try trainer.updateFromGradients() }
    }
    expectNothing()
    try trainer.evaluateGradients(batch)
    try trainer.updateFromGradients()
    expectNothing()
    try trainer.update(batch)
    expectNothing()
    _ = try trainer.gradients()  // of the last update, to be read

    let truncated = try TestTrainer(model, TrainerOptions(testCase.objective).with(\.truncation, .init(2)))
    failure(Int32(RILL_ERROR_STATE), "truncation") { try truncated.evaluateGradients(batch) }
  }

  /// An update joins in with what waits already, however much that is.
  @Test func updatesAndWaitingGradientsMix() throws {
    let testCase = NetworkCase("mixed", Architecture(vector: 3, [.gru(5), .dense(2)]))
    let model = try testCase.model()
    let batch = try TestBatch(model, testCase.data, testCase.objective)
    let trainer = try TestTrainer(model, TrainerOptions(testCase.objective).with(\.accumulate, 2))
    for _ in 0..<3 { try trainer.evaluateGradients(batch) }
    #expect(try trainer.metric("update_count") == 0)
    let waiting = try trainer.waitingGradients()
    try trainer.update(batch)
    #expect(try trainer.metric("update_count") == 1)
    try trainer.setWaitingGradients(waiting)
    try trainer.update(batch)
    #expect(try trainer.metric("update_count") == 2)
  }

  /// A batch that counts nowhere is refused, and what waits stays.
  @Test(arguments: [true, false])
  func aBatchWithoutWeightChangesNothing(_ hasSteps: Bool) throws {
    var testCase = NetworkCase("weights", Architecture(vector: 3, [.gru(5), .dense(3)])).measured(.crossEntropy)
    testCase.lossOptions.classWeights = [1, 2, 0]
    let model = try testCase.model()
    let batch = try TestBatch(model, testCase.data, testCase.objective)
    var objective = testCase.objective
    objective.classes = objective.classes.map { _ in hasSteps ? 2 : -1 }
    let weightless = try TestBatch(model, testCase.data, objective)
    let trainer = try TestTrainer(model, TrainerOptions(testCase.objective).with(\.accumulate, 2))
    try trainer.update(batch)
    let waiting = bits(try trainer.waitingGradients())
    failure(Int32(RILL_ERROR_ARGUMENT), "batch") { try trainer.update(weightless) }
    failure(Int32(RILL_ERROR_ARGUMENT), "batch") { try trainer.evaluateGradients(weightless) }
    #expect(bits(try trainer.waitingGradients()) == waiting)
    #expect(try trainer.metric("update_count") == 0)
    try trainer.update(batch)
    #expect(try trainer.metric("update_count") == 1)
  }

  /// A window without weight is passed over: the others learn.
  @Test(arguments: [true, false])
  func aWindowWithoutWeightIsPassedOver(_ hasSteps: Bool) throws {
    var testCase = NetworkCase("windows", Architecture(vector: 3, [.gru(5), .dense(3)])).measured(.crossEntropy).sized(steps: 6, batch: 2)
    testCase.lossOptions.classWeights = [1, 2, 0]
    let model = try testCase.model()
    var objective = testCase.objective
    for row in 4..<8 { objective.classes[row] = hasSteps ? 2 : -1 }
    for row in [0, 1, 2, 3, 8, 9, 10, 11] { objective.classes[row] = Int32(row % 2) }
    let trainer = try TestTrainer(model, TrainerOptions(testCase.objective).with(\.truncation, .init(2, 4)))
    try trainer.update(TestBatch(model, testCase.data, objective))
    #expect(try trainer.metric("update_count") == 2)
  }

  /// Batches that wait for the same update draw masks of their own.
  @Test func waitingBatchesDrawTheirOwnMasks() throws {
    let testCase = NetworkCase("dropout", Architecture(vector: 3, [.gru(20), .dropout(0.5), .dense(2)])).sized(steps: 6, batch: 4)
    let model = try testCase.model()
    let batch = try TestBatch(model, testCase.data, testCase.objective)
    func losses() throws -> [Double] {
      let trainer = try TestTrainer(model, TrainerOptions(testCase.objective, .init("sgd", learningRate: 0)).with(\.accumulate, 3))
      return try (0..<6).map { _ in try trainer.update(batch) }
    }
    let first = try losses()
    #expect(Set(first).count == 6)
    #expect(try losses() == first)
  }

  // MARK: helpers

  private func expectSame(_ actual: [String: [Float]], _ expected: [String: [Float]], _ place: SourceLocation = #_sourceLocation) {
    let names = expected.keys.sorted()
    let (values, others) = (names.flatMap { actual[$0] ?? [] }, names.flatMap { expected[$0]! })
    #expect(normwiseDifference(doubles(values), doubles(others)) < 1e-6, sourceLocation: place)
  }
}
