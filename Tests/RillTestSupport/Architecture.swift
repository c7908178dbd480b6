/// A configuration as docs/model-format.md describes it. Keys that are nil are left to their defaults and not written.
public struct Architecture: Codable, Sendable {
  public struct Input: Codable, Sendable {
    public var kind: String
    public var size: Int
    public var shift: [Double]?
    public var scale: [Double]?
  }

  public struct Output: Codable, Sendable {
    public var shift: [Double]?
    public var scale: [Double]?
  }

  public var input: Input
  public var layers: [Layer]
  public var output: Output?

  /// shift and scale need one element per input or output.
  public init(
    vector size: Int, shift: [Double]? = nil, scale: [Double]? = nil, _ layers: [Layer], outputShift: [Double]? = nil,
    outputScale: [Double]? = nil
  ) {
    input = Input(kind: "vector", size: size, shift: shift, scale: scale)
    self.layers = layers
    output = outputShift == nil && outputScale == nil ? nil : Output(shift: outputShift, scale: outputScale)
  }

  public init(tokens size: Int, _ layers: [Layer]) {
    input = Input(kind: "token", size: size)
    self.layers = layers
  }

  /// The JSON text that rill_model_create takes.
  public var configuration: String { jsonText(self) }

  public var takesTokens: Bool { input.kind == "token" }

  /// One output per sequence instead of one per time step.
  public var isPerSequence: Bool { layers.contains { $0.returnSequences == false } }

  public var outputSize: Int { layers.reduce(input.size) { $1.outputSize(after: $0) } }

  /// Name and shape of every parameter.
  public var parameterShapes: [(name: String, shape: [Int])] {
    var result: [(name: String, shape: [Int])] = []
    var size = input.size
    for (index, layer) in layers.enumerated() {
      let prefix = layer.name ?? "\(index)"
      result += layer.parameterShapes(inputSize: size).map { ("\(prefix).\($0.name)", $0.shape) }
      size = layer.outputSize(after: size)
    }
    return result
  }

  /// The same network with an answer at every step: what a stream of it gives.
  public var withOutputAtEveryStep: Architecture {
    var result = self
    for index in layers.indices { result.layers[index].returnSequences = nil }
    return result
  }
}
