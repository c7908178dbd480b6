import RillBase

/// How far outputs of smaller weights are from those of float32.
package struct PrecisionError {
  package private(set) var largest = 0.0
  private var squares = 0.0
  private var outputSquares = 0.0
  private var count = 0

  package var rms: Double { (squares / Double(max(count, 1))).squareRoot() }
  /// Of the float32 outputs.
  package var rmsOutput: Double { (outputSquares / Double(max(count, 1))).squareRoot() }

  /// Runs whole sequences, checked inputs [T][B][input size] or tokens [T][B], in both precisions, a block of steps at a time.
  package init(
    _ model: Model, _ precision: Precision, steps: Int, batchSize: Int, inputs: UnsafePointer<Float>?, tokens: UnsafePointer<Int32>?
  ) throws(RillError) {
    var options = StreamOptions()
    let exact = try Stream(model, batchSize: batchSize, options)
    options.precision = precision
    let small = try Stream(model, batchSize: batchSize, options)
    let block = exact.blockSteps
    let size = batchSize * model.network.outputSize
    let expected = try Buffer<Float>(block, size)
    let got = try Buffer<Float>(block, size)
    defer { withExtendedLifetime((expected, got)) {} }
    var t = 0
    while t < steps {
      let n = min(block, steps - t)
      let x = inputs.map { $0 + t * batchSize * model.network.input.size }
      let words = tokens.map { $0 + t * batchSize }
      guard exact.run(n, x, words, expected.pointer) == n, small.run(n, x, words, got.pointer) == n else {
        throw .diverged("the state overflowed near time step \(t)")
      }
      for i in 0..<(n * size) {
        guard expected.pointer[i].isFinite, got.pointer[i].isFinite else { throw .diverged("an output is not finite near time step \(t)") }
        let difference = Double(expected.pointer[i]) - Double(got.pointer[i])
        largest = max(largest, abs(difference))
        squares += difference * difference
        outputSquares += Double(expected.pointer[i]) * Double(expected.pointer[i])
      }
      count += n * size
      t += n
    }
  }
}
