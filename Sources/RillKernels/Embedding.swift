import CVector

/// Embedding on one time step: the token's row of a table [tokens][Ep]; token −1 gives the zero vector.
func embeddingForward(_ f: Frame) -> Int {
  let width = f.pointee.blocks * lanes
  for r in 0..<f.pointee.rows {
    let token = Int(f.pointee.tokens[r])
    let y = Target(f.pointee.h_next!) + r * width
    for u in 0..<f.pointee.blocks { store(y + u * lanes, token >= 0 ? load(f.pointee.weights + token * width + u * lanes) : .zero) }
  }
  return 1
}
