import RillBase
import RillNetwork

/// A batch of whole sequences with their targets. Everything in it has been checked.
package final class Batch {
  /// T and B.
  package let steps: Int
  package let rows: Int
  package let inputIsToken: Bool
  package let inputSize: Int
  package let outputSize: Int
  package let isPerSequence: Bool
  private let inputs: Buffer<Float>
  private let tokens: Buffer<Int32>
  private let lengthValues: Buffer<Int32>
  /// Made by the first set of either kind.
  private var targetValues: Buffer<Float>?
  private var classValues: Buffer<Int32>?
  private var weightValues: Buffer<Float>?
  private var hasInput = false
  private var hasLengths = false
  private var hasTargets = false
  private var hasClasses = false
  private var hasWeights = false

  package convenience init(_ network: Network, steps: Int, rows: Int) throws(RillError) {
    let isToken = network.input.isToken
    guard let elements = product(steps, rows, isToken ? 1 : network.input.size), product(steps, rows, network.outputSize) != nil else {
      throw .memory
    }
    self.init(
      network, steps, rows, try Buffer(count: isToken ? 0 : elements), try Buffer(count: isToken ? elements : 0), try Buffer(count: rows))
  }

  private init(
    _ network: Network, _ steps: Int, _ rows: Int, _ inputs: Buffer<Float>, _ tokens: Buffer<Int32>, _ lengthValues: Buffer<Int32>
  ) {
    self.steps = steps
    self.rows = rows
    self.inputs = inputs
    self.tokens = tokens
    self.lengthValues = lengthValues
    inputIsToken = network.input.isToken
    inputSize = network.input.size
    outputSize = network.outputSize
    isPerSequence = network.isPerSequence
  }

  /// Steps that have an output: T, or 1 for one output per sequence.
  package var outputSteps: Int { isPerSequence ? 1 : steps }
  package var inputCount: Int { steps * rows * (inputIsToken ? 1 : inputSize) }
  package var classCount: Int { outputSteps * rows }
  package var targetCount: Int { classCount * outputSize }

  package func setInputs(_ values: UnsafePointer<Float>) {
    inputs.pointer.copy(values, inputCount)
    hasInput = true
  }

  package func setTokens(_ values: UnsafePointer<Int32>) {
    tokens.pointer.copy(values, inputCount)
    hasInput = true
  }

  package func setLengths(_ values: UnsafePointer<Int32>?) {
    hasLengths = values != nil
    if let values { lengthValues.pointer.copy(values, rows) }
  }

  package func setTargets(_ values: UnsafePointer<Float>) throws(RillError) {
    let buffer = if let targetValues { targetValues } else { try Buffer<Float>(count: targetCount) }
    buffer.pointer.copy(values, targetCount)
    targetValues = buffer
    hasTargets = true
    hasClasses = false
  }

  package func setClasses(_ values: UnsafePointer<Int32>) throws(RillError) {
    let buffer = if let classValues { classValues } else { try Buffer<Int32>(count: classCount) }
    buffer.pointer.copy(values, classCount)
    classValues = buffer
    hasClasses = true
    hasTargets = false
  }

  package func setWeights(_ values: UnsafePointer<Float>?) throws(RillError) {
    if let values {
      let buffer = if let weightValues { weightValues } else { try Buffer<Float>(count: classCount) }
      buffer.pointer.copy(values, classCount)
      weightValues = buffer
    }
    hasWeights = values != nil
  }

  // MARK: what a trainer reads

  var x: UnsafePointer<Float>? { inputIsToken ? nil : UnsafePointer(inputs.pointer) }
  var tokenValues: UnsafePointer<Int32>? { inputIsToken ? UnsafePointer(tokens.pointer) : nil }
  var lengths: UnsafePointer<Int32>? { hasLengths ? UnsafePointer(lengthValues.pointer) : nil }
  var targets: UnsafePointer<Float>? { hasTargets ? targetValues.map { UnsafePointer($0.pointer) } : nil }
  var classes: UnsafePointer<Int32>? { hasClasses ? classValues.map { UnsafePointer($0.pointer) } : nil }
  var weights: UnsafePointer<Float>? { hasWeights ? weightValues.map { UnsafePointer($0.pointer) } : nil }

  func check(_ network: Network, _ loss: Loss) throws(RillError) {
    guard inputIsToken == network.input.isToken, inputSize == network.input.size, outputSize == network.outputSize,
      isPerSequence == network.isPerSequence
    else { throw .argument("batch: was created for a model with another input or output") }
    guard hasInput else { throw .state("batch: its \(inputIsToken ? "tokens" : "inputs") have not been set") }
    guard loss.takesClasses ? hasClasses : hasTargets else {
      throw .state("batch: its \(loss.takesClasses ? "classes" : "targets") have not been set, which \(loss.name) needs")
    }
    if loss.kind == .esr, hasWeights { throw .unsupported("batch: esr takes no weights of steps") }
    if loss.kind == .bce, let targets {
      for i in 0..<targetCount where !(targets[i] >= 0 && targets[i] <= 1) {
        throw .argument("targets[\(i)]: is outside 0 ... 1, which bce needs")
      }
    }
  }
}
