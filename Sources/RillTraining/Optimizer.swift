import CVector
import RillBase
import RillJSON
import RillNetwork

/// All that happens to parameters once there is a gradient: gradient descent of one kind with its moments, groups, schedule, average, and the best
/// parameters of validations.
package final class Optimizer {
  let network: Network
  let choice: OptimizerChoice
  let groups: Buffer<ParameterGroup>
  let schedule: Schedule
  let average: Average?
  let validation: Validation
  let memory: OptimizerMemory
  /// What the schedule starts from.
  package var learningRate: Double
  /// Successful updates.
  package private(set) var updateCount = 0
  /// NAdam's Π μ of the updates made.
  private(set) var momentumProduct = 1.0

  /// Whether a key of a trainer's options is read here.
  static func reads(_ key: UnsafePointer<CChar>) -> Bool {
    ("optimizer groups schedule average" as Words).contains(key) || Validation.table.contains(key)
  }

  /// json: all options of a trainer, whose keys have been checked.
  package convenience init(_ json: JSONValue, _ network: Network) throws(RillError) {
    let choice = try OptimizerChoice(json)
    let schedule = try Schedule(json)
    let groups = try ParameterGroups(json, network, weightDecay: choice.weightDecay)
    self.init(
      network, choice, groups.groups, schedule, try Average.asked(json, count: network.valueCount),
      try Validation(json, count: network.valueCount), try OptimizerMemory(network, groups, choice))
  }

  private init(
    _ network: Network, _ choice: OptimizerChoice, _ groups: Buffer<ParameterGroup>, _ schedule: Schedule, _ average: Average?,
    _ validation: Validation, _ memory: OptimizerMemory
  ) {
    self.network = network
    self.choice = choice
    self.groups = groups
    self.schedule = schedule
    self.average = average
    self.validation = validation
    self.memory = memory
    learningRate = choice.learningRate
  }

  /// The rate of the next update, of a group with factor 1.
  package var rate: Double { schedule.rate(learningRate, updateCount) }

  /// After every slice of an update has been committed.
  package func finish(_ update: Update) {
    momentumProduct = update.momentumProduct
    updateCount += 1
    average?.finish()
  }

  // MARK: checkpoints

  /// Every buffer that is to be kept, also of what belongs to it. Which there are depends on the options alone.
  package func forEachBuffer(_ body: BufferVisitor) throws(RillError) {
    if memory.first.count > 0 { try body("first_moments", memory.first) }
    if memory.second.count > 0 { try body("second_moments", memory.second) }
    if let average { try body("average", average.values) }
    if let best = validation.best { try body("best", best) }
  }

  /// Every number. After an error when restoring, the optimizer is to be thrown away.
  package func forEachNumber(_ body: NumberVisitor) throws(RillError) {
    guard try visit("optimizer_kind", choice.kind.rawValue, body) == choice.kind.rawValue else {
      throw .format("optimizer_kind: is of another optimizer")
    }
    updateCount = try visit("update_count", updateCount, body)
    momentumProduct = try visit("momentum_product", momentumProduct, body)
    learningRate = try visit("learning_rate", learningRate, body)
    guard learningRate >= 0, learningRate <= largestNumber else { throw .format("learning_rate: is out of range") }
    try schedule.forEachNumber(body)
    try average?.forEachNumber(body)
    try validation.forEachNumber(body)
  }
}

/// The optimizer's memory that grows with the model.
struct OptimizerMemory {
  let slices: Buffer<Slice>
  /// Sums of squares of the gradient, by slices.
  let squares: Buffer<Double>
  /// Moments, empty where the optimizer has none.
  let first: Buffer<Float>
  let second: Buffer<Float>

  init(_ network: Network, _ groups: ParameterGroups, _ choice: OptimizerChoice) throws(RillError) {
    slices = try Slice.all(network, groups)
    squares = try Buffer(count: slices.count)
    first = try Buffer(count: choice.hasFirst ? network.valueCount : 0)
    second = try Buffer(count: choice.hasSecond ? network.valueCount : 0)
  }
}
