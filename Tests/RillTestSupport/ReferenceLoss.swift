import Foundation

extension ReferenceNetwork {
  /// The loss of a batch, in the network's own units: targets are mapped back by the output's shift and scale.
  public func loss(of data: SequenceData, _ objective: Objective) -> Double {
    let terms = terms(of: data, objective)
    return objective.reduction == .sum ? terms.sum : terms.sum / terms.weight
  }

  /// The sum of all terms, and what a mean divides it by.
  public func terms(of data: SequenceData, _ objective: Objective) -> (sum: Double, weight: Double) {
    let pass = forward(data)
    if objective.loss == .esr { return errorToSignal(pass, data, objective) }
    var sum = 0.0
    var weight = 0.0
    for t in pass.output.indices {
      for b in 0..<data.batchSize where t < pass.lengths[b] {
        let row = t * data.batchSize + b
        let w = objective.weights.map { Double($0[row]) } ?? 1
        if w == 0 { continue }
        switch objective.loss {
        case .crossEntropy:
          let index = Int(objective.classes[row])
          if index < 0 { continue }
          sum += w * crossEntropy(pass.preactivation[t][b], index, objective.options)
          weight += w * element(objective.options.classWeights, index)
        case .bce:
          let logits = pass.preactivation[t][b]
          for j in logits.indices {
            let positive = element(objective.options.positiveWeights, j)
            sum += w * binaryCrossEntropy(logits[j], Double(objective.targets[row * logits.count + j]), positive)
          }
          weight += w * Double(logits.count)
        case .mse, .mae, .huber, .esr:
          let y = pass.output[t][b]
          for j in y.indices {
            let d = y[j] - target(objective, row, j, y.count)
            switch objective.loss {
            case .mse: sum += w * d * d
            case .mae: sum += w * abs(d)
            default:
              let delta = objective.options.delta ?? 1
              sum += w * (abs(d) <= delta ? d * d / 2 : delta * (abs(d) - delta / 2))
            }
          }
          weight += w * Double(y.count)
        }
      }
    }
    return (sum, weight)
  }

  private func target(_ objective: Objective, _ row: Int, _ j: Int, _ size: Int) -> Double {
    (Double(objective.targets[row * size + j]) - element(architecture.output?.shift, j, 0)) / element(architecture.output?.scale, j, 1)
  }

  /// Of every sequence and output, both signals filtered: the energy of the error over that of the target.
  private func errorToSignal(_ pass: Pass, _ data: SequenceData, _ objective: Objective) -> (sum: Double, weight: Double) {
    let alpha = objective.options.preEmphasis ?? 0
    func energy(_ values: [Double]) -> Double {
      values.indices.reduce(0) { sum, t in
        let filtered = values[t] - alpha * (t > 0 ? values[t - 1] : 0)
        return sum + filtered * filtered
      }
    }
    let size = pass.output[0][0].count
    var sum = 0.0
    for b in 0..<data.batchSize {
      for j in 0..<size {
        let targets = (0..<pass.lengths[b]).map { target(objective, $0 * data.batchSize + b, j, size) }
        let errors = targets.indices.map { pass.output[$0][b][j] - targets[$0] }
        sum += energy(errors) / (energy(targets) + (objective.options.epsilon ?? 1e-5) * Double(targets.count))
      }
    }
    return (sum, Double(data.batchSize * size))
  }
}

private func element(_ weights: [Float]?, _ index: Int) -> Double { weights.map { Double($0[index]) } ?? 1 }

/// (1 - smoothing) u_index l_index + smoothing / n sum of u_k l_k, with l = -log softmax(logits) and u the class weights
private func crossEntropy(_ logits: [Double], _ index: Int, _ options: LossOptions) -> Double {
  let largest = logits.max() ?? 0
  let logarithm = log(logits.reduce(0) { $0 + exp($1 - largest) }) + largest
  let losses = logits.indices.map { element(options.classWeights, $0) * (logarithm - logits[$0]) }
  let smoothing = options.labelSmoothing ?? 0
  return (1 - smoothing) * losses[index] + smoothing / Double(losses.count) * losses.reduce(0, +)
}

/// -(p t log sigma(z) + (1 - t) log(1 - sigma(z)))
private func binaryCrossEntropy(_ z: Double, _ t: Double, _ p: Double) -> Double {
  p * t * softplus(-z) + (1 - t) * softplus(z)
}

/// log(1 + exp(x))
private func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }
