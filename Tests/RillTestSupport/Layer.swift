/// One layer of a configuration; which options belong to which type is the business of docs/model-format.md.
public struct Layer: Codable, Sendable {
  public var type: String
  public var name: String?
  public var hiddenSize: Int?
  public var numLayers: Int?
  public var dropout: Double?
  public var bias: Bool?
  public var returnSequences: Bool?
  public var initialState: Bool?
  public var nonlinearity: String?
  public var forgetBias: Double?
  public var resetAfter: Bool?
  public var outputSize: Int?
  public var activation: String?
  public var embeddingDim: Int?
  public var p: Double?

  init(type: String) {
    self.type = type
  }

  public static func rnn(_ hiddenSize: Int, nonlinearity: String? = nil) -> Layer {
    var layer = Layer(type: "rnn")
    layer.hiddenSize = hiddenSize
    layer.nonlinearity = nonlinearity
    return layer
  }

  public static func lstm(_ hiddenSize: Int) -> Layer {
    var layer = Layer(type: "lstm")
    layer.hiddenSize = hiddenSize
    return layer
  }

  public static func gru(_ hiddenSize: Int, resetAfter: Bool? = nil) -> Layer {
    var layer = Layer(type: "gru")
    layer.hiddenSize = hiddenSize
    layer.resetAfter = resetAfter
    return layer
  }

  public static func dense(_ outputSize: Int, _ activation: String? = nil, bias: Bool? = nil) -> Layer {
    var layer = Layer(type: "dense")
    layer.outputSize = outputSize
    layer.activation = activation
    layer.bias = bias
    return layer
  }

  public static func embedding(_ embeddingDim: Int) -> Layer {
    var layer = Layer(type: "embedding")
    layer.embeddingDim = embeddingDim
    return layer
  }

  public static func dropout(_ p: Double) -> Layer {
    var layer = Layer(type: "dropout")
    layer.p = p
    return layer
  }

  /// The layer with one option set: `.lstm(5).with(\.numLayers, 2)`.
  public func with<Value>(_ option: WritableKeyPath<Layer, Value?>, _ value: Value) -> Layer {
    var layer = self
    layer[keyPath: option] = value
    return layer
  }

  public var isRecurrent: Bool { hiddenSize != nil }

  func outputSize(after inputSize: Int) -> Int {
    hiddenSize ?? outputSize ?? embeddingDim ?? inputSize
  }

  /// Rows of the gates: i f g o, or r z n.
  var gateCount: Int {
    switch type {
    case "lstm": 4
    case "gru": 3
    default: 1
    }
  }

  /// Names without the layer's own.
  func parameterShapes(inputSize: Int) -> [(name: String, shape: [Int])] {
    if let embeddingDim { return [("weight", [inputSize, embeddingDim])] }
    if let outputSize { return [("weight", [outputSize, inputSize])] + (bias ?? true ? [("bias", [outputSize])] : []) }
    guard let hiddenSize else { return [] }
    var result: [(name: String, shape: [Int])] = []
    let rows = gateCount * hiddenSize
    for k in 0..<(numLayers ?? 1) {
      result += [("weight_ih_l\(k)", [rows, k == 0 ? inputSize : hiddenSize]), ("weight_hh_l\(k)", [rows, hiddenSize])]
      if bias ?? true { result += [("bias_ih_l\(k)", [rows]), ("bias_hh_l\(k)", [rows])] }
      if initialState ?? false { result += (type == "lstm" ? ["h0", "c0"] : ["h0"]).map { ("\($0)_l\(k)", [hiddenSize]) } }
    }
    return result
  }
}
