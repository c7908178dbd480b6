import RillBase
import RillNetwork

/// What a loss looks at: outputs (or pre-activations) y [steps][rows][width] with what they are compared with, [steps][rows][…] too, and the place
/// for their gradient.
struct LossSteps {
  let steps: Int
  let rows: Int
  let size: Int
  /// Steps before it have no loss and no gradient.
  let firstStep: Int
  /// Steps of each row of the batch that exist; nil: all.
  private let lengths: UnsafePointer<Int32>?
  /// The step of the batch that steps begin with.
  private let start: Int
  /// One output per sequence: rows that are not longer than this have no step that counts.
  private let shortest: Int
  /// Of every step of every row; nil: 1.
  let weights: UnsafePointer<Float>?
  let targets: UnsafePointer<Float>?
  let classes: UnsafePointer<Int32>?
  let y: UnsafePointer<Float>
  let dy: UnsafeMutablePointer<Float>?
  /// The network's own units are (target − shift) / scale.
  private let shift: UnsafePointer<Float>?
  private let scale: UnsafePointer<Float>?

  /// A segment of a batch. head: where the network leaves outputs and takes their gradient. firstStep: of the batch.
  init(
    _ batch: Batch, _ segment: Range<Int>, _ head: (output: UnsafeMutablePointer<Float>, dy: UnsafeMutablePointer<Float>),
    _ network: Network,
    withGradient: Bool, firstStep: Int
  ) {
    steps = batch.isPerSequence ? 1 : segment.count
    rows = batch.rows
    size = batch.outputSize
    start = batch.isPerSequence ? 0 : segment.lowerBound
    self.firstStep = batch.isPerSequence ? 0 : max(0, firstStep - start)
    let place = start * rows
    lengths = batch.lengths
    // One output per sequence stands at the sequence's own end.
    shortest = batch.isPerSequence ? firstStep : 0
    weights = batch.weights.map { $0 + place }
    targets = batch.targets.map { $0 + place * batch.outputSize }
    classes = batch.classes.map { $0 + place }
    y = UnsafePointer(head.output)
    dy = withGradient ? head.dy : nil
    let scaling = network.architecture.output
    shift = scaling.map { UnsafePointer($0.shift.pointer) }
    scale = scaling.map { UnsafePointer($0.scale.pointer) }
  }

  var width: Int { padded(size) }

  /// Steps of a row that exist, those before the first included.
  @inline(always) func length(_ row: Int) -> Int {
    guard let lengths else { return steps }
    return Int(lengths[row]) > shortest ? max(0, min(steps, Int(lengths[row]) - start)) : 0
  }

  /// 0 where a step does not count.
  @inline(always) func weight(_ t: Int, _ row: Int) -> Float {
    guard t >= firstStep, t < length(row) else { return 0 }
    if let weights { return weights[t * rows + row] }
    return 1
  }

  /// Element j of a target, [size], in the network's own units.
  @inline(always) func own(_ target: UnsafePointer<Float>, _ j: Int) -> Float {
    if let shift, let scale { (target[j] - shift[j]) / scale[j] } else { target[j] }
  }
}

/// What is summed up over steps. Sums over rows or batches are those of their parts.
struct LossSums: BitwiseCopyable {
  /// All terms, weighted.
  var loss = 0.0
  /// What a mean divides by.
  var weight = 0.0
  /// Cross-entropy: without weights and smoothing.
  var plain = 0.0
  /// Steps that count.
  var steps = 0

  mutating func add(_ other: LossSums) {
    loss += other.loss
    weight += other.weight
    plain += other.plain
    steps += other.steps
  }
}

/// Room to compute in, a place for every row: rows may be computed by different threads.
final class LossMemory {
  /// [B], what Loss.compute adds to.
  let sums: Buffer<LossSums>
  /// Cross-entropy, of one time step, [B]: classes with −1 for what does not count; and [4][B]: weights, and what the kernel takes and gives.
  let classes: Buffer<Int32>
  private let floats: Buffer<Float>
  /// [B][width] for gradients that nobody wants.
  let unwanted: Buffer<Float>

  convenience init(_ network: Network, rows: Int) throws(RillError) {
    self.init(try Buffer(count: rows), try Buffer(count: rows), try Buffer(4, rows), try Buffer(rows, padded(network.outputSize)))
  }

  private init(_ sums: Buffer<LossSums>, _ classes: Buffer<Int32>, _ floats: Buffer<Float>, _ unwanted: Buffer<Float>) {
    self.sums = sums
    self.classes = classes
    self.floats = floats
    self.unwanted = unwanted
  }

  var weights: UnsafeMutablePointer<Float> { floats.pointer }
  var wholes: UnsafeMutablePointer<Float> { floats.pointer + sums.count }
  var scales: UnsafeMutablePointer<Float> { floats.pointer + 2 * sums.count }
  var losses: UnsafeMutablePointer<Float> { floats.pointer + 3 * sums.count }

  func clear(rows: Int) {
    for row in 0..<rows { sums.pointer[row] = LossSums() }
  }

  /// The sums of rows 0 ..< rows, added in this order however they were computed.
  func total(rows: Int) -> LossSums {
    var total = LossSums()
    for row in 0..<rows { total.add(sums.pointer[row]) }
    return total
  }
}
