import Foundation

/// A network in double precision, written straight from its definition: what the library's float32 is held against.
/// Layers that drop out are the identity here, as outside training.
public struct ReferenceNetwork: Sendable {
  public let architecture: Architecture
  /// By full name, "<layer>.weight_ih_l0".
  public var parameters: [String: [Double]]

  public init(_ architecture: Architecture, _ parameters: [String: [Double]]) {
    self.architecture = architecture
    self.parameters = parameters
  }

  /// [time][batch] vectors; with one output per sequence, one time step.
  typealias Steps = [[[Double]]]

  struct Pass {
    /// Of the last layer, before its activation (of a layer without one: its output). Not masked.
    var preactivation: Steps
    /// Of the last layer, in the network's own units. Not masked.
    var output: Steps
    /// [batch], valid steps of output; all 1 with one output per sequence.
    var lengths: [Int]
  }

  /// What a host sees, [time][batch][output_size] or [batch][output_size]: in its units, 0 at padded steps.
  public func outputs(for data: SequenceData) -> [Double] {
    let pass = forward(data)
    return pass.output.enumerated().flatMap { t, lanes in
      lanes.enumerated().flatMap { b, y in
        y.indices.map {
          t < pass.lengths[b] ? y[$0] * element(architecture.output?.scale, $0, 1) + element(architecture.output?.shift, $0, 0) : 0
        }
      }
    }
  }

  func forward(_ data: SequenceData) -> Pass {
    let lengths = (0..<data.batchSize).map(data.length(of:))
    let steps = firstSteps(data)
    var pass = Pass(preactivation: steps, output: steps, lengths: lengths)
    for (index, layer) in architecture.layers.enumerated() {
      let name = layer.name ?? "\(index)"
      switch layer.type {
      case "rnn", "lstm", "gru":
        for k in 0..<(layer.numLayers ?? 1) { pass.output = recurrent(layer, name, k, pass.output, pass.lengths) }
        if layer.returnSequences == false {
          pass.output = [pass.lengths.indices.map { pass.output[pass.lengths[$0] - 1][$0] }]
          pass.lengths = pass.lengths.map { _ in 1 }
        }
        pass.preactivation = pass.output
      case "dense":
        let weight = parameters["\(name).weight"]!
        let bias = parameters["\(name).bias"]
        pass.preactivation = pass.output.map { $0.map { affine(weight, $0, bias) } }
        pass.output = pass.preactivation.map { $0.map { activate(layer.activation ?? "linear", $0) } }
      case "embedding", "dropout":
        break
      default:
        fatalError("unknown layer type \(layer.type)")
      }
    }
    return pass
  }

  /// What the first layer reads: scaled vectors, one-hot vectors, or rows of an embedding. Token -1 is the zero vector.
  private func firstSteps(_ data: SequenceData) -> Steps {
    let size = architecture.input.size
    let embedding = architecture.layers.first?.type == "embedding" ? parameters["\(architecture.layers[0].name ?? "0").weight"] : nil
    return (0..<data.sequenceLength).map { t in
      (0..<data.batchSize).map { b in
        let row = t * data.batchSize + b
        guard architecture.takesTokens else {
          return (0..<size).map {
            (Double(data.inputs[row * size + $0]) - element(architecture.input.shift, $0, 0)) / element(architecture.input.scale, $0, 1)
          }
        }
        let token = Int(data.tokens[row])
        guard let embedding else { return (0..<size).map { $0 == token ? 1 : 0 } }
        let width = embedding.count / size
        return token < 0 ? [Double](repeating: 0, count: width) : Array(embedding[token * width..<(token + 1) * width])
      }
    }
  }

  /// Cell number k over all time steps. A padded step changes no state and gives zeros.
  private func recurrent(_ layer: Layer, _ name: String, _ k: Int, _ inputs: Steps, _ lengths: [Int]) -> Steps {
    let hiddenSize = layer.hiddenSize!
    let zeros = [Double](repeating: 0, count: hiddenSize)
    let cell = ReferenceCell(
      hiddenSize: hiddenSize, weightIH: parameters["\(name).weight_ih_l\(k)"]!, weightHH: parameters["\(name).weight_hh_l\(k)"]!,
      biasIH: parameters["\(name).bias_ih_l\(k)"], biasHH: parameters["\(name).bias_hh_l\(k)"])
    var h = lengths.map { _ in parameters["\(name).h0_l\(k)"] ?? zeros }
    var c = lengths.map { _ in parameters["\(name).c0_l\(k)"] ?? zeros }
    return inputs.enumerated().map { t, lanes in
      lanes.enumerated().map { b, x in
        guard t < lengths[b] else { return zeros }
        switch layer.type {
        case "lstm": (h[b], c[b]) = cell.lstm(x, h[b], c[b])
        case "gru": h[b] = cell.gru(x, h[b], resetAfter: layer.resetAfter ?? true)
        default: h[b] = cell.elman(x, h[b], layer.nonlinearity == "relu" ? relu : tanh)
        }
        return h[b]
      }
    }
  }

  private func activate(_ activation: String, _ x: [Double]) -> [Double] {
    switch activation {
    case "linear": x
    case "tanh": x.map(tanh)
    case "relu": x.map(relu)
    case "sigmoid": x.map(sigmoid)
    case "softmax": softmax(x)
    default: fatalError("unknown activation \(activation)")
    }
  }
}

/// Element number index of a shift or scale; a list of one holds for all.
func element(_ values: [Double]?, _ index: Int, _ otherwise: Double) -> Double {
  guard let values else { return otherwise }
  return values[values.count == 1 ? 0 : index]
}
