import CVector

/// Long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers, Schmidhuber and Cummins 2000):
///
///     i, f, o = σ(a_i), σ(a_f), σ(a_o);  g = tanh(a_g);  a = W_ih x + b_ih + W_hh h + b_hh
///     c' = f⊙c + i⊙g
///     h' = o⊙tanh(c')
///
/// Gates lie in the order i f g o.
package final class LSTMCell: Cell {
  static var gates: Gates {
    Gates(
      biases: (0..<4).map { Gates.Bias(input: $0, recurrent: $0) }, inputGates: [0, 1, 2, 3],
      groups: [Gates.Group(gates: [0, 1, 2, 3], firstSlot: 0)], chains: 2)
  }

  package override var memory: Memory { .hiddenAndCell }

  package override var workspace: Workspace { Workspace(z: shape.width * 4, s: shape.width * 2) }

  package override func stepKernel(_ kernels: Kernels) -> ForwardKernel? {
    kernels.table.lstm_forward
  }

  override func groupKernel(_ kernels: Kernels) -> (kernel: ForwardKernel, size: Int)? {
    prefersPairs ? kernels.table.lstm_pairs.map { ($0, 2) } : nil
  }

  /// With dc from the step after:  dc += dh o (1 − tanh²c')
  ///
  ///     da_i = dc g i (1 − i);  da_f = dc c f (1 − f);  da_g = dc i (1 − g²);  da_o = dh tanh(c') o (1 − o)
  ///     dc before = dc f;  dh before = W_hhᵀ da
  override func backwardStep(_ frame: inout rill__backward_frame, _ tape: Tape, _ kernels: Kernels) {
    kernels.table.lstm_backward(&frame)
    recurrentGradient(frame, 0, tape, kernels, to: frame.carry, adding: false)
  }
}
