import CVector
import RillBase

/// A step of the chain that a network computes: one cell of a recurrent layer, a dense layer, an embedding, a dropout. A unit holds sizes and
/// places, no numbers: parameters come packed, state and workspaces belong to streams and tapes.
///
/// Shape letters: T time steps, B rows (sequences), K input size, H output size, Kp and Hp the same rounded up to 16, U = Hp / 16.
package protocol Unit: AnyObject {
  /// H. Outputs are rows of Hp floats.
  var outputSize: Int { get }

  /// Floats of its packed parameters, which forward kernels read.
  var packedCount: Int { get }

  /// Packs a part of the parameters (the model's flat array) into zeroed memory of `packedCount` floats.
  func pack(_ parameters: UnsafePointer<Float>, _ packed: UnsafeMutablePointer<Float>, _ how: Packing)

  /// The same of other precisions; what does not become smaller is as in float32.
  func packedCount(_ precision: Precision) -> Int

  /// Floats of them that a step reads.
  func weightsRead(_ precision: Precision) -> Int

  /// Makes small weights, in zeroed memory of `packedCount(precision)` floats, from packed ones.
  func shrink(_ packed: UnsafePointer<Float>, _ precision: Precision, _ small: UnsafeMutablePointer<Float>)

  /// What the unit remembers between steps.
  var memory: Memory { get }

  /// Floats per row that a step needs for z, s and q of its frame; s only when it saves for backward.
  var workspace: Workspace { get }

  /// Sizes and weights of a frame; buffers are the caller's.
  func fill(_ frame: inout rill__frame, packed: UnsafePointer<Float>, _ precision: Precision)

  /// Floats that several rows of a step need to unpack small weights: for a matrix, and for each row.
  func expansion(_ precision: Precision) -> (matrix: Int, row: Int)

  /// The kernel of a step; nil for a unit that inference passes over.
  func stepKernel(_ kernels: Kernels) -> ForwardKernel?

  /// The kernels of a step of a single row, one after another: with the unit blocks that each visits, in ascending order. Empty: stepKernel does it all.
  func rowCalls(_ kernels: Kernels) -> [RowCall]

  /// Offset of the initial hidden (Hp) and cell (Hp) state in the packed parameters; nil: zeros.
  func initialState(_ precision: Precision) -> (hidden: Int, cell: Int)?

  /// Where the initial hidden and cell state stand in the model's parameters; nil for a unit without such parameters.
  var initialPlaces: (hidden: Int, cell: Int?)? { get }

  /// Multiply-adds of one step of one row.
  var multiplyAdds: Int { get }

  /// Floats of its parameters packed for backward.
  var transposedCount: Int { get }

  /// Packs a part of them, into zeroed memory.
  func packTransposed(_ parameters: UnsafePointer<Float>, _ transposed: UnsafeMutablePointer<Float>, _ part: Part)

  /// Floats of scratch memory that its parameters' gradients are summed up in.
  var gradientCount: Int { get }

  /// Computes all time steps of a tape for the pass's sequences, from the state that the tape begins with.
  func forward(_ tape: Tape, _ pass: Pass)

  /// Turns tape.dy of the pass's sequences into the gradient of the pre-activations, and of the input (written to `dx` if that is not nil).
  func backward(_ tape: Tape, _ pass: Pass, dx: UnsafeMutablePointer<Float>?)

  /// From the gradient of the pre-activations of all sequences to that of a part of the parameters, summed up in the tape.
  func sumGradients(_ tape: Tape, _ pass: Pass, _ part: Part)

  /// Adds a part of these sums to `gradients`, an array in the layout of the model's parameters.
  func addGradients(_ tape: Tape, _ part: Part, to gradients: UnsafeMutablePointer<Float>)

  /// Whether what backward left for a sequence at a step of the tape is finite.
  func isGradientFinite(_ tape: Tape, step: Int, row: Int, _ pass: Pass) -> Bool

  /// Adds the gradient of the initial states, of sequences that began with them.
  func addInitialGradients(_ tape: Tape, isInitial: UnsafePointer<Bool>, rows: Int, to gradients: UnsafeMutablePointer<Float>)
}

extension Unit {
  package func isGradientFinite(_ tape: Tape, step: Int, row: Int, _ pass: Pass) -> Bool {
    let width = padded(outputSize)
    return pass.kernels.table.all_finite(tape.dy.pointer + (step * pass.rows + row) * width, width) != 0
  }
  package func packedCount(_ precision: Precision) -> Int { packedCount }
  package func weightsRead(_ precision: Precision) -> Int { packedCount(precision) }
  package func shrink(_ packed: UnsafePointer<Float>, _ precision: Precision, _ small: UnsafeMutablePointer<Float>) {
    small.copy(packed, packedCount)
  }
  package func addInitialGradients(_ tape: Tape, isInitial: UnsafePointer<Bool>, rows: Int, to gradients: UnsafeMutablePointer<Float>) {}
  package func expansion(_ precision: Precision) -> (matrix: Int, row: Int) { (0, 0) }
  package func rowCalls(_ kernels: Kernels) -> [RowCall] { [] }
  package func initialState(_ precision: Precision) -> (hidden: Int, cell: Int)? { nil }
  package var initialPlaces: (hidden: Int, cell: Int?)? { nil }
}

/// A forward kernel: see rill__kernels.
package typealias ForwardKernel = @convention(c) (UnsafePointer<rill__frame>?) -> Int

/// A kernel that visits `count` groups of `stride` unit blocks, from block `first` on.
package struct RowCall {
  let kernel: ForwardKernel
  let first: Int
  let count: Int
  let stride: Int
}

/// How parameters are packed for forward kernels: a part of them, for streams or for training's batches.
package struct Packing {
  let kernels: Kernels
  let part: Part
  let isForBatches: Bool
}

package enum Memory {
  case none
  case hidden
  case hiddenAndCell

  package var vectors: Int {
    switch self {
    case .none: 0
    case .hidden: 1
    case .hiddenAndCell: 2
    }
  }
}

/// Floats per row.
package struct Workspace {
  package var z = 0
  package var s = 0
  package var q = 0
}
