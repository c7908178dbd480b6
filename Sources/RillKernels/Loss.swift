import CVector

/// Softmax cross-entropy of rows of pre-activations z [rows][blocks·16] against class indices; −1 counts nothing.
/// In place of z: (softmax(z) − onehot)·scale, 0 for uncounted rows. losses[r] = log Σ exp z − z[class]; correct[r]: 1 where the largest
/// pre-activation (the first of equal ones) is the class, else 0.
func crossEntropy(
  _ rows: Int, _ size: Int, _ blocks: Int, _ z: UnsafeMutablePointer<Float>, _ classes: UnsafePointer<Int32>, _ scale: Float,
  _ losses: UnsafeMutablePointer<Float>, _ correct: UnsafeMutablePointer<Int32>
) {
  let width = blocks * lanes
  for r in 0..<rows {
    let row = z + r * width
    let wanted = Int(classes[r])
    losses[r] = 0
    correct[r] = 0
    if wanted < 0 {
      for u in 0..<blocks { store(row + u * lanes, .zero) }
      continue
    }
    let target = row[wanted]
    var best = 0
    for i in 1..<max(1, size) where row[i] > row[best] { best = i }
    correct[r] = best == wanted ? 1 : 0
    let (largest, total) = softmaxRow(row, size, blocks)
    losses[r] = rill__logf(total) + (largest - target)
    for u in 0..<blocks { store(row + u * lanes, load(row + u * lanes) * splat(scale)) }
    row[wanted] -= scale
  }
}
