import RillBase
import RillNetwork

// What a checkpoint keeps of a trainer, apart from its options and seed, which it is made with: see Persistence.swift. Random numbers follow from the seed and
// the count of updates, so they need no place. A running evaluation is not kept.
extension Trainer {
  /// Every number. After an error when restoring, the trainer is to be thrown away.
  package func forEachNumber(_ body: NumberVisitor) throws(RillError) {
    try optimizer.forEachNumber(body)
    try gradients.forEachNumber(body)
    let hasUpdated = try visit("has_updated", lastUpdate != nil, body)
    let loss = try visit("update_loss", lastUpdate?.loss ?? 0, body)
    let norm = try visit("gradient_norm", lastUpdate?.gradientNorm ?? 0, body)
    lastUpdate = hasUpdated ? (loss, norm) : nil
    let lanes = try visit("lanes", states?.rows ?? 0, body)
    guard lanes <= Limits.batchSize else { throw .format("lanes: must be at most \(Limits.batchSize)") }
    if lanes != states?.rows ?? 0 { states = try TrainerStates(network, rows: lanes) }
    try states?.forEachNumber(body)
  }

  /// Every buffer, after the numbers: which there are depends on them and on the options.
  package func forEachBuffer(_ body: BufferVisitor) throws(RillError) {
    try optimizer.forEachBuffer(body)
    if gradients.count > 0 { try body("gradients", gradients.values) }
    if let states, states.hasCarried { try states.forEachBuffer(body) }
  }
}
