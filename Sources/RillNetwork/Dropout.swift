import CVector
import RillBase

/// Inverted dropout (Srivastava et al. 2014): in training each value is zeroed with probability p and the others are scaled by 1 / (1 − p), so that
/// nothing is left to do in inference. Whether a value survives depends on the seed of the pass, the unit, time, row and element alone.
package final class Dropout: Unit {
  package let outputSize: Int
  private let probability: Double

  init(size: Int, probability: Double) {
    outputSize = size
    self.probability = probability
  }

  private var width: Int { padded(outputSize) }

  package var packedCount: Int { 0 }
  package func pack(_ parameters: UnsafePointer<Float>, _ packed: UnsafeMutablePointer<Float>) {}
  package var memory: Memory { .none }
  /// z holds the mask.
  package var workspace: Workspace { Workspace(z: width) }
  package func fill(_ frame: inout rill__frame, packed: UnsafePointer<Float>, _ precision: Precision) {}
  package func stepKernel(_ kernels: Kernels) -> ForwardKernel? { nil }
  package var multiplyAdds: Int { 0 }
  package var transposedCount: Int { 0 }
  package func packTransposed(_ parameters: UnsafePointer<Float>, _ transposed: UnsafeMutablePointer<Float>) {}
  package var gradientCount: Int { 0 }

  package func forward(_ tape: Tape, _ pass: Pass) {
    guard let x = tape.x else { return }
    if !pass.isTraining {
      tape.output = UnsafeMutablePointer(mutating: x)
      return
    }
    tape.output = tape.hidden.pointer
    fillMask(tape.z.pointer, steps: tape.steps, rows: pass.rows, seed: pass.seed, unit: tape.index)
    pass.kernels.table.multiply(x, tape.z.pointer, tape.output, tape.steps * pass.rows * width)
  }

  package func backward(_ tape: Tape, _ pass: Pass, dx: UnsafeMutablePointer<Float>?, gradients: UnsafeMutablePointer<Float>) {
    guard let dx else { return }
    pass.kernels.table.multiply(tape.dy.pointer, tape.z.pointer, dx, tape.steps * pass.rows * width)
  }

  private func fillMask(_ mask: UnsafeMutablePointer<Float>, steps: Int, rows: Int, seed: UInt64, unit: Int) {
    let generator = Philox(key: seed)
    let threshold = UInt32(probability * 0x1p32)
    let kept = Float(1 / (1 - probability))
    for t in 0..<steps {
      for row in 0..<rows {
        let to = mask + (t * rows + row) * width
        for four in stride(from: 0, to: width, by: 4) {
          let words = generator.words(UInt32(four / 4), UInt32(row), UInt32(truncatingIfNeeded: t), UInt32(unit))
          for i in 0..<4 { to[four + i] = words[i] < threshold ? 0 : kept }
        }
      }
    }
  }
}
