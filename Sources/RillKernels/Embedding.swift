import CVector

/// Embedding on one time step: the token's row of a table [tokens][Ep]; token −1 gives the zero vector.
func embeddingForward(_ frame: UnsafePointer<rill__frame>) {
  let f = frame.pointee
  let width = f.blocks * lanes
  for r in 0..<f.rows {
    let token = Int(f.tokens[r])
    let y = Target(f.h_next!) + r * width
    for u in 0..<f.blocks { store(y + u * lanes, token >= 0 ? load(f.weights + token * width + u * lanes) : .zero) }
  }
}
