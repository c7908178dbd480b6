import CPlatform
import RillBase
import RillJSON
import RillNetwork

/// The writer of a model's parameters: forward, loss, backpropagation through time, clipping, optimizer.
package final class Trainer {
  package let model: Model
  let loss: Loss
  package let optimizer: Optimizer
  let options: TrainerOptions
  /// As the host gave them: for checkpoints.
  package let optionsJSON: JSONNode
  let pool: Pool
  package let seed: UInt64
  /// The host's own bytes, which go into checkpoints.
  package var data: Buffer<UInt8>
  let gradients: GradientSum
  /// Made with the first batch.
  var states: TrainerStates?
  var workspace: Workspace?
  /// For evaluations of batches that do not fit into the other: it keeps next to nothing of a step.
  var evaluationWorkspace: Workspace?
  /// Whether the workspace in use has the model's parameters of now.
  var isPacked = false
  let evaluation: Evaluation
  /// Loss and gradient norm of the last optimizer step.
  var lastUpdate: (loss: Double, gradientNorm: Double)?

  package convenience init(_ model: Model, seed: UInt64, options json: JSONValue) throws(RillError) {
    try json.requireObject {
      ("loss truncation" as Words).contains($0) || TrainerOptions.table.contains($0) || Optimizer.reads($0)
    }
    let loss = try Loss(try json.required("loss"), model.network)
    let options = try TrainerOptions(json, model.network, loss)
    let optimizer = try Optimizer(json, model.network)
    self.init(
      model, seed, loss, options, try JSONNode.copy(of: json), optimizer, try Pool(threads: options.threads),
      try GradientSum(model.network), try Evaluation(loss, model.network), try Buffer(count: 0))
  }

  private init(
    _ model: Model, _ seed: UInt64, _ loss: Loss, _ options: TrainerOptions, _ optionsJSON: JSONNode, _ optimizer: Optimizer, _ pool: Pool,
    _ gradients: GradientSum, _ evaluation: Evaluation, _ data: Buffer<UInt8>
  ) {
    self.model = model
    self.seed = seed
    self.loss = loss
    self.options = options
    self.optionsJSON = optionsJSON
    self.data = data
    self.optimizer = optimizer
    self.pool = pool
    self.gradients = gradients
    self.evaluation = evaluation
  }

  var network: Network { model.network }
  package var workspaceBytes: Int { workspace?.bytes ?? 0 }

  /// Learns from a batch: an optimizer step for each window, or for several together. Returns the loss before it.
  package func update(_ batch: Batch) throws(RillError) -> Double {
    try withParameters { () throws(RillError) in
      try run(batch) { () throws(RillError) in
        if !gradients.isSpent, gradients.count >= options.accumulate { try step() }
      }
    }
  }

  /// Adds a batch's gradient to those that wait. Returns its loss.
  package func evaluateGradients(_ batch: Batch) throws(RillError) -> Double {
    guard options.truncation == nil else { throw .state("trainer: with truncation a batch has not one gradient but several") }
    return try withParameters { () throws(RillError) in try run(batch) { () throws(RillError) in } }
  }

  /// One optimizer step from the gradients that wait.
  package func updateFromGradients() throws(RillError) {
    guard !gradients.isSpent else { throw .state("trainer: no gradients wait for an update") }
    try withParameters { () throws(RillError) in try step() }
  }

  /// Runs body as the only user of the parameters, in the floating-point mode of computation.
  func withParameters<Result>(_ body: () throws(RillError) -> Result) throws(RillError) -> Result {
    try model.access.take()
    defer { model.access.release() }
    let mode = rill__enter_float_mode()
    defer { rill__leave_float_mode(mode) }
    return try body()
  }

  /// Clips the waiting gradient and changes the parameters by it. If anything is not finite they stay, and the gradient is spent all the same.
  private func step() throws(RillError) {
    gradients.spend()
    isPacked = false
    let divisor = gradients.divisor(isMean: options.isMean)
    let norm = (gradients.norm ?? measureNorm()) / divisor
    guard norm.isFinite else { throw gradientDiverged(nil) }
    // PyTorch's clip_grad_norm_, its 1e-6 included.
    let scale = options.clipNorm > 0 ? min(1, options.clipNorm / (norm + 1e-6)) : 1
    try change(scale: Float(scale / divisor), limit: options.clipValue > 0 ? Float(options.clipValue) : .infinity)
    lastUpdate = (gradients.loss / divisor, norm)
  }

  /// The norm of the waiting gradient, of the sum of all losses.
  func measureNorm() -> Double {
    pool.run { part in
      for slice in part.range(optimizer.sliceCount) { optimizer.measure(gradients.values.pointer, slice: slice) }
    }
    return optimizer.sumOfSquares().squareRoot()
  }

  /// Changes the parameters by the gradient, if every new value is finite.
  private func change(scale: Float, limit: Float) throws(RillError) {
    let update = optimizer.prepare(model.values.pointer, gradients.values.pointer, scale: scale, limit: limit)
    let isFinite = pool.allSatisfy { part in
      part.range(optimizer.sliceCount).allSatisfy { optimizer.check(update, slice: $0) }
    }
    guard isFinite else { throw Optimizer.diverged }
    pool.run { part in
      for slice in part.range(optimizer.sliceCount) { optimizer.commit(update, slice: slice) }
    }
    optimizer.finish(update)
  }

  /// Writes the gradient of the last update's loss, before clipping.
  package func getGradient(_ parameter: Parameter, _ values: UnsafeMutablePointer<Float>) throws(RillError) {
    guard gradients.count > 0 else { throw .state("no update has computed a gradient yet") }
    let factor = 1 / gradients.divisor(isMean: options.isMean)
    let from = gradients.values.pointer + parameter.offset
    for i in 0..<parameter.count { values[i] = Float(Double(from[i]) * factor) }
  }

  func gradientDiverged(_ cause: Text?) -> RillError {
    let name = network.parameters.first { network.kernels.table.all_finite(gradients.values.pointer + $0.offset, $0.count) == 0 }?.name
    return .diverged("\(cause ?? "the gradient of \(name ?? "all parameters together") is not finite"); the parameters are as they were")
  }
}
