import CVector
import RillBase

/// Elman RNN: h' = φ(W_ih x + b_ih + W_hh h + b_hh), φ tanh or relu (Elman, "Finding structure in time", 1990).
package final class ElmanCell: Cell {
  private let isRelu: Bool

  static var gates: Gates {
    Gates(
      biases: [Gates.Bias(input: 0, recurrent: 0)], inputGates: [0], groups: [Gates.Group(gates: [0], firstSlot: 0)],
      chains: 4)
  }

  init(shape: CellShape, places: CellParameters, isRelu: Bool) {
    self.isRelu = isRelu
    super.init(shape: shape, places: places)
  }

  /// One vector a row: only several blocks together keep the multipliers busy, except where the second-level cache is the limit.
  override func groupKernel(_ kernels: Kernels) -> (kernel: ForwardKernel, size: Int)? {
    if (200_000...1_000_000).contains(weightBytes) || shape.blocks == 1 { return nil }
    return shape.blocks >= 4 ? kernels.table.elman_fours.map { ($0, 4) } : kernels.table.elman_pairs.map { ($0, 2) }
  }

  package override func fill(_ frame: inout rill__frame, packed: UnsafePointer<Float>, _ precision: Precision) {
    super.fill(&frame, packed: packed, precision)
    frame.kind = Int(isRelu ? rill__relu : rill__tanh)
  }

  package override func stepKernel(_ kernels: Kernels) -> ForwardKernel? {
    kernels.table.elman_forward
  }

  /// da = dh φ'(a);  dh before = W_hhᵀ da
  override func backwardStep(_ frame: inout rill__backward_frame, _ tape: Tape, _ kernels: Kernels) {
    kernels.table.elman_backward(&frame)
    recurrentGradient(frame, 0, tape, kernels, to: frame.carry, adding: false)
  }
}
