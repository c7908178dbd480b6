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
  package func pack(_ parameters: UnsafePointer<Float>, _ packed: UnsafeMutablePointer<Float>, _ how: Packing) {}
  package var memory: Memory { .none }
  /// z holds the mask.
  package var workspace: Workspace { Workspace(z: width) }
  package func fill(_ frame: inout rill__frame, packed: UnsafePointer<Float>, _ precision: Precision) {}
  package func stepKernel(_ kernels: Kernels) -> ForwardKernel? { nil }
  package var multiplyAdds: Int { 0 }
  package var transposedCount: Int { 0 }
  package func packTransposed(_ parameters: UnsafePointer<Float>, _ transposed: UnsafeMutablePointer<Float>, _ part: Part) {}
  package var gradientCount: Int { 0 }

  package func forward(_ tape: Tape, _ pass: Pass) {
    guard pass.isTraining, let x = tape.x else { return }
    for t in 0..<tape.steps {
      for row in pass.range {
        let place = (pass.isSaving ? t * pass.rows + row : row) * width
        let mask = tape.z.pointer + place
        fillMask(mask, time: tape.start + t, row: row, seed: pass.seed, unit: tape.index)
        let index = t * pass.rows + row
        pass.kernels.table.multiply(x + index * tape.xStride, mask, tape.output + index * width, width)
      }
    }
  }

  package func backward(_ tape: Tape, _ pass: Pass, dx: UnsafeMutablePointer<Float>?) {
    guard let dx else { return }
    pass.forEachRun(tape.steps) { first, count in
      let at = first * width
      pass.kernels.table.multiply(tape.dy.pointer + at, tape.z.pointer + at, dx + at, count * width)
    }
  }

  package func sumGradients(_ tape: Tape, _ pass: Pass, _ part: Part) {}
  package func addGradients(_ tape: Tape, _ part: Part, to gradients: UnsafeMutablePointer<Float>) {}

  private func fillMask(_ mask: UnsafeMutablePointer<Float>, time: Int, row: Int, seed: UInt64, unit: Int) {
    let generator = Philox(key: seed)
    let threshold = UInt32(probability * 0x1p32)
    let kept = Float(1 / (1 - probability))
    for four in stride(from: 0, to: width, by: 4) {
      let words = generator.words(UInt32(four / 4), UInt32(row), UInt32(truncatingIfNeeded: time), UInt32(unit))
      for i in 0..<4 { mask[four + i] = words[i] < threshold ? 0 : kept }
    }
  }
}
