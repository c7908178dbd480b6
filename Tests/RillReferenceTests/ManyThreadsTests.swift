import CRill
import Foundation
import RillTestSupport
import Testing

/// All that include/rill.h allows many threads to do with one model at once. scripts/test.sh runs this and ThreadTests under ThreadSanitizer too,
/// which sees every access of the library: what matters here is that much happens at the same time, less what comes out.
@Suite struct ManyThreadsTests {
  /// A layer of every kind, wide enough that single sequences take more than one block of a kernel.
  static let vectors = NetworkCase(
    "all cells",
    Architecture(
      vector: 3, shift: [1, 2, 3], scale: [2, 2, 2],
      [
        .rnn(20), .lstm(17).with(\.initialState, true), .gru(33), .dropout(0.25), .gru(6, resetAfter: false).with(\.numLayers, 2),
        .rnn(5, nonlinearity: "relu"), .dense(20, "tanh"), .dense(2),
      ], outputShift: [1, 2])
  ).sized(steps: 6, batch: 3)
  static let tokens = NetworkCase("embedding", Architecture(tokens: 7, [.embedding(5), .lstm(20), .dense(7, "softmax")]))
    .sized(steps: 6, batch: 3).measured(.crossEntropy)
  static let oneHot = NetworkCase("one-hot", Architecture(tokens: 7, [.gru(20).with(\.returnSequences, false), .dense(7)]))
    .sized(steps: 6, batch: 3).measured(.crossEntropy)

  @Test(arguments: [vectors, tokens, oneHot])
  func aModelLearnsWhileEveryoneUsesIt(_ testCase: NetworkCase) throws {
    let model = try testCase.model()
    let options = TrainerOptions(testCase.objective, .init("adam", learningRate: 0.001), clipNorm: 1)
    let trainer = try TestTrainer(model, options.with(\.threads, 4).with(\.checkpointEvery, 4).with(\.stateful, true))
    let batch = try TestBatch(model, testCase.data, testCase.objective)
    let steppers = try (0..<8).map { number in try stepper(testCase, model, lanes: number % 2 == 0 ? 1 : 3) }
    let makers = [maker(testCase, model), maker(testCase, model)]
    try together(
      {
        for _ in 0..<60 {
          try whenFree { try trainer.update(batch) }
          try whenFree { try model.publish() }
        }
      }, while: steppers + makers + [asker(testCase, model)])
  }

  /// Nothing but the rule that parameters have one user at a time orders these threads.
  @Test func parametersHaveOneUserAtATime() throws {
    let testCase = Self.vectors
    let model = try testCase.model()
    let options = TrainerOptions(testCase.objective, .init("sgd", learningRate: 0.001))
    let trainer = try TestTrainer(model, options.with(\.threads, 2).with(\.truncation, .init(2, 3)).with(\.burnIn, 1))
    let batch = try TestBatch(model, testCase.data, testCase.objective)
    let names = try model.parameterNames()
    try together(
      { for _ in 0..<30 { try whenFree { try trainer.update(batch) } } },
      while: { isRunning in
        repeat { for name in names { try unlessInUse { try model.setParameter(name, try model.parameter(name)) } } } while isRunning()
      },
      { isRunning in
        repeat { try unlessInUse { _ = try model.saveText(options: #"{"encoding": "base64"}"#) } } while isRunning()
      },
      { isRunning in
        repeat { try unlessInUse { try model.publish() } } while isRunning()
      })
  }

  /// Handles are destroyed in any order, by any thread: a publisher frees the snapshots that they leave, and the last of them the model.
  @Test func theLastThreadTakesTheModelAlong() throws {
    let testCase = Self.vectors
    for _ in 0..<20 {
      var model: OpaquePointer?
      try check(rill_model_create(testCase.architecture.configuration, 1, nil, &model))
      let streams = try (0..<8).map { _ in
        var stream: OpaquePointer?
        try check(rill_stream_create(model, 1, nil, &stream))
        return Handle(stream)
      }
      let inputs = testCase.data.single(0).inputs
      try together(
        {
          for _ in 0..<20 { try check(rill_model_publish(model)) }
          rill_model_destroy(model)
        },
        while: streams.map { stream in
          { _ in
            var outputs = [Float](repeating: .nan, count: 12)
            try check(rill_stream_run(stream.pointer, 6, inputs, inputs.count, &outputs, outputs.count))
            rill_stream_destroy(stream.pointer)
            #expect(outputs.allSatisfy { $0.isFinite })
          }
        })
    }
  }

  /// Trainers of models of their own, each with its threads, one of which diverges now and then.
  @Test func trainersDoNotMeet() throws {
    let testCase = Self.vectors.sized(steps: 5, batch: 4)
    let expected = try Self.train(testCase, updates: 12)
    @Sendable func trainAlike() throws {
      let parameters = try Self.train(testCase, updates: 12)
      #expect(parameters == expected)
    }
    try together(
      { for _ in 0..<3 { try trainAlike() } },
      while: { isRunning in
        repeat { try trainAlike() } while isRunning()
      })
  }

  private static func train(_ testCase: NetworkCase, updates: Int) throws -> [String: [UInt32]] {
    let model = try testCase.model()
    let options = TrainerOptions(testCase.objective, .init("adam", learningRate: 0.001)).with(\.threads, 3)
    let trainer = try TestTrainer(model, options)
    let batch = try TestBatch(model, testCase.data, testCase.objective)
    var objective = testCase.objective
    objective.targets = objective.targets.map { _ in 3e38 }
    let diverging = try TestBatch(model, testCase.data, objective)
    for number in 0..<updates {
      try trainer.update(batch)
      if number % 4 == 0 { #expect(throws: RillFailure.self) { try trainer.update(diverging) } }
    }
    return try model.parameters().mapValues(bits)
  }

  // MARK: what the threads do

  private typealias Work = @Sendable (_ isRunning: () -> Bool) throws -> Void

  /// Everything that a thread does with streams of its own.
  private func stepper(_ testCase: NetworkCase, _ model: TestModel, lanes: Int) throws -> Work {
    // Made here, by another thread than the one that uses them.
    let stream = try TestStream(model, batchSize: lanes)
    let copy = try TestStream(model, batchSize: lanes)
    let data = testCase.data.selecting(Array(0..<lanes))
    return { isRunning in
      repeat {
        try stream.refresh()
        let outputs = try stream.run(data, blocks: [1, 1, 4])
        #expect(outputs.allSatisfy { $0.isFinite })
        let saved = try stream.saveState()
        try stream.copy(to: copy)
        #expect(try copy.saveState() == saved)
        _ = try copy.run(data, blocks: [2])
        try copy.loadState(saved)
        try stream.copy(lane: 0, to: copy, lane: lanes - 1)
        for (name, layers, hiddenSize) in testCase.stateShapes {
          try copy.setState(name, try stream.state(name, count: layers * lanes * hiddenSize))
        }
        #expect(try copy.saveState() == saved)
        try copy.refresh()
        try copy.reset(lane: 0)
        try copy.reset()
      } while isRunning()
    }
  }

  /// Makes streams, which pin the newest snapshot, and destroys them, which unpins it.
  private func maker(_ testCase: NetworkCase, _ model: TestModel) -> Work {
    let data = testCase.data
    return { isRunning in
      repeat {
        let outputs = try TestStream(model, batchSize: data.batchSize).run(data, blocks: [1, data.sequenceLength - 1])
        #expect(outputs.allSatisfy { $0.isFinite })
      } while isRunning()
    }
  }

  /// Uses the model itself: whole sequences, its description, a trainer's evaluation, and its parameters when nobody else does.
  private func asker(_ testCase: NetworkCase, _ model: TestModel) -> Work {
    return { isRunning in
      let trainer = try TestTrainer(model, TrainerOptions(testCase.objective).with(\.threads, 3))
      let batch = try TestBatch(model, testCase.data, testCase.objective)
      let name = try model.parameterNames()[0]
      repeat {
        let outputs = try model.run(testCase.data, perSequence: testCase.architecture.isPerSequence)
        #expect(outputs.allSatisfy { $0.isFinite })
        var length = 0
        try check(rill_model_describe(model.handle, nil, 0, &length))
        try unlessInUse { try model.setParameter(name, try model.parameter(name)) }
        try unlessInUse { try trainer.evaluate(batch) }
        try unlessInUse { _ = try model.saveText(options: #"{"encoding": "base64"}"#) }  // of one length, whatever the values
      } while isRunning()
    }
  }
}

/// For what is refused while another thread uses the parameters. Gives whether it was not. The pause is the others' turn.
@discardableResult
private func unlessInUse(_ call: () throws -> Void) throws -> Bool {
  defer { usleep(100) }
  do {
    try call()
    return true
  } catch let failure as RillFailure where failure.status == rill_status(RILL_ERROR_STATE) {
    return false
  }
}

/// Tries until no other thread uses the parameters.
private func whenFree(_ call: () throws -> Void) throws {
  while try !unlessInUse(call) {}
}

/// A handle that one thread passes on to another.
private struct Handle: @unchecked Sendable {
  let pointer: OpaquePointer?
  init(_ pointer: OpaquePointer?) { self.pointer = pointer }
}
