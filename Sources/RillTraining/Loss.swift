import CPlatform
import CVector
import RillBase
import RillNetwork

/// What training minimizes.
package enum LossKind: Int {
  case meanSquaredError
  case crossEntropy
  case binaryCrossEntropy

  static var names: [StaticString] { ["mse", "cross_entropy", "bce"] }

  /// True if the loss reads the pre-activation of the last dense layer, so that log(softmax) and log(σ) cannot overflow.
  var takesPreactivation: Bool { self != .meanSquaredError }

  /// Refuses models whose output the loss has no meaning for.
  func check(_ network: Network) throws(RillError) {
    if self == .meanSquaredError { return }
    let activation = (network.units.last as? Dense)?.activation
    let fitting = self == .crossEntropy ? rill__softmax : rill__sigmoid
    guard activation == Int(fitting) || activation == Int(rill__linear) else {
      throw .unsupported(
        "loss: \(LossKind.names[rawValue]) needs a last dense layer with activation \(self == .crossEntropy ? "softmax" : "sigmoid") or linear"
      )
    }
    guard network.architecture.output == nil else {
      throw .unsupported("loss: \(LossKind.names[rawValue]) is not offered for a model with output shift and scale")
    }
  }
}

/// Sums over the valid steps of one batch.
package struct LossSums {
  /// Sum of the losses of steps (cross-entropy) or elements (the others).
  package var loss = 0.0
  /// How many the sum is over.
  package var terms = 0
  /// Valid steps.
  package var steps = 0
  /// Right answers: steps (cross-entropy) or elements (binary cross-entropy).
  package var correct = 0
}

/// Rows that a loss looks at: [steps][B] of `size` values padded to whole vectors.
struct LossRows {
  let steps: Int
  let rows: Int
  let size: Int
  let lengths: UnsafePointer<Int32>?
  /// Whether gradients are over the number of terms.
  let isMean: Bool

  var width: Int { padded(size) }

  /// Valid steps; all rows count for a model with one output per sequence, which has no lengths here.
  func isValid(_ t: Int, _ row: Int) -> Bool { lengths.map { t < Int($0[row]) } ?? true }

  var validSteps: Int {
    guard let lengths else { return steps * rows }
    return (0..<rows).reduce(0) { $0 + Int(lengths[$1]) }
  }

  /// ½-free squared error:  L = Σ (y − t)² / n;  dy = 2 (y − t) / n. Targets are in the host's units.
  func squaredError(
    _ y: UnsafePointer<Float>, _ targets: UnsafePointer<Float>, _ scaling: Scaling?, gradient: UnsafeMutablePointer<Float>?
  ) -> LossSums {
    var sums = LossSums()
    sums.steps = validSteps
    sums.terms = sums.steps * size
    let factor = isMean ? 2 / Float(max(1, sums.terms)) : 2
    forEachRow(gradient) { index in
      for j in 0..<size {
        let raw = targets[index * size + j]
        let target = scaling.map { (raw - $0.shift.pointer[j]) / $0.scale.pointer[j] } ?? raw
        let difference = y[index * width + j] - target
        sums.loss += Double(difference) * Double(difference)
        if let gradient { gradient[index * width + j] = factor * difference }
      }
    }
    return sums
  }

  /// From pre-activations z:  L = Σ max(z, 0) − z t + log(1 + exp(−|z|));  dz = σ(z) − t, over n.
  func binaryCrossEntropy(_ z: UnsafePointer<Float>, _ targets: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>?) -> LossSums {
    var sums = LossSums()
    sums.steps = validSteps
    sums.terms = sums.steps * size
    let factor = isMean ? 1 / Double(max(1, sums.terms)) : 1
    forEachRow(gradient) { index in
      for j in 0..<size {
        let x = Double(z[index * width + j])
        let target = Double(targets[index * size + j])
        let e = rill__exp(-abs(x))
        sums.loss += max(x, 0) - x * target + rill__log1p(e)
        sums.correct += (x > 0) == (target > 0.5) ? 1 : 0
        if let gradient { gradient[index * width + j] = Float(factor * ((x >= 0 ? 1 / (1 + e) : e / (1 + e)) - target)) }
      }
    }
    return sums
  }

  /// Calls body for each valid row, and clears the gradient first: padded rows and padded elements have none.
  private func forEachRow(_ gradient: UnsafeMutablePointer<Float>?, _ body: (Int) -> Void) {
    gradient?.clear(steps * rows * width)
    for t in 0..<steps {
      for row in 0..<rows where isValid(t, row) { body(t * rows + row) }
    }
  }
}

extension LossRows {
  /// From pre-activations z:  L = Σ log Σ exp z − z[class], over n;  dz = softmax(z) − onehot, over n. Works in place of z if no gradient is wanted.
  func crossEntropy(
    _ z: UnsafeMutablePointer<Float>, _ given: UnsafePointer<Int32>, _ workspace: Workspace, _ kernels: Kernels,
    gradient: UnsafeMutablePointer<Float>?
  ) -> LossSums {
    var sums = LossSums()
    let classes = workspace.classes.pointer
    for t in 0..<steps {
      for row in 0..<rows {
        let index = t * rows + row
        classes[index] = isValid(t, row) ? given[index] : -1
        sums.terms += classes[index] >= 0 ? 1 : 0
      }
    }
    sums.steps = sums.terms
    gradient?.copy(z, steps * rows * width)
    kernels.table.cross_entropy(
      steps * rows, size, width / 16, gradient ?? z, classes, isMean ? 1 / Float(max(1, sums.terms)) : 1, workspace.losses.pointer,
      workspace.correct.pointer)
    for index in 0..<(steps * rows) {
      sums.loss += Double(workspace.losses.pointer[index])
      sums.correct += Int(workspace.correct.pointer[index])
    }
    return sums
  }
}
