import RillTestSupport
import Testing

/// States that go from batch to batch, to streams and back.
@Suite struct CarriedStateTests {
  /// Every cell, alone and stacked, with initial states, and every kind of input.
  static let cases: [NetworkCase] =
    cells.flatMap { name, cell in
      [
        NetworkCase("\(name)", Architecture(vector: 3, [cell(5).with(\.initialState, true), .dense(2)])),
        NetworkCase(
          "\(name), stacked", Architecture(tokens: 7, [.embedding(3), cell(17).with(\.numLayers, 2), .dense(4, "tanh"), cell(4)])),
      ]
    } + [NetworkCase("all", Architecture(vector: 2, [.lstm(6), .dense(5), .gru(20).with(\.initialState, true), .rnn(3), .dense(2)]))]

  /// Of a model with one output per sequence.
  static let perSequence = NetworkCase("last step", Architecture(vector: 3, [.gru(7), .lstm(5).with(\.returnSequences, false), .dense(2)]))

  // MARK: from batch to batch

  /// Only where a batch ends differs: the bits are the same.
  @Test(arguments: cases)
  func carriedBatchesAreOneLongSequence(_ testCase: NetworkCase) throws {
    let (piece, count) = (6, 4)
    let whole = testCase.sized(steps: piece * count, batch: 3)
    let options = TrainerOptions(whole.objective, .init("adam", learningRate: 0.01), clipNorm: 1)
    let (truncated, carried) = (try whole.model(), try whole.model())
    let first = try TestTrainer(truncated, options.with(\.truncation, .init(piece)))
    let second = try TestTrainer(carried, options.with(\.stateful, true))
    let loss = try first.update(TestBatch(truncated, whole.data, whole.objective))
    var losses = 0.0
    for number in 0..<count {
      let range = number * piece..<(number + 1) * piece
      losses += try second.update(TestBatch(carried, whole.data.steps(range), whole.objective.steps(range, of: whole.data)))
    }
    // Windows of equal size: only the sums of doubles are ordered otherwise.
    #expect(relativeDifference(losses / Double(count), loss) < 1e-14)
    #expect(try carried.parameters().mapValues(bits) == truncated.parameters().mapValues(bits))
    #expect(try state(second, carried, 3) == state(first, truncated, 3))
  }

  /// What was carried is gone after a reset, of all lanes at once or one by one, and for a batch of another size.
  @Test(arguments: cases + [perSequence])
  func aResetBeginsAnew(_ testCase: NetworkCase) throws {
    let sized = testCase.sized(steps: 5, batch: 3)
    let model = try sized.model()
    let trainer = try TestTrainer(model, probing(sized).with(\.stateful, true))
    let batch = try TestBatch(model, sized.data, sized.objective)
    try trainer.resetState()  // of nothing yet
    let first = try trainer.update(batch)
    #expect(try trainer.update(batch) != first)
    try trainer.resetState()
    #expect(try trainer.update(batch) == first)
    for lane in 0..<3 { try trainer.resetState(lane: lane) }
    #expect(try trainer.update(batch) == first)

    let two = sized.sized(steps: 5, batch: 2)
    let smaller = try TestBatch(model, two.data, two.objective)
    #expect(try trainer.update(smaller) == TestTrainer(model, probing(two)).update(smaller))
    #expect(throws: RillFailure.self) { try trainer.resetState(lane: 2) }
    #expect(try trainer.update(batch) == first)
    #expect(try trainer.update(batch) != first)

    // An evaluation begins with the initial state, and changes nothing of what is carried.
    let before = try state(trainer, model, 3)
    try trainer.evaluate(batch)
    #expect(try trainer.metric("loss") == first)
    #expect(try state(trainer, model, 3) == before)
  }

  /// One lane's reset is that lane's alone.
  @Test(arguments: cases + [perSequence])
  func aLaneIsResetAlone(_ testCase: NetworkCase) throws {
    let sized = testCase.sized(steps: 5, batch: 3, lengths: [5, 2, 4])
    let model = try sized.model()
    let batch = try TestBatch(model, sized.data, sized.objective)
    let trainer = try TestTrainer(model, probing(sized).with(\.stateful, true))
    try trainer.update(batch)
    // The same by way of a stream.
    let stream = try TestStream(model, batchSize: 3)
    try trainer.getState(stream)
    try stream.reset(lane: 1)
    let other = try TestTrainer(model, probing(sized))
    try other.setState(stream)
    try trainer.resetState(lane: 1)
    #expect(try trainer.update(batch) == other.update(batch))
    #expect(try state(trainer, model, 3) == state(other, model, 3))
  }

  // MARK: with streams

  /// An update that begins where a stream stands sees what the stream gives, and ends where the stream ends.
  @Test(arguments: cases + [perSequence])
  func anUpdateGoesOnWhereAStreamStands(_ testCase: NetworkCase) throws {
    let steps = 9
    let sized = testCase.sized(steps: steps, batch: 3)
    let model = try sized.model()
    let stream = try TestStream(model, batchSize: 3)
    _ = try stream.run(sized.with(\.seed, 5).data, blocks: [steps])
    let before = try TestStream(model, batchSize: 3)
    try stream.copy(to: before)
    let outputs = try stream.run(sized.data, blocks: [2, 1, 6])
    let targets = sized.objective.targets
    var squares = 0.0
    for (y, target) in zip(doubles(outputs).suffix(targets.count), doubles(targets)) { squares += (y - target) * (y - target) }

    let trainer = try TestTrainer(model, probing(sized))
    try trainer.setState(before)
    let loss = try trainer.update(TestBatch(model, sized.data, sized.objective))
    #expect(relativeDifference(loss, squares / Double(targets.count)) < 1e-6)  // differences in float32
    #expect(try state(trainer, model, 3) == stream.saveState())

    // Not stateful: the state was given for one batch.
    let batch = try TestBatch(model, sized.data, sized.objective)
    #expect(try trainer.update(batch) == TestTrainer(model, probing(sized)).update(batch))

    // A stream goes on from the trainer's state with the bits of one that ran through.
    let onward = try TestStream(model, batchSize: 3)
    try trainer.setState(before)
    try trainer.update(batch)
    try trainer.getState(onward)
    #expect(bits(try onward.run(sized.data, blocks: [4, 1, 4])) == bits(try stream.run(sized.data, blocks: [steps])))
  }

  /// Learning on a live stream, as the header describes it, is learning with carried states.
  @Test func aLiveStreamLearns() throws {
    let testCase = NetworkCase("live", Architecture(vector: 3, [.lstm(6), .gru(5), .dense(2)])).sized(steps: 20, batch: 1)
    let (model, other) = (try testCase.model(), try testCase.model())
    let options = TrainerOptions(testCase.objective, .init("sgd", learningRate: 0.05))
    let (trainer, carried) = (try TestTrainer(model, options), try TestTrainer(other, options.with(\.stateful, true)))
    let (live, past) = (try TestStream(model), try TestStream(model))
    for number in 0..<5 {
      let range = number * 4..<(number + 1) * 4
      let (data, objective) = (testCase.data.steps(range), testCase.objective.steps(range, of: testCase.data))
      try live.copy(to: past)
      _ = try live.run(data, blocks: [1, 3])
      try trainer.setState(past)
      let loss = try trainer.update(TestBatch(model, data, objective))
      #expect(try carried.update(TestBatch(other, data, objective)) == loss)
      try model.publish()
      try live.refresh()
    }
    #expect(try model.parameters().mapValues(bits) == other.parameters().mapValues(bits))
    #expect(try state(carried, other, 1) == live.saveState())
  }

  /// States come and go between models that share their recurrent layers only.
  @Test func streamsOfOtherModelsFit() throws {
    let testCase = NetworkCase("own", Architecture(vector: 3, [.lstm(6), .dense(2)])).sized(steps: 4, batch: 2)
    let model = try testCase.model()
    let trainer = try TestTrainer(model, probing(testCase))
    let fitting = try NetworkCase("other", Architecture(vector: 1, [.dense(3, "tanh"), .lstm(6)])).model()
    let stream = try TestStream(fitting, batchSize: 2)
    _ = try stream.run(2, [1, -1, 0.5, 2])
    try trainer.setState(stream)
    let loss = try trainer.update(TestBatch(model, testCase.data, testCase.objective))
    let direct = try TestStream(model, batchSize: 2)
    for name in ["hidden", "cell"] { try direct.setState("0.\(name)", try stream.state("1.\(name)", count: 12)) }
    try trainer.setState(direct)
    #expect(try trainer.update(TestBatch(model, testCase.data, testCase.objective)) == loss)

    for wrong in [Architecture(vector: 3, [.lstm(7), .dense(2)]), Architecture(vector: 3, [.gru(6), .dense(2)])] {
      let stream = try TestStream(NetworkCase("wrong", wrong).model(), batchSize: 2)
      for call in [trainer.setState, trainer.getState] {
        let failure = #expect(throws: RillFailure.self) { try call(stream) }
        #expect(failure?.message.contains("recurrent layers") == true)
      }
    }
    let three = try TestStream(model, batchSize: 3)
    let failure = #expect(throws: RillFailure.self) { try trainer.getState(three) }
    #expect(failure?.message.contains("3 lanes") == true)
  }

  // MARK: burn-in

  /// Steps that only lead to a state: as if a stream had made them, and the batch began behind them.
  @Test(arguments: cases)
  func burnInIsAStateThatIsGiven(_ testCase: NetworkCase) throws {
    let (steps, burnIn) = (11, 4)
    let whole = testCase.sized(steps: steps, batch: 3)
    let model = try whole.model()
    let burning = try TestTrainer(model, probing(whole).with(\.burnIn, burnIn))
    let batch = try TestBatch(model, whole.data, whole.objective)
    let loss = try burning.update(batch)

    let stream = try TestStream(model, batchSize: 3)
    _ = try stream.run(whole.data, blocks: [burnIn])
    let behind = try TestTrainer(model, probing(whole))
    try behind.setState(stream)
    let range = burnIn..<steps
    let rest = try TestBatch(model, whole.data.steps(range), whole.objective.steps(range, of: whole.data))
    #expect(try behind.update(rest) == loss)
    #expect(try behind.gradients().mapValues(bits) == burning.gradients().mapValues(bits))
    #expect(try state(behind, model, 3) == state(burning, model, 3))

    // The loss is that of steps without weight, and an evaluation measures the same.
    var weighted = whole.objective
    weighted.weights = (0..<steps * 3).map { $0 < burnIn * 3 ? 0 : 1 }
    #expect(relativeDifference(try TestTrainer(model, probing(whole)).update(TestBatch(model, whole.data, weighted)), loss) < 1e-14)
    try burning.evaluate(batch)
    #expect(relativeDifference(try burning.metric("loss"), loss) < 1e-14)
    #expect(try burning.metric("step_count") == Double((steps - burnIn) * 3))
  }

  /// With its filter the error-to-signal ratio is the same in updates and evaluations, and from a given state.
  @Test func burnInOfTheErrorToSignalRatio() throws {
    var testCase = NetworkCase("audio", Architecture(vector: 1, [.lstm(6), .dense(1)])).measured(.esr).sized(steps: 12, batch: 2)
    testCase.lossOptions.preEmphasis = 0.9
    let model = try testCase.model()
    let batch = try TestBatch(model, testCase.data, testCase.objective)
    let trainer = try TestTrainer(model, probing(testCase).with(\.burnIn, 5))
    let loss = try trainer.update(batch)
    try trainer.evaluate(batch)
    #expect(relativeDifference(try trainer.metric("loss"), loss) < 1e-14)
    let range = 5..<12
    let stream = try TestStream(model, batchSize: 2)
    _ = try stream.run(testCase.data, blocks: [5])
    let behind = try TestTrainer(model, probing(testCase))
    try behind.setState(stream)
    let batchBehind = try TestBatch(model, testCase.data.steps(range), testCase.objective.steps(range, of: testCase.data))
    #expect(try behind.update(batchBehind) == loss)
  }

  /// A sequence that gives its one output within the burn-in counts nowhere.
  @Test func aSequenceThatEndsInTheBurnInDoesNotCount() throws {
    let sized = Self.perSequence.sized(steps: 8, batch: 4, lengths: [8, 3, 5, 4])
    let model = try sized.model()
    let (data, objective) = (sized.data, sized.objective)
    let all = try TestTrainer(model, probing(sized).with(\.burnIn, 4))
    let loss = try all.update(TestBatch(model, data, objective))
    var weighted = objective
    weighted.weights = [1, 0, 1, 0]
    #expect(relativeDifference(try TestTrainer(model, probing(sized)).update(TestBatch(model, data, weighted)), loss) < 1e-14)
    try all.evaluate(TestBatch(model, data, objective))
    #expect(try all.metric("step_count") == 2)
  }

  // MARK: initial states

  /// Only lanes that begin with the initial state give it a gradient; all others begin somewhere else.
  @Test(arguments: cells.indices)
  func initialStatesLearnFromLanesThatBeginThere(_ index: Int) throws {
    let layer = cells[index].layer(5).with(\.initialState, true)
    let testCase = NetworkCase("initial", Architecture(vector: 3, [layer, .dense(2)])).measured(.mse, .sum).sized(steps: 4, batch: 3)
    let names = layer.type == "lstm" ? ["0.h0_l0", "0.c0_l0"] : ["0.h0_l0"]
    let model = try testCase.model()
    let batch = try TestBatch(model, testCase.data, testCase.objective)
    let trainer = try TestTrainer(model, probing(testCase).with(\.stateful, true))
    try trainer.update(batch)
    for name in names { #expect(try trainer.gradient(name).allSatisfy { $0 != 0 }, "\(name)") }
    try trainer.update(batch)
    for name in names { #expect(try trainer.gradient(name).allSatisfy { $0 == 0 }, "\(name), carried") }

    // Lanes 0 and 2 anew: the gradient of these two alone.
    try trainer.resetState(lane: 0)
    try trainer.resetState(lane: 2)
    try trainer.update(batch)
    let some = testCase.data.selecting([0, 2])
    var objective = testCase.objective
    objective.targets = objective.targets.selecting([0, 2], of: 3, rows: 4)
    let alone = try TestTrainer(model, probing(testCase))
    try alone.update(TestBatch(model, some, objective))
    for name in names {
      #expect(normwiseDifference(doubles(try trainer.gradient(name)), doubles(try alone.gradient(name))) < 1e-6, "\(name), two lanes")
    }

    // Behind a burn-in, and in windows that do not begin with the batch, there is none.
    let burning = try TestTrainer(model, probing(testCase).with(\.burnIn, 1))
    try burning.update(batch)
    for name in names { #expect(try burning.gradient(name).allSatisfy { $0 == 0 }, "\(name), burn-in") }
    let truncated = try TestTrainer(model, probing(testCase).with(\.truncation, .init(2, 3)))
    try truncated.update(batch)
    for name in names { #expect(try truncated.gradient(name).allSatisfy { $0 == 0 }, "\(name), last window") }
  }

  // MARK: helpers

  private func probing(_ testCase: NetworkCase) -> TrainerOptions {
    TrainerOptions(testCase.objective, .init("sgd", learningRate: 0))
  }

  /// The states in which a trainer's last batch ended, as bytes.
  private func state(_ trainer: TestTrainer, _ model: TestModel, _ lanes: Int) throws -> [UInt8] {
    let stream = try TestStream(model, batchSize: lanes)
    try trainer.getState(stream)
    return try stream.saveState()
  }
}

extension SequenceData {
  /// Some time steps of all sequences, which are full.
  func steps(_ range: Range<Int>) -> SequenceData {
    var result = SequenceData(sequenceLength: range.count, batchSize: batchSize)
    result.inputs = part(of: inputs, range)
    result.tokens = part(of: tokens, range)
    return result
  }

  /// The same of a [time][batch][size] array.
  func part<Value>(of values: [Value], _ range: Range<Int>) -> [Value] {
    let size = values.count / sequenceLength
    return Array(values[range.lowerBound * size..<range.upperBound * size])
  }
}

extension Objective {
  /// What some time steps of a batch are compared with.
  func steps(_ range: Range<Int>, of data: SequenceData) -> Objective {
    var result = self
    result.targets = data.part(of: targets, range)
    result.classes = data.part(of: classes, range)
    result.weights = weights.map { data.part(of: $0, range) }
    return result
  }
}
