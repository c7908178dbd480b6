import CVector
import RillBase
import RillJSON
import RillNetwork

/// What training minimizes: made once per trainer and checked against its network.
///
/// Values and gradients are those of the sum of all terms. What a mean divides by is summed up beside them (LossSums.weight), and whoever updates
/// divides: so gradients of parts of a batch, or of several batches, can be added.
final class Loss {
  enum Kind: Int {
    case mse
    case mae
    case huber
    case esr
    case crossEntropy
    case bce

    static var names: Words { "mse mae huber esr cross_entropy bce" }
    var name: Text { Kind.names[rawValue] }

    var options: OptionTable {
      // Not 0, or what computation takes for it: the quotients and slopes that they stand in would be 0 / 0.
      let positive = 1e-37...Double(Float.greatestFiniteMagnitude)
      switch self {
      case .huber: return OptionTable([Option("delta", .number(positive, fallback: 1))])
      case .esr:
        return OptionTable([
          Option("pre_emphasis", .number(0...1, fallback: 0)), Option("epsilon", .number(positive, fallback: 1e-5)),
        ])
      case .crossEntropy: return OptionTable([Option("label_smoothing", .number(0...1, fallback: 0))])
      case .mse, .mae, .bce: return OptionTable([])
      }
    }

    /// The option that lists a weight for every output.
    var listKey: Words? {
      switch self {
      case .crossEntropy: "class_weights"
      case .bce: "positive_weights"
      default: nil
      }
    }
  }

  let kind: Kind
  /// Of the kind's table.
  let options: [Double]
  /// [2][size]: a weight for every output, 1 unless given; label smoothing: the share of every class.
  private let tables: Buffer<Float>
  /// Sum of the shares; 0 without smoothing.
  let shareSum: Double

  var name: Text { kind.name }
  var outputWeights: UnsafePointer<Float> { UnsafePointer(tables.pointer) }
  var shares: UnsafePointer<Float> { UnsafePointer(tables.pointer + tables.count / 2) }

  /// True if the loss reads the pre-activation of the last dense layer, so that log(softmax) and log(σ) cannot overflow.
  var takesPreactivation: Bool { kind == .crossEntropy || kind == .bce }
  var takesClasses: Bool { kind == .crossEntropy }

  /// json: a name, or {"type": name, options of that loss}.
  convenience init(_ json: JSONValue, _ network: Network) throws(RillError) {
    let kind = Kind(rawValue: try (json.isObject ? try json.required("type") : json).choice(Kind.names)) ?? .mse
    try Loss.check(kind, network)
    let size = network.outputSize
    let tables = try Buffer<Float>(2, size)
    let weights = tables.pointer
    for i in 0..<size { weights[i] = 1 }
    var options = try kind.options.defaults()
    if json.isObject {
      try kind.options.requireKeys(json, and: "type", kind.listKey ?? "")
      options = try kind.options.read(json)
      if let key = kind.listKey, let list = try json.member(key.start) { try Loss.read(list, into: weights, count: size) }
    }
    // PyTorch's: every class takes smoothing / classes of a target, times its own weight.
    var shareSum = 0.0
    if kind == .crossEntropy {
      for i in 0..<size {
        weights[size + i] = Float(options[0] / Double(size) * Double(weights[i]))
        shareSum += Double(weights[size + i])
      }
    }
    self.init(kind, options, tables, shareSum)
  }

  private init(_ kind: Kind, _ options: [Double], _ tables: Buffer<Float>, _ shareSum: Double) {
    self.kind = kind
    self.options = options
    self.tables = tables
    self.shareSum = shareSum
  }

  /// Refuses models whose output the loss has no meaning for.
  private static func check(_ kind: Kind, _ network: Network) throws(RillError) {
    switch kind {
    case .mse, .mae, .huber: return
    case .esr:
      guard !network.isPerSequence else { throw .unsupported("loss: esr needs a model with an output at every step") }
    case .crossEntropy, .bce:
      let activation = (network.units.last as? Dense)?.activation
      let fitting = kind == .crossEntropy ? rill__softmax : rill__sigmoid
      guard activation == Int(fitting) || activation == Int(rill__linear) else {
        throw .unsupported(
          "loss: \(kind.name) needs a last dense layer with activation \(kind == .crossEntropy ? "softmax" : "sigmoid") or linear")
      }
      guard network.architecture.output == nil else {
        throw .unsupported("loss: \(kind.name) is not offered for a model with output shift and scale")
      }
    }
  }

  private static func read(_ list: JSONValue, into weights: UnsafeMutablePointer<Float>, count: Int) throws(RillError) {
    _ = try list.requireArray(count: count...count)
    try list.floats(into: weights, count: count)
    for i in 0..<count where weights[i] < 0 { throw .format("\(list.element(i).path): expected a number from 0") }
  }
}
