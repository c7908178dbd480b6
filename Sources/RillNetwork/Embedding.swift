import CVector
import RillBase

/// Embedding: a token becomes its row of a table [tokens][embedding_dim]; token −1 the zero vector.
package final class Embedding: Unit {
  private let tokenCount: Int
  package let outputSize: Int
  private let weight: Int

  init(tokenCount: Int, outputSize: Int, weight: Int) {
    self.tokenCount = tokenCount
    self.outputSize = outputSize
    self.weight = weight
  }

  private var width: Int { padded(outputSize) }

  package var packedCount: Int { tokenCount * width }
  package func weightsRead(_ precision: Precision) -> Int { width }
  package var memory: Memory { .none }
  package var workspace: Workspace { Workspace() }
  package var multiplyAdds: Int { 0 }

  package func pack(_ parameters: UnsafePointer<Float>, _ packed: UnsafeMutablePointer<Float>) {
    for token in 0..<tokenCount { (packed + token * width).copy(parameters + weight + token * outputSize, outputSize) }
  }

  package func fill(_ frame: inout rill__frame, packed: UnsafePointer<Float>, _ precision: Precision) {
    frame.blocks = width / 16
    frame.output_size = outputSize
    frame.weights = packed
  }

  package func stepKernel(_ kernels: Kernels) -> ForwardKernel? { kernels.table.embedding_forward }

  package func forward(_ tape: Tape, _ pass: Pass) {
    var frame = rill__frame()
    fill(&frame, packed: tape.packed, .float32)
    frame.rows = tape.steps * pass.rows
    frame.tokens = tape.tokens
    frame.h_next = tape.output
    _ = pass.kernels.table.embedding_forward(&frame)
  }

  package var transposedCount: Int { 0 }
  package func packTransposed(_ parameters: UnsafePointer<Float>, _ transposed: UnsafeMutablePointer<Float>) {}
  package var gradientCount: Int { tokenCount * width }

  /// The gradient of a row is the sum of the gradients of the steps that used it.
  package func backward(_ tape: Tape, _ pass: Pass, dx: UnsafeMutablePointer<Float>?, gradients: UnsafeMutablePointer<Float>) {
    guard let tokens = tape.tokens else { return }
    let sums = tape.sums.pointer
    sums.clear(tape.sums.count)
    pass.kernels.table.scatter_rows(tape.steps * pass.rows, width / 16, tokens, tape.dy.pointer, width, sums)
    for token in 0..<tokenCount {
      for unit in 0..<outputSize { gradients[weight + token * outputSize + unit] += sums[token * width + unit] }
    }
  }
}
