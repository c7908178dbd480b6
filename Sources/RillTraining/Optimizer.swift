import CPlatform
import CVector
import RillBase
import RillJSON
import RillNetwork

/// Gradient descent of one kind, with its moments. Definitions are PyTorch's.
package final class Optimizer {
  enum Kind: Int {
    case sgd
    case rmsprop
    case adam

    static var names: [StaticString] { ["sgd", "rmsprop", "adam"] }

    var table: OptionTable {
      let decay = 0.0...1.0
      let positive = 0.0...Double(Float.greatestFiniteMagnitude)
      // Not 0 (or denormal, which computation takes for 0): an element without gradient, as the padding between tensors is, would be 0 / 0.
      let epsilon = 1e-37...Double(Float.greatestFiniteMagnitude)
      switch self {
      case .sgd:
        return OptionTable([
          Option("learning_rate", .number(positive, fallback: 0.01)), Option("momentum", .number(decay, fallback: 0)),
        ])
      case .rmsprop:
        return OptionTable([
          Option("learning_rate", .number(positive, fallback: 0.01)), Option("alpha", .number(decay, fallback: 0.99)),
          Option("epsilon", .number(epsilon, fallback: 1e-8)), Option("momentum", .number(decay, fallback: 0)),
        ])
      case .adam:
        return OptionTable([
          Option("learning_rate", .number(positive, fallback: 0.001)), Option("beta1", .number(0.0...0.9999999, fallback: 0.9)),
          Option("beta2", .number(0.0...0.9999999, fallback: 0.999)), Option("epsilon", .number(epsilon, fallback: 1e-8)),
        ])
      }
    }
  }

  private let kind: Kind
  private let options: [Double]
  package var learningRate: Double
  /// Successful updates.
  package private(set) var updateCount = 0
  private let first: Buffer<Float>
  private let second: Buffer<Float>

  /// json: {"type": …, options of the type}, or nil for adam with defaults. count: parameter values, a multiple of 16.
  convenience init(_ json: JSONValue?, count: Int) throws(RillError) {
    var kind = Kind.adam
    var options = try Kind.adam.table.defaults()
    if let json {
      try json.requireObject()
      kind = Kind(rawValue: try json.required("type").choice(Kind.names)) ?? .adam
      try json.requireObject(keys: kind.table.keys(and: ["type"]))
      options = try kind.table.read(json)
    }
    let hasFirst = kind == .adam || (kind == .sgd && options[1] > 0) || (kind == .rmsprop && options[3] > 0)
    self.init(kind, options, try Buffer(count: hasFirst ? count : 0), try Buffer(count: kind == .sgd ? 0 : count))
  }

  private init(_ kind: Kind, _ options: [Double], _ first: Buffer<Float>, _ second: Buffer<Float>) {
    self.kind = kind
    self.options = options
    self.first = first
    self.second = second
    learningRate = options[0]
  }

  /// Changes `count` parameters by the gradient, scaled by `scale` and then limited to ±`limit`. Nothing changes if a result would not be finite.
  func update(
    _ parameters: UnsafeMutablePointer<Float>, _ gradients: UnsafePointer<Float>, count: Int, scale: Float, limit: Float, _ kernels: Kernels
  ) throws(RillError) {
    var update = rill__update()
    update.count = count
    update.parameters = parameters
    update.gradients = gradients
    update.first = first.count > 0 ? first.pointer : nil
    update.second = second.count > 0 ? second.pointer : nil
    update.scale = scale
    update.limit = limit
    update.starting = updateCount == 0 ? 1 : 0
    update.rate = Float(learningRate)
    let kernel: @convention(c) (UnsafePointer<rill__update>?) -> Int
    switch kind {
    case .sgd:
      update.first_decay = Float(options[1])
      kernel = kernels.table.update_sgd
    case .rmsprop:
      update.second_decay = Float(options[1])
      update.second_rest = Float(1 - options[1])
      update.epsilon = Float(options[2])
      update.first_decay = Float(options[3])
      kernel = kernels.table.update_rmsprop
    case .adam:
      let n = Double(updateCount + 1)
      update.first_decay = Float(options[1])
      update.first_rest = Float(1 - options[1])
      update.second_decay = Float(options[2])
      update.second_rest = Float(1 - options[2])
      update.second_correction = Float(1 / (1 - rill__pow(options[2], n)).squareRoot())
      update.rate = Float(learningRate / (1 - rill__pow(options[1], n)))
      update.epsilon = Float(options[3])
      kernel = kernels.table.update_adam
    }
    guard kernel(&update) != 0 else { throw .diverged("an updated parameter or moment would not be finite; lower the learning rate") }
    update.committing = 1
    _ = kernel(&update)
    updateCount += 1
  }
}
