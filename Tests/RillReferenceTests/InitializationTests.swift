import RillTestSupport
import Testing

/// How a new model's parameters are distributed. Each tensor here has n >= 6000 values. Five standard errors of the mean of uniform +-b are
/// 5 b/sqrt(3n) < 0.038 b, of its variance 5 b^2 sqrt(4/(45n)) < 0.02 b^2: those are the limits. The seeds are fixed.
@Suite struct InitializationTests {
  @Test(arguments: cells.indices)
  func recurrentWeightsAreUniformByHiddenSize(_ index: Int) throws {
    let hiddenSize = 100
    let layer = cells[index].layer(hiddenSize)
    let model = try TestModel(configuration: Architecture(vector: 60, [layer]).configuration)
    for name in ["0.weight_ih_l0", "0.weight_hh_l0"] { expectUniform(try model.parameter(name), bound: 0.1, name) }
    let biases = try ["0.bias_ih_l0", "0.bias_hh_l0"].map(model.parameter)
    if layer.type == "lstm" {
      #expect(biases[0][hiddenSize..<2 * hiddenSize].allSatisfy { $0 == 1 })
      #expect(biases[1][hiddenSize..<2 * hiddenSize].allSatisfy { $0 == 0 })
    }
  }

  @Test func denseWeightsAreUniformByInputs() throws {
    let model = try TestModel(configuration: Architecture(vector: 64, [.dense(100)]).configuration)
    expectUniform(try model.parameter("0.weight"), bound: 0.125, "0.weight")
    #expect(try model.parameter("0.bias").allSatisfy { abs($0) <= 0.125 })
  }

  /// Mean and variance of n normal values: standard errors 1/sqrt(n) and sqrt(2/n), five of each.
  @Test func embeddingsAreStandardNormal() throws {
    let model = try TestModel(configuration: Architecture(tokens: 200, [.embedding(50)]).configuration)
    let values = doubles(try model.parameter("0.weight"))
    let n = Double(values.count)
    #expect(abs(values.reduce(0, +) / n) < 5 / n.squareRoot())
    #expect(abs(values.reduce(0) { $0 + $1 * $1 } / n - 1) < 5 * (2 / n).squareRoot())
    #expect(values.contains { abs($0) > 3 })  // of 10000 about 27 are
  }

  @Test func forgetBiasStartsWhereItIsSaid() throws {
    let layer = Layer.lstm(4).with(\.numLayers, 2).with(\.forgetBias, 2.5)
    let model = try TestModel(configuration: Architecture(vector: 1, [layer]).configuration)
    for k in 0..<2 {
      #expect(try model.parameter("0.bias_ih_l\(k)")[4..<8].allSatisfy { $0 == 2.5 })
    }
  }

  private func expectUniform(_ parameter: [Float], bound: Double, _ name: String) {
    let values = doubles(parameter)
    let n = Double(values.count)
    #expect(values.allSatisfy { abs($0) <= bound * (1 + 1e-6) }, "\(name)")
    #expect(abs(values.reduce(0, +) / n) < 0.038 * bound, "\(name)")
    #expect(abs(values.reduce(0) { $0 + $1 * $1 } / n - bound * bound / 3) < 0.02 * bound * bound, "\(name)")
  }
}
