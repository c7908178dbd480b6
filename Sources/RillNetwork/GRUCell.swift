import CVector
import RillBase

/// Gated recurrent unit (Cho et al. 2014), with the reset gate after the recurrent product, as in cuDNN, PyTorch and Keras' default:
///
///     r, z = σ(a_r), σ(a_z);  a = W_ih x + b_ih + W_hh h + b_hh
///     n = tanh(W_in x + b_in + r⊙(W_hn h + b_hn))
///     h' = (1 − z)⊙n + z⊙h
///
/// Gates lie in the order r z n.
package final class GRUCell: Cell {
  /// Slots: the candidate's input sum, r, z, the candidate's recurrent sum.
  static var gates: Gates {
    Gates(
      biases: [
        Gates.Bias(input: 2, recurrent: nil), Gates.Bias(input: 0, recurrent: 0), Gates.Bias(input: 1, recurrent: 1),
        Gates.Bias(input: nil, recurrent: 2),
      ], inputGates: [2, 0, 1], groups: [Gates.Group(gates: [0, 1, 2], firstSlot: 1)], chains: 2)
  }

  package override var workspace: Workspace { Workspace(z: shape.width * 4, s: shape.width) }

  package override func stepKernel(_ kernels: Kernels) -> ForwardKernel? {
    kernels.table.gru_forward
  }

  override func groupKernel(_ kernels: Kernels) -> (kernel: ForwardKernel, size: Int)? {
    prefersPairs ? kernels.table.gru_pairs.map { ($0, 2) } : nil
  }

  /// da_n = dh (1 − z)(1 − n²);  da_r = da_n (W_hn h + b_hn) r (1 − r);  da_z = dh (h − n) z (1 − z)
  ///
  ///     dh before = dh z + W_hrᵀ da_r + W_hzᵀ da_z + W_hnᵀ (da_n r)
  override func backwardStep(_ frame: inout rill__backward_frame, _ tape: Tape, _ kernels: Kernels) {
    kernels.table.gru_backward(&frame)
    recurrentGradient(frame, 0, tape, kernels, to: frame.carry, adding: true)
  }
}

/// The GRU of the first papers (Cho et al. 2014, version 1), with the reset gate before the recurrent product:
///
///     n = tanh(W_in x + b_in + W_hn (r⊙h) + b_hn)
///
/// and everything else as above.
package final class GRUResetBeforeCell: Cell {
  /// Slots: n, r, z. The candidate's recurrent product waits for r.
  static var gates: Gates {
    Gates(
      biases: [Gates.Bias(input: 2, recurrent: 2), Gates.Bias(input: 0, recurrent: 0), Gates.Bias(input: 1, recurrent: 1)],
      inputGates: [2, 0, 1], groups: [Gates.Group(gates: [0, 1], firstSlot: 1), Gates.Group(gates: [2], firstSlot: 0)], chains: 2)
  }

  package override var workspace: Workspace { Workspace(z: shape.width * 3, s: shape.width * 2, q: shape.width) }

  package override func stepKernel(_ kernels: Kernels) -> ForwardKernel? {
    kernels.table.gru_reset_before_forward
  }

  /// da_n = dh (1 − z)(1 − n²);  dq = W_hnᵀ da_n;  da_r = dq h r (1 − r);  da_z = dh (h − n) z (1 − z)
  ///
  ///     dh before = dh z + dq r + W_hrᵀ da_r + W_hzᵀ da_z
  override func backwardStep(_ frame: inout rill__backward_frame, _ tape: Tape, _ kernels: Kernels) {
    kernels.table.gru_reset_before_candidate_backward(&frame)
    recurrentGradient(frame, 1, tape, kernels, to: UnsafeMutablePointer(mutating: frame.dq!), adding: false)
    kernels.table.gru_reset_before_gate_backward(&frame)
    recurrentGradient(frame, 0, tape, kernels, to: frame.carry, adding: true)
  }
}
