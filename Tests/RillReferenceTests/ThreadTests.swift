import RillTestSupport
import Testing

/// One thread trains and publishes while another steps and refreshes.
@Suite struct ThreadTests {
  @Test(arguments: [1, 4]) func streamsGoOnWhileAModelLearns(_ threads: Int) throws {
    let testCase = NetworkCase("threads", Architecture(vector: 3, [.gru(17), .dense(2)])).sized(steps: 8, batch: 4)
    let model = try testCase.model()
    let stream = try TestStream(model, batchSize: 4)
    let options = TrainerOptions(testCase.objective, .init("adam", learningRate: 0.01)).with(\.threads, threads)
    let trainer = try TestTrainer(model, options)
    let batch = try TestBatch(model, testCase.data, testCase.objective)
    try together(
      {
        for _ in 0..<(threads == 1 ? 300 : 60) {
          try trainer.update(batch)
          try model.publish()
        }
      },
      while: { isRunning in
        repeat {
          try stream.refresh()
          let outputs = try stream.run(testCase.data, blocks: [1, 7])
          #expect(outputs.allSatisfy { $0.isFinite })
        } while isRunning()
      })
    try stream.refresh()
    try stream.reset()
    let trained = try TestModel(testCase.architecture, try model.parameters())
    #expect(bits(try stream.run(testCase.data, blocks: [8])) == bits(try trained.run(testCase.data, perSequence: false)))
  }

  /// Every snapshot makes all outputs equal to its number: a mixture of two would show, and so would an older one after a newer.
  @Test func aSnapshotIsAdoptedWhole() throws {
    let size = 400
    let architecture = Architecture(vector: 1, [.rnn(4), .dense(size)])
    let model = try TestModel(configuration: architecture.configuration)
    for name in try model.parameterNames() { try model.setParameter(name, try model.parameter(name).map { _ in 0 }) }
    try model.publish()
    let streams = try (0..<2).map { _ in try TestStream(model) }
    try together(
      {
        for number in 1...2000 {
          try model.setParameter("1.bias", Array(repeating: Float(number), count: size))
          try model.publish()
        }
      },
      while: { isRunning in
        var last: Float = 0
        repeat {
          for stream in streams {
            try stream.refresh()
            let outputs = try stream.step([1])
            #expect(outputs.allSatisfy { $0 == outputs[0] })
            #expect(outputs[0] >= last)
            last = outputs[0]
          }
        } while isRunning()
      })
    for stream in streams {
      try stream.refresh()
      #expect(try stream.step([1])[0] == 2000)
    }
  }

  /// Any number of threads at once, all with the same bits.
  @Test func modelRunIsForManyThreads() throws {
    let testCase = NetworkCase("threads", Architecture(vector: 3, [.lstm(20), .dense(2)])).sized(steps: 10, batch: 5)
    let model = try testCase.model()
    let expected = bits(try model.run(testCase.data, perSequence: false))
    @Sendable func expectTheSame() throws {
      let outputs = bits(try model.run(testCase.data, perSequence: false))
      #expect(outputs == expected)
    }
    try together(
      { for _ in 0..<200 { try expectTheSame() } },
      while: { isRunning in
        repeat { try expectTheSame() } while isRunning()
      })
  }
}
