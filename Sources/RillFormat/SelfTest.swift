import RillBase
import RillJSON
import RillNetwork

/// Inputs with the outputs they gave from the initial state, carried in a model file: a load that computes something else is noticed.
enum SelfTest {
  /// Processors and library versions differ in the last bits, which a recurrent network may amplify a little.
  private static var tolerance: Double { 1e-4 }

  /// Runs `steps` time steps of random input, in the units of the host, with the parameters as they are.
  static func make(_ model: Model, steps: Int) throws(RillError) -> JSONNode {
    let copy = try Model(model.network, seed: nil)
    defer { withExtendedLifetime(copy) {} }
    copy.values.pointer.copy(model.values.pointer, model.values.count)
    copy.publishFirst()
    let trial = try Trial(model.network, steps)
    defer { withExtendedLifetime(trial) {} }
    trial.fillInput(model.network)
    try trial.run(copy)
    let json = try JSONNode.object()
    try json.set("inputs", try trial.inputs(model.network))
    try json.set("outputs", try trial.rows(trial.y.pointer, model.network.outputSize))
    try json.set("tolerance", try JSONNode.number(tolerance))
    return json
  }

  static func check(_ json: JSONValue, _ model: Model) throws(RillError) {
    try json.requireObject(keys: "inputs outputs tolerance")
    let inputs = try json.required("inputs")
    let outputs = try json.required("outputs")
    let tolerance = try json.required("tolerance").number(0...1e6)
    let steps = try inputs.requireArray(count: 1...1000)
    _ = try outputs.requireArray(count: steps...steps)
    let trial = try Trial(model.network, steps)
    let size = model.network.outputSize
    let expected = try Buffer<Float>(count: size)
    defer { withExtendedLifetime((trial, expected)) {} }
    if model.network.input.isToken {
      try inputs.integers(into: trial.tokens.pointer, count: steps, -1...(model.network.input.size - 1))
    } else {
      for t in 0..<steps {
        try inputs.element(t).floats(into: trial.x.pointer + t * model.network.input.size, count: model.network.input.size)
      }
    }
    try trial.run(model)
    for t in 0..<steps {
      try outputs.element(t).floats(into: expected.pointer, count: size)
      for j in 0..<size {
        let (wanted, got) = (Double(expected.pointer[j]), Double(trial.y.pointer[t * size + j]))
        guard abs(wanted - got) <= tolerance * max(1, abs(wanted)) else {
          throw .format(
            "self_test.outputs[\(t)][\(j)]: the file says \(expected.pointer[j]), computed was \(trial.y.pointer[t * size + j])")
        }
      }
    }
  }

  /// The arrays of one test.
  private struct Trial {
    let steps: Int
    let x: Buffer<Float>
    let tokens: Buffer<Int32>
    let y: Buffer<Float>

    init(_ network: Network, _ steps: Int) throws(RillError) {
      self.steps = steps
      x = try Buffer(count: network.input.isToken ? 0 : steps * network.input.size)
      tokens = try Buffer(count: network.input.isToken ? steps : 0)
      y = try Buffer(count: steps * network.outputSize)
    }

    func fillInput(_ network: Network) {
      let generator = Philox(key: 0)
      let size = network.input.size
      for t in 0..<steps {
        if network.input.isToken {
          tokens.pointer[t] = Int32(generator.words(UInt32(t), 0, 0, 0).x % UInt32(size))
          continue
        }
        for j in 0..<size {
          let unit = Float(generator.words(UInt32(t), UInt32(j), 0, 0).x >> 8) * 0x1p-23 - 1
          let scaled = network.input.scaling.map { unit * $0.scale.pointer[j] + $0.shift.pointer[j] } ?? unit
          x.pointer[t * size + j] = scaled.isFinite ? scaled : 0
        }
      }
    }

    func run(_ model: Model) throws(RillError) {
      let isToken = model.network.input.isToken
      let stream = try Stream(model, batchSize: 1)
      let done = stream.run(
        steps, isToken ? nil : UnsafePointer(x.pointer), isToken ? UnsafePointer(tokens.pointer) : nil,
        y.pointer)
      guard done == steps else { throw .diverged("self_test: the state overflowed at time step \(done)") }
      for i in 0..<y.count where !y.pointer[i].isFinite { throw .diverged("self_test: an output is not finite") }
    }

    func inputs(_ network: Network) throws(RillError) -> JSONNode {
      guard network.input.isToken else { return try rows(x.pointer, network.input.size) }
      let list = try JSONNode.array()
      for t in 0..<steps { try list.append(Int(tokens.pointer[t])) }
      return list
    }

    func rows(_ values: UnsafePointer<Float>, _ size: Int) throws(RillError) -> JSONNode {
      let list = try JSONNode.array()
      for t in 0..<steps { try list.append(try JSONNode.floats(values + t * size, count: size)) }
      return list
    }
  }
}
