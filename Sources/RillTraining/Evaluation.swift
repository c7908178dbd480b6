import CPlatform
import RillBase
import RillNetwork

/// The running evaluation: sums over the steps that count in all batches since the last reset. They are integers or doubles, added in the order of
/// steps, rows and elements, so they depend on nothing but the batches.
final class Evaluation {
  private let loss: Loss
  private let size: Int
  private var sums = LossSums()
  /// Right answers: steps (cross-entropy) or elements (bce).
  private var correct = 0
  /// Of mse and its kind: Σ |y − t|.
  private var absolute = 0.0
  /// [3][size], for every output. Of classes and bce: how often it was wanted, how often answered, how often both. Of the others: Σ (y − t)², the mean
  /// of the targets, and their Σ (t − mean)².
  private let tables: Buffer<Double>
  private var first: UnsafeMutablePointer<Double> { tables.pointer }
  private var second: UnsafeMutablePointer<Double> { tables.pointer + size }
  private var third: UnsafeMutablePointer<Double> { tables.pointer + 2 * size }

  convenience init(_ loss: Loss, _ network: Network) throws(RillError) {
    self.init(loss, network.outputSize, try Buffer(3, network.outputSize))
  }

  private init(_ loss: Loss, _ size: Int, _ tables: Buffer<Double>) {
    self.loss = loss
    self.size = size
    self.tables = tables
  }

  func reset() {
    sums = LossSums()
    correct = 0
    absolute = 0
    tables.pointer.clear(tables.count)
  }

  /// Adds a batch whose losses have been summed up.
  func add(_ s: LossSteps, _ batchSums: LossSums) {
    var count = Double(sums.steps)
    sums.add(batchSums)
    for t in s.firstStep..<max(s.firstStep, s.steps) {
      for row in 0..<s.rows where s.weight(t, row) > 0 {
        let index = t * s.rows + row
        let y = s.y + index * s.width
        if loss.takesClasses {
          if s.classes![index] >= 0 { addAnswer(largest(y), Int(s.classes![index])) }
        } else {
          count += 1
          let target = s.targets! + index * size
          if loss.takesPreactivation { addSides(y, target) } else { addErrors(s, y, target, 1 / count) }
        }
      }
    }
  }

  /// The place of the largest value, of equal ones the first.
  private func largest(_ z: UnsafePointer<Float>) -> Int {
    var best = 0
    for i in 1..<max(1, size) where z[i] > z[best] { best = i }
    return best
  }

  private func addAnswer(_ answer: Int, _ wanted: Int) {
    first[wanted] += 1
    second[answer] += 1
    if answer == wanted {
      third[wanted] += 1
      correct += 1
    }
  }

  private func addSides(_ z: UnsafePointer<Float>, _ target: UnsafePointer<Float>) {
    for j in 0..<size {
      let (answer, wanted) = (z[j] > 0, target[j] > 0.5)
      if wanted { first[j] += 1 }
      if answer { second[j] += 1 }
      if wanted, answer { third[j] += 1 }
      correct += answer == wanted ? 1 : 0
    }
  }

  /// share: 1 / steps, this one included. Mean and squared deviations by Welford's recurrence, which loses nothing where the mean is large.
  private func addErrors(_ s: LossSteps, _ y: UnsafePointer<Float>, _ targets: UnsafePointer<Float>, _ share: Double) {
    let (squares, means, spreads) = (first, second, third)
    for j in 0..<size {
      let own = s.own(targets, j)
      // As the loss rounds it.
      let error = Double(y[j] - own)
      let target = Double(own)
      absolute += abs(error)
      squares[j] += error * error
      let deviation = target - means[j]
      means[j] += deviation * share
      spreads[j] += deviation * (target - means[j])
    }
  }

  // MARK: by name

  /// A metric by its name in rill.h; nil if there is none of this name.
  func metric(_ name: UnsafePointer<CChar>) throws(RillError) -> Double? {
    let names: Words = "loss step_count accuracy macro_f1 perplexity mse mae r2"
    guard let index = names.firstIndex(of: name) else { return nil }
    let isOffered =
      switch index {
      case 0, 1: true
      case 2, 3: loss.takesPreactivation
      case 4: loss.takesClasses
      default: !loss.takesPreactivation
      }
    guard isOffered else { throw .unsupported("name: \(loss.name) has no \(names[index])") }
    guard sums.steps > 0 else { throw .state("nothing has been evaluated since the metrics were reset") }
    let steps = Double(sums.steps)
    let elements = steps * Double(size)
    switch index {
    case 0:
      guard sums.weight > 0 else { throw .state("loss: only classes of weight 0 have been evaluated") }
      return sums.loss / sums.weight
    case 1: return steps
    case 2: return Double(correct) / (loss.takesClasses ? steps : elements)
    case 3: return try macroF1()
    case 4: return rill__exp(sums.plain / steps)
    case 5: return (0..<size).reduce(0) { $0 + first[$1] } / elements
    case 6: return absolute / elements
    default: return try determination()
    }
  }

  /// The mean over the outputs that were wanted or answered at all of F1 = 2 both / (wanted + answered).
  private func macroF1() throws(RillError) -> Double {
    var (sum, count) = (0.0, 0.0)
    for j in 0..<size where first[j] + second[j] > 0 {
      sum += 2 * third[j] / (first[j] + second[j])
      count += 1
    }
    guard count > 0 else { throw .state("macro_f1: no output was, or should have been, above 0.5") }
    return sum / count
  }

  /// The mean over the outputs of 1 − squared error / squared deviation.
  private func determination() throws(RillError) -> Double {
    var sum = 0.0
    for j in 0..<size {
      guard third[j] > 0 else { throw .state("r2: the targets of output \(j) never change") }
      sum += 1 - first[j] / third[j]
    }
    return sum / Double(size)
  }
}
