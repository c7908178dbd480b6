import CVector

/// Softmax cross-entropy of rows of pre-activations z [rows][blocks·16], whose padding is 0, against class indices; −1 counts nothing.
///
///   losses[r] = log Σ exp z − z[class]
///   dz        = wholes[r] softmax(z) − scales[r] onehot, its padding 0; all 0 for uncounted rows
func crossEntropy(_ operands: UnsafePointer<rill__cross_entropy>) {
  let width = operands.pointee.blocks * lanes
  let last = width - lanes
  // Which lanes of a row's last block are classes, and what keeps the others from being the largest.
  let mask = rill__first(operands.pointee.size - last)
  let away = (mask - splat(1)) * splat(Float.greatestFiniteMagnitude)
  for r in 0..<operands.pointee.rows {
    let z = Source(operands.pointee.z!) + r * width
    let dz = Target(operands.pointee.dz!) + r * width
    let wanted = Int(operands.pointee.classes[r])
    if wanted < 0 {
      operands.pointee.losses[r] = 0
      for i in 0..<width { dz[i] = 0 }
      continue
    }
    let largest = rill__largest(rill__largest_lanes(z, last, load(z + last) + away))
    var totals = powers(z + last, largest) * mask
    store(dz + last, totals)
    var u = 0
    while u < last {
      let e = powers(z + u, largest)
      store(dz + u, e)
      totals = totals + e
      u += lanes
    }
    let total = sum(totals)
    operands.pointee.losses[r] = rill__logf(total) + (largest - z[wanted])
    rill__scale(dz, width, operands.pointee.wholes[r] / total)
    dz[wanted] -= operands.pointee.scales[r]
  }
}

/// exp(z − largest), of exponents down to −80.
@inline(always) private func powers(_ z: Source, _ largest: Float) -> Vector {
  exponential(larger(load(z) - splat(largest), -80), 1.44269504)
}
