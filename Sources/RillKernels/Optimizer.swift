import CVector

// One update of `count` parameters, definitions as in PyTorch; g is the clipped gradient. Each kernel returns 1 if every new value is finite, and
// writes only when committing: a first pass without it keeps a diverging update from destroying anything.

@inline(always) func clipped(_ u: rill__update, _ i: Int) -> Vector { limit(load(u.gradients + i) * splat(u.scale), u.limit) }

/// b' = μ b + g (the first time b' = g);  p' = p − η b'. Without momentum b' = g.
func updateSGD(_ update: UnsafePointer<rill__update>) -> Int {
  let u = update.pointee
  var finite = FiniteCheck()
  var i = 0
  while i < u.count {
    var step = clipped(u, i)
    if let first = u.first {
      if u.starting == 0 { step = fma(splat(u.first_decay), load(first + i), step) }
      if u.committing != 0 { store(first + i, step) }
      finite.add(step)
    }
    let p = fma(splat(-u.rate), step, load(u.parameters + i))
    finite.add(p)
    if u.committing != 0 { store(u.parameters + i, p) }
    i += lanes
  }
  return finite.result
}

/// v' = α v + (1 − α) g²;  d = g / (√v' + ε);  with momentum b' = μ b + d, p' = p − η b', else p' = p − η d.
func updateRMSProp(_ update: UnsafePointer<rill__update>) -> Int {
  let u = update.pointee
  var finite = FiniteCheck()
  var i = 0
  while i < u.count {
    let g = clipped(u, i)
    let v = fma(splat(u.second_rest) * g, g, splat(u.second_decay) * load(u.second + i))
    var step = g / (rill__sqrt(v) + splat(u.epsilon))
    finite.add(v)
    if u.committing != 0 { store(u.second + i, v) }
    if let first = u.first {
      step = fma(splat(u.first_decay), load(first + i), step)
      if u.committing != 0 { store(first + i, step) }
    }
    let p = fma(splat(-u.rate), step, load(u.parameters + i))
    finite.add(p)
    if u.committing != 0 { store(u.parameters + i, p) }
    i += lanes
  }
  return finite.result
}

/// m' = β₁ m + (1 − β₁) g;  v' = β₂ v + (1 − β₂) g²;  p' = p − η m' / (√v'·correction + ε), η already over 1 − β₁ⁿ.
func updateAdam(_ update: UnsafePointer<rill__update>) -> Int {
  let u = update.pointee
  var finite = FiniteCheck()
  var i = 0
  while i < u.count {
    let g = clipped(u, i)
    let m = fma(splat(u.first_rest), g, splat(u.first_decay) * load(u.first + i))
    let v = fma(splat(u.second_rest) * g, g, splat(u.second_decay) * load(u.second + i))
    let step = m / fma(rill__sqrt(v), splat(u.second_correction), splat(u.epsilon))
    let p = fma(splat(-u.rate), step, load(u.parameters + i))
    finite.add(m)
    finite.add(v)
    finite.add(p)
    if u.committing != 0 {
      store(u.first + i, m)
      store(u.second + i, v)
      store(u.parameters + i, p)
    }
    i += lanes
  }
  return finite.result
}
