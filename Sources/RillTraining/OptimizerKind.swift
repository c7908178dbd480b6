import RillBase
import RillJSON
import RillNetwork

/// The optimizers, definitions as in PyTorch, by their names in rill.h.
enum OptimizerKind: Int {
  case sgd
  case adagrad
  case rmsprop
  case adam
  case adamw
  case nadam
}

/// An optimizer with its options.
struct OptimizerChoice {
  let kind: OptimizerKind
  let learningRate: Double
  let weightDecay: Double
  let epsilon: Double
  private let options: [Double]

  var momentum: Double { options[Place.momentum] }
  var isNesterov: Bool { options[Place.nesterov] == 1 }
  var rateDecay: Double { options[Place.rateDecay] }
  var alpha: Double { options[Place.alpha] }
  var beta1: Double { options[Place.beta1] }
  var beta2: Double { options[Place.beta2] }
  var momentumDecay: Double { options[Place.momentumDecay] }

  /// Places of options in the table.
  private enum Place {
    static var momentum: Int { 3 }
    static var nesterov: Int { 4 }
    static var rateDecay: Int { 5 }
    static var alpha: Int { 6 }
    static var beta1: Int { 7 }
    static var beta2: Int { 8 }
    static var momentumDecay: Int { 9 }
  }

  /// The options of all kinds; −1 where the default differs between kinds.
  private static var table: OptionTable {
    OptionTable([
      Option("learning_rate", .number(0...largestNumber, fallback: -1)), Option("weight_decay", .number(0...largestNumber, fallback: -1)),
      // Not 0 (or denormal, which computation takes for 0): an element without gradient, as the padding between tensors is, would be 0 / 0.
      Option("epsilon", .number(1e-37...largestNumber, fallback: -1)),
      Option("momentum", .number(0...1, fallback: 0)), Option("nesterov", .boolean(fallback: false)),
      Option("lr_decay", .number(0...largestNumber, fallback: 0)), Option("alpha", .number(0...1, fallback: 0.99)),
      Option("beta1", .number(0...0.9999999, fallback: 0.9)), Option("beta2", .number(0...0.9999999, fallback: 0.999)),
      Option("momentum_decay", .number(0...largestNumber, fallback: 0.004)),
    ])
  }

  /// json: all options of a trainer. Without "optimizer": adam.
  init(_ json: JSONValue) throws(RillError) {
    let table = OptimizerChoice.table
    if let given = try json.member("optimizer") {
      // What kinds have of the table, its last entry on the left.
      let adam = 0b01_1000_0111
      let (type, values) = try table.readTyped(
        given, "sgd adagrad rmsprop adam adamw nadam",
        masks: [0b00_0001_1011, 0b00_0010_0111, 0b00_0100_1111, adam, adam, 0b11_1000_0111])
      kind = OptimizerKind(rawValue: type) ?? .adam
      options = values
    } else {
      kind = .adam
      options = try table.defaults()
    }
    let rate = kind == .nadam ? 0.002 : kind == .adam || kind == .adamw ? 0.001 : 0.01
    learningRate = options[0] < 0 ? rate : options[0]
    weightDecay = options[1] < 0 ? (kind == .adamw ? 0.01 : 0) : options[1]
    epsilon = options[2] < 0 ? (kind == .adagrad ? 1e-10 : 1e-8) : options[2]
    if isNesterov, momentum == 0 { throw .format("options.optimizer.nesterov: needs a momentum") }
  }

  /// Whether there is a first moment, or momentum buffer, and a second.
  var hasFirst: Bool {
    switch kind {
    case .sgd, .rmsprop: momentum > 0
    case .adagrad: false
    case .adam, .adamw, .nadam: true
    }
  }
  var hasSecond: Bool { kind != .sgd }
}

/// The largest float32, and the largest count in an option.
var largestNumber: Double { Double(Float.greatestFiniteMagnitude) }
var largestCount: Int { Int(Int32.max) }
