import Foundation

extension ReferenceNetwork {
  /// The loss of a batch, in the network's own units: targets of mse are mapped back by the output's shift and scale.
  public func loss(of data: SequenceData, _ objective: Objective) -> Double {
    let pass = forward(data)
    var sum = 0.0
    var count = 0
    for t in pass.output.indices {
      for b in 0..<data.batchSize where t < pass.lengths[b] {
        let row = t * data.batchSize + b
        switch objective.loss {
        case .crossEntropy:
          let index = Int(objective.classes[row])
          if index < 0 { continue }
          sum += crossEntropy(pass.preactivation[t][b], index)
          count += 1
        case .bce:
          let logits = pass.preactivation[t][b]
          for j in logits.indices { sum += binaryCrossEntropy(logits[j], Double(objective.targets[row * logits.count + j])) }
          count += logits.count
        case .mse:
          let y = pass.output[t][b]
          for j in y.indices {
            let target = Double(objective.targets[row * y.count + j])
            let own = (target - element(architecture.output?.shift, j, 0)) / element(architecture.output?.scale, j, 1)
            sum += (y[j] - own) * (y[j] - own)
          }
          count += y.count
        }
      }
    }
    return objective.reduction == .sum ? sum : sum / Double(count)
  }
}

/// -log softmax(logits)[index]
private func crossEntropy(_ logits: [Double], _ index: Int) -> Double {
  let largest = logits.max() ?? 0
  return log(logits.reduce(0) { $0 + exp($1 - largest) }) + largest - logits[index]
}

/// -(t log sigma(z) + (1 - t) log(1 - sigma(z)))
private func binaryCrossEntropy(_ z: Double, _ t: Double) -> Double {
  max(z, 0) - z * t + log1p(exp(-abs(z)))
}
