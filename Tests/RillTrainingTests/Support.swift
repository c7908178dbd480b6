import RillBase
import RillJSON
import RillNetwork
@testable import RillTraining

func json(_ text: String) throws -> JSONValue {
  var text = text
  return try text.withUTF8 { try JSONDocument(parsing: UnsafeRawBufferPointer($0)).root(named: "options") }
}

/// An lstm of 40 and a dense layer of 2: 7,024 values with their padding, of which the head has 96.
func network() throws -> Network {
  let layers = #"[{"type": "lstm", "hidden_size": 40, "name": "body"}, {"type": "dense", "output_size": 2, "name": "head"}]"#
  return try Network(Architecture(try json(#"{"input": {"kind": "vector", "size": 3}, "layers": \#(layers)}"#)))
}

/// Parameters and an optimizer, without a model around them.
final class Descent {
  let network: Network
  let optimizer: Optimizer
  let parameters: Buffer<Float>
  private let gradients: Buffer<Float>
  private var made = 0

  init(_ options: String) throws {
    network = try RillTrainingTests.network()
    optimizer = try Optimizer(json(options), network)
    parameters = try Buffer(count: network.valueCount)
    gradients = try Buffer(count: network.valueCount)
  }

  /// The gradient of update number n: numbers in −1 ... 1 without a pattern, 0 in the padding.
  func gradient() -> UnsafeMutablePointer<Float> {
    for parameter in network.parameters {
      for i in 0..<parameter.count {
        gradients.pointer[parameter.offset + i] = Float((i &* 37 &+ made &* 11 &+ parameter.offset) % 101 - 50) / 50
      }
    }
    made += 1
    return gradients.pointer
  }

  /// One thread's update, slice after slice; the norm of its gradient.
  @discardableResult
  func update() throws -> Double {
    let slices = 0..<optimizer.sliceCount
    let gradient = gradient()
    for slice in slices { optimizer.measure(gradient, slice: slice) }
    let update = optimizer.prepare(parameters.pointer, gradient, scale: 0.5, limit: 0.4)
    guard slices.allSatisfy({ optimizer.check(update, slice: $0) }) else { throw Optimizer.diverged }
    for slice in slices { optimizer.commit(update, slice: slice) }
    optimizer.finish(update)
    return optimizer.sumOfSquares().squareRoot()
  }

  var bits: [UInt32] { (0..<parameters.count).map { parameters.pointer[$0].bitPattern } }

  /// Everything that a checkpoint keeps.
  func state() throws -> (numbers: [String: Double], buffers: [String: [UInt32]]) {
    var numbers: [String: Double] = [:]
    var buffers: [String: [UInt32]] = [:]
    try optimizer.forEachNumber { name, value in
      numbers[name.description] = value
      return value
    }
    try optimizer.forEachBuffer { name, buffer in
      buffers[name.description] = (0..<buffer.count).map { buffer.pointer[$0].bitPattern }
    }
    return (numbers, buffers)
  }
}
