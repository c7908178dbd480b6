import CRill
import Foundation
import RillTestSupport
import Synchronization
import Testing

/// Snapshots hold weights of every precision that a stream ever asked for.
@Suite struct PrecisionRefreshTests {
  private static let testCase = NetworkCase("refresh", Architecture(vector: 3, [.lstm(17).with(\.initialState, true), .gru(6), .dense(7)]))
    .sized(steps: 12, batch: 2)
  private let data = testCase.data

  private func parameters(_ seed: UInt64) -> [String: [Float]] { Self.testCase.with(\.seed, seed).parameters }

  /// The outputs of those parameters in a model that never had others.
  private func expected(_ seed: UInt64, _ options: String?) throws -> [UInt32] {
    let model = try TestModel(Self.testCase.architecture, parameters(seed))
    return bits(try TestStream(model, batchSize: 2, options: options).run(data, blocks: [12]))
  }

  @Test func refreshAdoptsWhatWasPublishedInEveryPrecision() throws {
    let model = try Self.testCase.model()
    let streams = try allPrecisions.map { ($0, try TestStream(model, batchSize: 2, options: $0)) }
    for seed in UInt64(1)...4 {
      for (options, stream) in streams {
        try stream.refresh()
        try stream.reset()
        #expect(bits(try stream.run(data, blocks: [1, 11])) == (try expected(seed, options)))
      }
      try model.setParameters(parameters(seed + 1))
      try model.publish()
    }
  }

  @Test func withoutARefreshNothingChanges() throws {
    let model = try Self.testCase.model()
    for options in allPrecisions {
      let stream = try TestStream(model, batchSize: 2, options: options)
      let before = bits(try stream.run(data, blocks: [12]))
      try model.publish()
      try model.setParameters(parameters(9))
      try model.publish()
      try stream.reset()
      #expect(bits(try stream.run(data, blocks: [12])) == before)
      let state = try stream.saveState()
      try stream.refresh()
      #expect(try stream.saveState() == state)
      try stream.reset()
      #expect(bits(try stream.run(data, blocks: [12])) == (try expected(9, options)))
      try model.setParameters(Self.testCase.parameters)
      try model.publish()
    }
  }

  @Test(arguments: SmallPrecision.allCases)
  func aPrecisionMayBeNewAfterManyPublishes(_ precision: SmallPrecision) throws {
    let model = try Self.testCase.model()
    let old = try TestStream(model, batchSize: 2)  // keeps its snapshot
    for seed in UInt64(2)...5 {
      try model.setParameters(parameters(seed))
      try model.publish()
    }
    let stream = try TestStream(model, batchSize: 2, options: precision.options)
    #expect(bits(try stream.run(data, blocks: [12])) == (try expected(5, precision.options)))
    #expect(bits(try old.run(data, blocks: [12])) == (try expected(1, nil)))
    try old.refresh()
    try old.reset()
    #expect(bits(try old.run(data, blocks: [12])) == (try expected(5, nil)))
  }

  /// Every snapshot makes all outputs equal to its number, in every precision: one weight in a row is its scale · 127, and numbers up to 256 have 8 bits.
  /// A stream never sees an older one after a newer. Models are new in each round, so that precisions are asked for the first time beside a publish.
  @Test func streamsOfAllPrecisionsAreMadeWhileAnotherThreadPublishes() throws {
    let size = 20
    let last: Float = 60
    for _ in 0..<12 {
      let model = try TestModel(Architecture(vector: 1, [.dense(size, bias: false)]), ["0.weight": Array(repeating: 1, count: size)])
      let isRunning = Atomic(true)
      let failure = Mutex<(any Error)?>(nil)
      let made = Atomic(0)
      DispatchQueue.concurrentPerform(iterations: 5) { thread in
        do {
          if thread == 0 {
            for number in 2...Int(last) {
              try model.setParameter("0.weight", Array(repeating: Float(number), count: size))
              try model.publish()
            }
            return isRunning.store(false, ordering: .releasing)
          }
          var newest: Float = 1
          var turn = thread
          func number(_ stream: TestStream) throws -> Float {
            let outputs = try stream.step([1])
            #expect(outputs.allSatisfy { $0 == outputs[0] })
            // 127 · (number / 127), each rounded.
            #expect(abs(outputs[0] - outputs[0].rounded()) < 1e-4)
            return outputs[0].rounded()
          }
          repeat {
            let stream = try TestStream(model, options: allPrecisions[turn % 3])
            let first = try number(stream)
            #expect(first >= newest)
            try stream.refresh()
            newest = try number(stream)
            #expect(newest >= first && newest <= last)
            turn += 1
            made.add(1, ordering: .relaxed)
          } while isRunning.load(ordering: .acquiring)
        } catch {
          isRunning.store(false, ordering: .releasing)
          failure.withLock { $0 = error }
        }
      }
      if let error = failure.withLock({ $0 }) { throw error }
      #expect(made.load(ordering: .relaxed) >= 4)
      for options in allPrecisions {
        let outputs = try TestStream(model, options: options).step([1])
        #expect(abs(outputs[0] - last) < 1e-4)
      }
    }
  }
}
