import CPlatform
import CVector
import RillBase
import RillNetwork

extension Loss {
  /// Computes some rows of all time steps: adds their sums to memory.sums, and writes if it is wanted the gradient of the sum of all terms into dy, padding
  /// included. A row depends on no other and sums over time in descending order, so the bits are the same however rows and, last segment first, steps are
  /// split over calls.
  func compute(_ s: LossSteps, rows: Range<Int>, _ memory: LossMemory, _ kernels: Kernels) {
    for t in (0..<s.steps).reversed() {
      let counts = t >= s.firstStep
      // Cross-entropy's kernel writes every row.
      if let dy = s.dy, !counts || !takesClasses { (dy + (t * s.rows + rows.lowerBound) * s.width).clear(rows.count * s.width) }
      guard counts else { continue }
      switch kind {
      case .mse, .mae, .huber: elements(s, t, rows, memory.sums.pointer)
      case .esr: break
      case .crossEntropy: crossEntropy(s, t, rows, memory, kernels)
      case .bce: binaryCrossEntropy(s, t, rows, memory.sums.pointer)
      }
    }
    if kind == .esr { for row in rows { memory.sums.pointer[row].add(errorToSignal(s, row)) } }
  }

  /// Of every element, with d = y − t:
  ///   mse    d²                                       2 d
  ///   mae    |d|                                      sign d, 0 at 0
  ///   huber  d² / 2 up to δ, then δ (|d| − δ / 2)     d limited to ±δ
  private func elements(_ s: LossSteps, _ t: Int, _ rows: Range<Int>, _ sums: UnsafeMutablePointer<LossSums>) {
    let (kind, size, width) = (kind, s.size, s.width)
    let delta = kind == .huber ? Float(options[0]) : 0
    for row in rows {
      let weight = s.weight(t, row)
      guard weight > 0 else { continue }
      let index = t * s.rows + row
      let (y, target) = (s.y + index * width, s.targets! + index * size)
      var loss = 0.0
      for j in 0..<size {
        let d = y[j] - s.own(target, j)
        let sign: Float = d > 0 ? 1 : d < 0 ? -1 : 0
        var slope: Float
        switch kind {
        case .mse:
          loss += Double(d) * Double(d)
          slope = 2 * d
        case .huber where abs(d) <= delta:
          loss += Double(d) * Double(d) / 2
          slope = d
        case .huber:
          loss += Double(delta) * (Double(abs(d)) - Double(delta) / 2)
          slope = delta * sign
        default:
          loss += Double(abs(d))
          slope = sign
        }
        if let dy = s.dy { dy[index * width + j] = weight * slope }
      }
      sums[row].loss += Double(weight) * loss
      sums[row].weight += Double(weight) * Double(size)
      sums[row].steps += 1
    }
  }

  /// From pre-activations z, with p the output's positive weight and s(x) = log(1 + exp x), which cannot overflow:
  ///   L = p t s(−z) + (1 − t) s(z),  dz = (1 − t) σ(z) − p t (1 − σ(z))
  private func binaryCrossEntropy(_ s: LossSteps, _ t: Int, _ rows: Range<Int>, _ sums: UnsafeMutablePointer<LossSums>) {
    let (size, width, positive) = (s.size, s.width, outputWeights)
    for row in rows {
      let weight = Double(s.weight(t, row))
      guard weight > 0 else { continue }
      let index = t * s.rows + row
      let (z, targets) = (s.y + index * width, s.targets! + index * size)
      var loss = 0.0
      for j in 0..<size {
        let (x, target) = (Double(z[j]), Double(targets[j]))
        let e = rill__exp(-abs(x))
        let tail = rill__log1p(e)
        let (yes, no) = (Double(positive[j]) * target, 1 - target)
        loss += yes * (max(-x, 0) + tail) + no * (max(x, 0) + tail)
        if let dy = s.dy {
          // The larger and the smaller of σ and 1 − σ.
          let (large, small) = (1 / (1 + e), e / (1 + e))
          dy[index * width + j] = Float(weight * (x >= 0 ? no * large - yes * small : no * small - yes * large))
        }
      }
      sums[row].loss += weight * loss
      sums[row].weight += weight * Double(size)
      sums[row].steps += 1
    }
  }

  /// From pre-activations z, with ε the smoothing, u the class weights, C classes, ℓ_k = log Σ exp z − z_k, q_k = u_k ε / C, w the step's weight:
  ///   L = w ((1 − ε) u_class ℓ_class + Σ_k q_k ℓ_k),  counted as w u_class
  ///   dz = w (((1 − ε) u_class + Σ_k q_k) softmax(z) − q − (1 − ε) u_class onehot)
  private func crossEntropy(_ s: LossSteps, _ t: Int, _ rows: Range<Int>, _ memory: LossMemory, _ kernels: Kernels) {
    let (first, width, kept) = (rows.lowerBound, s.width, 1 - options[0])
    let (classes, weights, classWeights) = (memory.classes.pointer, memory.weights, outputWeights)
    let (wholes, scales, losses) = (memory.wholes, memory.scales, memory.losses)
    let z = s.y + t * s.rows * width
    // Row 0's, of this step.
    let dz = s.dy.map { $0 + t * s.rows * width } ?? memory.unwanted.pointer
    for row in rows {
      let weight = s.weight(t, row)
      let given = weight > 0 ? s.classes![t * s.rows + row] : -1
      classes[row] = given
      guard given >= 0 else { continue }
      let scale = kept * Double(classWeights[Int(given)])
      weights[row] = weight
      scales[row] = Float(Double(weight) * scale)
      wholes[row] = Float(Double(weight) * (scale + shareSum))
    }
    var operands = rill__cross_entropy()
    operands.rows = rows.count
    operands.size = s.size
    operands.blocks = width / 16
    operands.z = z + first * width
    operands.dz = dz + first * width
    operands.classes = UnsafePointer(classes + first)
    operands.wholes = UnsafePointer(wholes + first)
    operands.scales = UnsafePointer(scales + first)
    operands.losses = losses + first
    kernels.table.cross_entropy(&operands)
    for row in rows where classes[row] >= 0 {
      let (weight, plain, wanted) = (Double(weights[row]), Double(losses[row]), Int(classes[row]))
      let classWeight = Double(classWeights[wanted])
      var loss = kept * classWeight * plain
      if shareSum > 0 { loss += smooth(s.size, z + row * width, wanted, plain, weights[row], dz + row * width) }
      let sums = memory.sums.pointer + row
      sums.pointee.loss += weight * loss
      sums.pointee.weight += weight * classWeight
      sums.pointee.plain += plain
      sums.pointee.steps += 1
    }
  }

  /// Σ_k q_k ℓ_k = Σ_k q_k (ℓ_class + z_class − z_k);  dz −= w q
  private func smooth(
    _ size: Int, _ z: UnsafePointer<Float>, _ wanted: Int, _ plain: Double, _ weight: Float, _ dz: UnsafeMutablePointer<Float>
  ) -> Double {
    let shares = shares
    let logarithm = plain + Double(z[wanted])
    var sum = 0.0
    for k in 0..<size {
      sum += Double(shares[k]) * (logarithm - Double(z[k]))
      dz[k] -= weight * shares[k]
    }
    return sum
  }

  /// Of a row, for each output over its n steps, f[t] = v[t] − α v[t − 1] the pre-emphasis filter and e = y − target:
  ///   L = Σ f(e)² / (Σ f(target)² + ε n),  dy[t] = 2 (f(e)[t] − α f(e)[t + 1]) / (…)
  /// Before the first step that counts v is 0, whether there are steps or not: so it does not matter how far a window reaches back.
  private func errorToSignal(_ s: LossSteps, _ row: Int) -> LossSums {
    var sums = LossSums()
    let (first, end) = (s.firstStep, s.length(row))
    guard end > first else { return sums }
    let (alpha, epsilon) = (options[0], options[1])
    sums.weight = Double(s.size)
    sums.steps = end - first
    for j in 0..<s.size {
      var (errors, signal) = (0.0, epsilon * Double(end - first))
      // Once to sum up, once for the gradient, which needs the sums.
      for pass in 0..<(s.dy == nil ? 1 : 2) {
        var (lastError, lastTarget, lastFiltered) = (0.0, 0.0, 0.0)
        for t in first..<end {
          let index = t * s.rows + row
          let target = Double(s.own(s.targets! + index * s.size, j))
          let error = Double(s.y[index * s.width + j]) - target
          let filtered = error - alpha * lastError
          if pass == 0 {
            let emphasized = target - alpha * lastTarget
            errors += filtered * filtered
            signal += emphasized * emphasized
          } else if let dy = s.dy {
            dy[index * s.width + j] = Float(2 * filtered / signal)
            if t > first { dy[(index - s.rows) * s.width + j] = Float(2 * (lastFiltered - alpha * filtered) / signal) }
          }
          (lastError, lastTarget, lastFiltered) = (error, target, filtered)
        }
      }
      sums.loss += errors / signal
    }
    return sums
  }
}
