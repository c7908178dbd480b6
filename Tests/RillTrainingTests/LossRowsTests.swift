import RillBase
import RillJSON
import RillNetwork
import Testing

@testable import RillTraining

/// A loss apart from a trainer: outputs are numbers, rows are computed in parts, and steps before a first one only lead up to it.
private struct Setup {
  static let (steps, rows, size, width) = (9, 7, 3, 16)
  static let lengths: [Int32] = [9, 1, 4, 9, 6, 2, 8]

  let network: Network
  let batch: Batch
  let loss: Loss
  let memory: LossMemory
  let y: Buffer<Float>
  let dy: Buffer<Float>

  init(_ loss: String, weighted: Bool = false) throws {
    let configuration = #"{"input": {"kind": "vector", "size": 1}, "layers": [{"type": "dense", "output_size": 3}]}"#
    network = try Network(try Architecture(try json(configuration)))
    self.loss = try Loss(try json(loss), network)
    batch = try Batch(network, steps: Self.steps, rows: Self.rows)
    memory = try LossMemory(network, rows: Self.rows)
    let count = Self.steps * Self.rows
    y = try Buffer(count, Self.width)
    dy = try Buffer(count, Self.width)
    batch.setLengths(Self.lengths)
    if self.loss.takesClasses {
      try batch.setClasses((0..<count).map { Int32($0 * 7 % 4) - 1 })
    } else {
      try batch.setTargets((0..<(count * 3)).map { Float($0 * 37 % 101) / 101 })
    }
    if weighted { try batch.setWeights((0..<count).map { Float($0 * 11 % 5) / 3 }) }
    for row in 0..<count { for j in 0..<3 { y.pointer[row * Self.width + j] = Float((row * 3 + j) * 29 % 97) / 40 - 1 } }
  }

  struct Result: Equatable {
    var sums: [UInt64]
    var dy: [UInt32]
  }

  /// Computes the parts one after another and gives every bit of it.
  func compute(
    _ parts: [Range<Int>], _ segments: [Range<Int>] = [0..<Self.steps], firstStep: Int = 0, withGradient: Bool = true
  ) -> Result {
    // What stood there before must not matter.
    for i in 0..<dy.count { dy.pointer[i] = .nan }
    memory.clear(rows: Self.rows)
    for segment in segments {
      let place = segment.lowerBound * Self.rows * Self.width
      let head = (output: y.pointer + place, dy: dy.pointer + place)
      let s = LossSteps(batch, segment, head, network, withGradient: withGradient, firstStep: firstStep)
      for part in parts { loss.compute(s, rows: part, memory, network.kernels) }
    }
    let total = memory.total(rows: Self.rows)
    let sums = [total.loss.bitPattern, total.weight.bitPattern, total.plain.bitPattern, UInt64(total.steps)]
    return Result(sums: sums, dy: withGradient ? (0..<dy.count).map { dy.pointer[$0].bitPattern } : [])
  }
}

private let losses = [
  #"{"type": "mse"}"#, #"{"type": "mae"}"#, #"{"type": "huber", "delta": 0.3}"#, #"{"type": "esr", "pre_emphasis": 0.9}"#,
  #"{"type": "bce", "positive_weights": [1, 2, 3]}"#, #"{"type": "cross_entropy"}"#,
  #"{"type": "cross_entropy", "label_smoothing": 0.2, "class_weights": [0.5, 1, 2]}"#,
]

@Test(arguments: losses) func rowsGiveTheSameBitsHoweverTheyAreSplit(_ loss: String) throws {
  for weighted in loss.contains("esr") ? [false] : [false, true] {
    for firstStep in [0, 3] {
      let setup = try Setup(loss, weighted: weighted)
      let whole = setup.compute([0..<7], firstStep: firstStep)
      #expect(setup.compute([0..<1, 1..<2, 2..<3, 3..<4, 4..<5, 5..<6, 6..<7], firstStep: firstStep) == whole)
      #expect(setup.compute([5..<7, 0..<0, 0..<5], firstStep: firstStep) == whole)
      #expect(setup.compute([0..<7], firstStep: firstStep, withGradient: false).sums == whole.sums)
      #expect(whole.dy.allSatisfy { Float(bitPattern: $0).isFinite })
    }
  }
}

/// A sequence that is worked through from its last segment to its first has the bits of a whole one.
@Test(arguments: losses.filter { !$0.contains("esr") }) func segmentsGiveTheSameBits(_ loss: String) throws {
  for firstStep in [0, 2, 5] {
    let setup = try Setup(loss, weighted: true)
    let whole = setup.compute([0..<7], firstStep: firstStep)
    #expect(setup.compute([0..<4, 4..<7], [7..<9, 3..<7, 0..<3], firstStep: firstStep) == whole)
  }
}

/// Steps before the first are like steps of weight 0.
@Test(arguments: losses.filter { !$0.contains("esr") }) func stepsBeforeTheFirstAreLeftOut(_ loss: String) throws {
  for firstStep in [0, 1, 5, 9] {
    let setup = try Setup(loss)
    let result = setup.compute([0..<7], firstStep: firstStep)
    try setup.batch.setWeights((0..<(Setup.steps * Setup.rows)).map { $0 / Setup.rows < firstStep ? 0 : 1 })
    #expect(setup.compute([0..<7]) == result)
    if firstStep == 9 { #expect(result.sums == [0, 0, 0, 0]) }
  }
}

/// The error-to-signal ratio from its definition: the filter begins with the first step that counts.
@Test(arguments: [0, 1, 3, 8]) func errorToSignalIsFilteredFromTheFirstStepThatCounts(_ firstStep: Int) throws {
  let setup = try Setup(#"{"type": "esr", "pre_emphasis": 0.9, "epsilon": 0.01}"#)
  let (rows, size, width) = (Setup.rows, Setup.size, Setup.width)
  let targets = setup.batch.targets!
  func ratio(_ row: Int, _ j: Int, _ y: [Double]) -> Double {
    let n = Int(Setup.lengths[row])
    let target = (0..<n).map { Double(targets[($0 * rows + row) * size + j]) }
    func energy(_ v: (Int) -> Double) -> Double {
      (firstStep..<n).reduce(0) { sum, t in
        let filtered = v(t) - (t > firstStep ? 0.9 * v(t - 1) : 0)
        return sum + filtered * filtered
      }
    }
    return energy { y[$0] - target[$0] } / (energy { target[$0] } + 0.01 * Double(n - firstStep))
  }
  _ = setup.compute([0..<rows], firstStep: firstStep)
  var (loss, terms) = (0.0, 0)
  for row in 0..<rows where Int(Setup.lengths[row]) > firstStep {
    for j in 0..<size {
      let y = (0..<Int(Setup.lengths[row])).map { Double(setup.y.pointer[($0 * rows + row) * width + j]) }
      loss += ratio(row, j, y)
      terms += 1
      for t in y.indices {
        var (above, below) = (y, y)
        above[t] += 1e-5
        below[t] -= 1e-5
        // A quadratic: the difference is exact but for rounding, of 1e-16 / 1e-5 in each ratio.
        let slope = t < firstStep ? 0 : (ratio(row, j, above) - ratio(row, j, below)) / 2e-5
        #expect(abs(Double(setup.dy.pointer[(t * rows + row) * width + j]) - slope) < 1e-6 * (1 + abs(slope)))
      }
    }
  }
  let total = setup.memory.total(rows: rows)
  #expect(abs(total.loss - loss) < 1e-12 * (1 + loss))
  #expect(total.weight == Double(terms))
}

/// Elements at the joints of piecewise losses have the slopes that PyTorch gives them.
@Test func slopesAtJoints() throws {
  for (text, expected) in [
    (#"{"type": "mae"}"#, [0, 1, -1]), (#"{"type": "huber", "delta": 0.5}"#, [0, 0.5, -0.5]), (#"{"type": "mse"}"#, [0, 1, -1]),
  ] as [(String, [Float])] {
    let setup = try Setup(text)
    try setup.batch.setTargets(Array(repeating: 0.25, count: Setup.steps * Setup.rows * 3))
    for (j, y) in [0.25, 0.75, -0.25].enumerated() { setup.y.pointer[j] = Float(y) }
    _ = setup.compute([0..<7])
    #expect((0..<3).map { setup.dy.pointer[$0] } == expected)
  }
}
