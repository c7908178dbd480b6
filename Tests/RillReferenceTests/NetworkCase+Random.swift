import RillTestSupport

extension NetworkCase {
  /// A network drawn from everything that the library offers, with a batch to run through it; the same for the same seed on every machine.
  static func random(_ seed: UInt64) -> NetworkCase {
    var generator = SplitMix64(seed: seed)
    let architecture = generator.architecture()
    var result = NetworkCase("seed \(seed): \(architecture.summary)", architecture)
      .sized(steps: Int.random(in: 1...80, using: &generator), batch: generator.batchSize())
    result.seed = seed
    return result
  }
}

extension SplitMix64 {
  /// Batches of one, for which there are kernels of their own, more often than others.
  mutating func batchSize() -> Int { chance(1, of: 5) ? 1 : Int.random(in: 1...40, using: &self) }

  /// Random block sizes from 1 to largest that add up to steps.
  mutating func blocks(of steps: Int, upTo largest: Int) -> [Int] {
    var result: [Int] = []
    var left = steps
    while left > 0 {
      result.append(min(left, Int.random(in: 1...largest, using: &self)))
      left -= result.last!
    }
    return result
  }

  fileprivate mutating func chance(_ count: Int, of all: Int) -> Bool { Int.random(in: 0..<all, using: &self) < count }

  fileprivate mutating func numbers(_ count: Int, _ range: ClosedRange<Double>) -> [Double]? {
    chance(1, of: 3) ? (0..<count).map { _ in Double.random(in: range, using: &self) } : nil
  }

  fileprivate mutating func architecture() -> Architecture {
    let readsTokens = chance(2, of: 5)
    let inputSize = Int.random(in: 1...40, using: &self)
    var layers: [Layer] = []
    if readsTokens, chance(1, of: 2) { layers.append(.embedding(Int.random(in: 1...40, using: &self))) }
    if chance(1, of: 6) { layers.append(dense(["linear", "tanh", "relu", "sigmoid"])) }
    let recurrentCount = Int.random(in: 1...3, using: &self)
    for number in 1...recurrentCount {
      layers.append(recurrent().with(\.returnSequences, number == recurrentCount && chance(1, of: 5) ? false : true))
      if number < recurrentCount, chance(1, of: 3) { layers.append(dense(["linear", "tanh", "relu", "sigmoid"])) }
      if chance(1, of: 8) { layers.append(.dropout(0.5)) }
    }
    for last in [false, true] where chance(last ? 4 : 1, of: 5) {
      layers.append(dense(["linear", "tanh", "relu", "sigmoid"] + (last ? ["softmax"] : [])))
    }
    if readsTokens { return Architecture(tokens: inputSize, layers) }
    let outputSize = Architecture(vector: inputSize, layers).outputSize
    return Architecture(
      vector: inputSize, shift: numbers(inputSize, -2...2), scale: numbers(inputSize, 0.25...4), layers,
      outputShift: numbers(outputSize, -10...10), outputScale: numbers(outputSize, -8...(-0.5)))
  }

  private mutating func recurrent() -> Layer {
    // Kernels work on 16 units, and on groups of 2 and 4 times as many.
    let edges = [1, 15, 16, 17, 31, 32, 33, 47, 48, 49, 64, 65]
    let hiddenSize = chance(1, of: 2) ? edges.randomElement(using: &self)! : Int.random(in: 1...80, using: &self)
    var layer = cells.randomElement(using: &self)!.layer(hiddenSize)
    if chance(1, of: 4) { layer.numLayers = 2 }
    if chance(1, of: 3) { layer.initialState = true }
    if chance(1, of: 4) { layer.bias = false }
    return layer
  }

  private mutating func dense(_ activations: [String]) -> Layer {
    .dense(Int.random(in: 1...20, using: &self), activations.randomElement(using: &self)!, bias: chance(1, of: 4) ? false : nil)
  }
}

extension Architecture {
  /// In one line what a failure needs to be understood: `vector 3 > gru 33 x2 +h0 > dense 2 tanh`.
  fileprivate var summary: String {
    let parts = layers.map { layer -> String in
      var words = [layer.type]
      if let size = layer.hiddenSize ?? layer.outputSize ?? layer.embeddingDim { words.append("\(size)") }
      words += [layer.nonlinearity, layer.activation].compactMap { $0 }
      if layer.numLayers == 2 { words.append("x2") }
      if layer.resetAfter == false { words.append("reset before") }
      if layer.initialState == true { words.append("+h0") }
      if layer.bias == false { words.append("-bias") }
      if layer.returnSequences == false { words.append("last") }
      return words.joined(separator: " ")
    }
    let scaling = [input.shift, input.scale, output?.shift, output?.scale].contains { $0 != nil } ? ["scaled"] : []
    return (["\(input.kind) \(input.size)"] + parts + scaling).joined(separator: " > ")
  }
}
