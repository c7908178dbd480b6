import CPlatform
import RillBase
import RillJSON
import RillNetwork

/// The writer of a model's parameters: forward, loss, backpropagation through time, clipping, optimizer.
package final class Trainer {
  package let model: Model
  package let loss: LossKind
  package let optimizer: Optimizer
  private let isMean: Bool
  /// 0: no clipping.
  private let clipNorm: Double
  private let clipValue: Double
  private let seed: UInt64
  private var workspace: Workspace?
  /// In the layout of the parameters; unclipped.
  private let gradients: Buffer<Float>
  private var hasGradients = false
  package private(set) var evaluation = LossSums()
  /// Loss and gradient norm of the last successful update.
  package private(set) var lastUpdate: (loss: Double, gradientNorm: Double)?

  private static var table: OptionTable {
    OptionTable([
      Option("loss", .choice(LossKind.names, fallback: nil)), Option("reduction", .choice(["mean", "sum"], fallback: 0)),
      Option("clip_norm", .positiveOrAbsent), Option("clip_value", .positiveOrAbsent),
    ])
  }

  package convenience init(_ model: Model, seed: UInt64, options json: JSONValue) throws(RillError) {
    try json.requireObject(keys: Trainer.table.keys(and: ["optimizer"]))
    let values = try Trainer.table.read(json)
    let loss = LossKind(rawValue: Int(values[0])) ?? .meanSquaredError
    try loss.check(model.network)
    let optimizer = try Optimizer(try json.member("optimizer"), count: model.values.count)
    self.init(model, seed, loss, values, optimizer, try Buffer(count: model.values.count))
  }

  /// values: of the table.
  private init(_ model: Model, _ seed: UInt64, _ loss: LossKind, _ values: [Double], _ optimizer: Optimizer, _ gradients: Buffer<Float>) {
    self.model = model
    self.seed = seed
    self.loss = loss
    self.optimizer = optimizer
    self.gradients = gradients
    isMean = values[1] == 0
    clipNorm = values[2]
    clipValue = values[3]
  }

  /// One optimizer step. Returns the loss before it.
  package func update(_ batch: Batch) throws(RillError) -> Double {
    try model.access.take()
    defer { model.access.release() }
    let mode = rill__enter_float_mode()
    defer { rill__leave_float_mode(mode) }
    try batch.check(model.network, loss)
    let workspace = try workspace(for: batch, isTraining: true)
    // A fixed odd multiplier spreads the updates over the keys of the random numbers.
    let key = seed &+ UInt64(optimizer.updateCount) &* 0x9E37_79B9_7F4A_7C15
    let pass = Pass(kernels: model.network.kernels, rows: batch.rows, lengths: batch.lengths, isTraining: true, seed: key)
    workspace.forward(batch, model.values.pointer, pass, withoutActivation: loss.takesPreactivation)
    let sums = measure(workspace, batch, withGradient: true)
    guard sums.terms > 0 else { throw .argument("batch: no step of it counts in the loss") }
    let value = isMean ? sums.loss / Double(sums.terms) : sums.loss
    guard value.isFinite else { throw .diverged("the loss is not finite; the parameters are as they were") }
    gradients.pointer.clear(gradients.count)
    workspace.backward(batch, pass, fromPreactivation: loss.takesPreactivation, gradients: gradients.pointer)
    hasGradients = true
    let norm = model.network.kernels.table.sum_of_squares(gradients.pointer, gradients.count).squareRoot()
    guard norm.isFinite else { throw .diverged("the gradient of \(firstDivergedName()) is not finite; the parameters are as they were") }
    // PyTorch's clip_grad_norm_, its 1e-6 included.
    let scale = clipNorm > 0 ? min(1, clipNorm / (norm + 1e-6)) : 1
    try optimizer.update(
      model.values.pointer, gradients.pointer, count: gradients.count, scale: Float(scale),
      limit: clipValue > 0 ? Float(clipValue) : .infinity,
      model.network.kernels)
    lastUpdate = (value, norm)
    return value
  }

  /// Adds a batch to the running evaluation.
  package func evaluate(_ batch: Batch) throws(RillError) {
    try model.access.take()
    defer { model.access.release() }
    let mode = rill__enter_float_mode()
    defer { rill__leave_float_mode(mode) }
    try batch.check(model.network, loss)
    let workspace = try workspace(for: batch, isTraining: false)
    let pass = Pass(kernels: model.network.kernels, rows: batch.rows, lengths: batch.lengths, isTraining: false, seed: 0)
    workspace.forward(batch, model.values.pointer, pass, withoutActivation: loss.takesPreactivation)
    let sums = measure(workspace, batch, withGradient: false)
    guard sums.terms > 0 else { throw .argument("batch: no step of it counts in the loss") }
    guard sums.loss.isFinite else { throw .diverged("the loss is not finite") }
    evaluation.loss += sums.loss
    evaluation.terms += sums.terms
    evaluation.steps += sums.steps
    evaluation.correct += sums.correct
  }

  package func resetMetrics() { evaluation = LossSums() }

  /// The gradient of the last update, before clipping.
  package func gradient(_ parameter: Parameter) throws(RillError) -> UnsafePointer<Float> {
    guard hasGradients else { throw .state("no update has computed a gradient yet") }
    return UnsafePointer(gradients.pointer + parameter.offset)
  }

  /// Room for a batch: the one at hand, or a larger one. A failed allocation leaves the one at hand.
  private func workspace(for batch: Batch, isTraining: Bool) throws(RillError) -> Workspace {
    if let workspace, workspace.fits(steps: batch.steps, rows: batch.rows, isTraining: isTraining) { return workspace }
    let larger = try Workspace(
      model.network, steps: batch.steps, rows: batch.rows, isTraining: isTraining || (workspace?.isTraining ?? false))
    workspace = larger
    return larger
  }

  private func measure(_ workspace: Workspace, _ batch: Batch, withGradient: Bool) -> LossSums {
    let head = workspace.head(batch)
    let rows = LossRows(
      steps: batch.outputSteps, rows: batch.rows, size: batch.outputSize, lengths: batch.isPerSequence ? nil : batch.lengths, isMean: isMean
    )
    let gradient = withGradient ? head.dy : nil
    switch loss {
    case .meanSquaredError:
      return rows.squaredError(head.output, batch.targets!, model.network.architecture.output, gradient: gradient)
    case .binaryCrossEntropy:
      return rows.binaryCrossEntropy(head.output, batch.targets!, gradient: gradient)
    case .crossEntropy:
      return rows.crossEntropy(head.output, batch.classes!, workspace, model.network.kernels, gradient: gradient)
    }
  }

  private func firstDivergedName() -> String {
    for parameter in model.network.parameters
    where model.network.kernels.table.all_finite(gradients.pointer + parameter.offset, parameter.count) == 0 {
      return parameter.name
    }
    return "all parameters together"
  }
}
