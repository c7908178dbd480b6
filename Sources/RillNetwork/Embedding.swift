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

  package func pack(_ parameters: UnsafePointer<Float>, _ packed: UnsafeMutablePointer<Float>, _ how: Packing) {
    for token in how.part.range(tokenCount) { (packed + token * width).copy(parameters + weight + token * outputSize, outputSize) }
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
    pass.forEachRun(tape.steps) { first, count in
      frame.rows = count
      frame.tokens = tape.tokens.map { $0 + first }
      frame.h_next = tape.output + first * width
      _ = pass.kernels.table.embedding_forward(&frame)
    }
  }

  package var transposedCount: Int { 0 }
  package func packTransposed(_ parameters: UnsafePointer<Float>, _ transposed: UnsafeMutablePointer<Float>, _ part: Part) {}
  package var gradientCount: Int { tokenCount * width }

  package func backward(_ tape: Tape, _ pass: Pass, dx: UnsafeMutablePointer<Float>?) {}

  /// The gradient of a row is the sum of the gradients of the steps that used it. Any step may use any row: one part does all.
  package func sumGradients(_ tape: Tape, _ pass: Pass, _ part: Part) {
    guard let tokens = tape.tokens, part.isFirst else { return }
    let sums = tape.sums.pointer
    if !tape.hasSums { sums.clear(tape.sums.count) }
    for t in (0..<tape.steps).reversed() {
      let first = t * pass.rows
      pass.kernels.table.scatter_rows(pass.rows, width / 16, tokens + first, tape.dy.pointer + first * width, width, sums)
    }
  }

  package func addGradients(_ tape: Tape, _ part: Part, to gradients: UnsafeMutablePointer<Float>) {
    for token in part.range(tokenCount) {
      for unit in 0..<outputSize { gradients[weight + token * outputSize + unit] += tape.sums.pointer[token * width + unit] }
    }
  }
}
