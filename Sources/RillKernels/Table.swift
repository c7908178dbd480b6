import CVector

/// Fills in this level's kernels: the only way into this module.
///
/// `@export(interface)` keeps the body here. Without it Embedded Swift may emit it again in the calling module, with the kernels it names, at the
/// caller's instruction set; the levels would silently become one.
@export(interface) package func fillKernels(_ table: UnsafeMutablePointer<rill__kernels>) {
  table.pointee = rill__kernels(
    splits_fours: splitsFours ? 1 : 0,
    elman_forward: { elmanForward($0!) },
    lstm_forward: { lstmForward($0!) },
    gru_forward: { gruForward($0!) },
    gru_reset_before_forward: { gruResetBeforeForward($0!) },
    lstm_pairs: nil, gru_pairs: nil, elman_pairs: nil, elman_fours: nil,
    dense_forward: { denseForward($0!) },
    dense_by_rows_forward: { denseByRowsForward($0!) },
    embedding_forward: { embeddingForward($0!) },
    prepare: { prepare($0!) },
    step: { step($0!, $1, $2, $3) },
    elman_backward: { elmanBackward($0!) },
    lstm_backward: { lstmBackward($0!) },
    gru_backward: { gruBackward($0!) },
    gru_reset_before_candidate_backward: { gruResetBeforeCandidateBackward($0!) },
    gru_reset_before_gate_backward: { gruResetBeforeGateBackward($0!) },
    dense_backward: { denseBackward($0, $1, $2, $3!, $4!, $5!) },
    product: { product($0!) },
    column_sums: { columnSums($0, $1, $2!, $3, $4!) },
    scatter_rows: { scatterRows($0, $1, $2!, $3!, $4, $5!) },
    transpose: { transpose($0, $1, $2!, $3, $4!, $5) },
    cross_entropy: { crossEntropy($0!) },
    update_sgd: { updateSGD($0!) },
    update_rmsprop: { updateRMSProp($0!) },
    update_adam: { updateAdam($0!) },
    average: { average($0!, $1!, $2, $3) },
    all_finite: { allFinite($0!, $1) },
    sum_of_squares: { sumOfSquares($0!, $1) },
    multiply: { multiply($0!, $1!, $2!, $3) },
    add: { add($0!, $1!, $2) },
    take_input: { takeInput($0, $1, $2!, $3, $4, $5, $6!, $7) },
    give_output: { giveOutput($0, $1, $2!, $3, $4, $5, $6!) })
  #if RILL_WIDE
    table.pointee.lstm_pairs = { lstmPairs($0!) }
    table.pointee.gru_pairs = { gruPairs($0!) }
    table.pointee.elman_pairs = { elmanPairs($0!) }
    table.pointee.elman_fours = { elmanFours($0!) }
  #endif
}
