import CVector
import CPlatform
import RillBase

// Whole sequences from the initial state, on a stream of their own: the same kernels, so the same bits as steps.
extension Model {
  /// inputs [T][B][input size] or tokens [T][B], checked, padding included; lengths nil or [B] in 1 ... T.
  /// outputs: [T][B][output size] with zeros in the padding, or [B][output size] for a model that gives one output per sequence.
  package func run(
    steps: Int, batchSize: Int, inputs: UnsafePointer<Float>?, tokens: UnsafePointer<Int32>?, lengths: UnsafePointer<Int32>?,
    outputs: UnsafeMutablePointer<Float>
  ) throws(RillError) {
    let stream = try Stream(self, batchSize: batchSize)
    let size = network.outputSize
    let inputSize = network.input.size
    // Outputs are gathered here, so that a failure leaves the caller's array untouched.
    let gathered = try Buffer<Float>(network.isPerSequence ? 1 : steps, batchSize, size)
    let row = try Buffer<Float>(count: batchSize * size)
    let unpadded = try Buffer<Float>(count: inputs != nil && lengths != nil ? batchSize * inputSize : 0)
    let unpaddedTokens = try Buffer<Int32>(count: tokens != nil && lengths != nil ? batchSize : 0)
    if lengths == nil, inputs != nil || tokens != nil {
      let done = stream.run(steps, inputs, tokens, network.isPerSequence ? nil : gathered.pointer)
      guard done == steps else { throw .diverged("the state overflowed at time step \(done)") }
      if network.isPerSequence { stream.writeOutput(gathered.pointer) }
      outputs.copy(gathered.pointer, gathered.count)
      return withExtendedLifetime(gathered) {}
    }
    // Pointers do not keep their owners alive.
    defer { withExtendedLifetime((gathered, row, unpadded, unpaddedTokens)) {} }
    for t in 0..<steps {
      var x = inputs.map { $0 + t * batchSize * inputSize }
      var words = tokens.map { $0 + t * batchSize }
      if let lengths {
        // A sequence that is over repeats its own first step, which did not overflow: whatever its padding holds cannot.
        if let padding = x {
          unpadded.pointer.copy(padding, unpadded.count)
          x = UnsafePointer(unpadded.pointer)
        }
        if let padding = words {
          unpaddedTokens.pointer.copy(padding, batchSize)
          words = UnsafePointer(unpaddedTokens.pointer)
        }
        for lane in 0..<batchSize where Int(lengths[lane]) <= t {
          stream.resetLane(lane)
          if let inputs { (unpadded.pointer + lane * inputSize).copy(inputs + lane * inputSize, inputSize) }
          if let tokens { unpaddedTokens.pointer[lane] = tokens[lane] }
        }
      }
      guard stream.run(1, x, words, nil) == 1 else { throw .diverged("the state overflowed at time step \(t)") }
      stream.writeOutput(row.pointer)
      for lane in 0..<batchSize {
        let length = lengths.map { Int($0[lane]) } ?? steps
        let target = network.isPerSequence ? lane : t * batchSize + lane
        let isWanted = network.isPerSequence ? t == length - 1 : t < length
        if isWanted { (gathered.pointer + target * size).copy(row.pointer + lane * size, size) }
      }
    }
    outputs.copy(gathered.pointer, gathered.count)
  }
}
