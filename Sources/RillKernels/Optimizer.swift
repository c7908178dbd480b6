import CVector

// One update of `count` parameters, definitions as in PyTorch. Each kernel returns 1 if every new value is finite, and writes only when committing: a
// first pass without it keeps a diverging update from destroying anything. Kinds that differ only in numbers share a kernel.

/// g: the gradient, scaled and limited, and with the parameter's weight decay: g = clip(s ∇) + λ p.
@inline(always) func decayedGradient(_ u: rill__update, _ i: Int, _ p: Vector) -> Vector {
  fma(splat(u.weight_decay), p, limit(load(u.gradients + i) * splat(u.scale), u.limit))
}

/// b' = μ b + g, where b starts as 0;  p' = p − η (α b' + β g): α = 1 and β = 0, or α = μ and β = 1 with Nesterov's momentum. Without momentum
/// p' = p − η g.
func updateSGD(_ update: UnsafePointer<rill__update>) -> Int {
  let u = update.pointee
  var finite = FiniteCheck()
  var i = 0
  while i < u.count {
    var p = load(u.parameters + i)
    var step = decayedGradient(u, i, p)
    if let first = u.first {
      let b = fma(splat(u.first_decay), load(first + i), step)
      step = fma(splat(u.gradient_part), step, splat(u.moment_part) * b)
      if u.committing != 0 { store(first + i, b) }
      finite.add(b)
    }
    p = fma(splat(-u.rate), step, p)
    finite.add(p)
    if u.committing != 0 { store(u.parameters + i, p) }
    i += lanes
  }
  return finite.result
}

/// v' = α v + (1 − α) g²;  d = g / (√v' + ε);  with momentum b' = μ b + d, p' = p − η b', else p' = p − η d. Adagrad has 1 for α and for 1 − α.
func updateRMSProp(_ update: UnsafePointer<rill__update>) -> Int {
  let u = update.pointee
  var finite = FiniteCheck()
  var i = 0
  while i < u.count {
    var p = load(u.parameters + i)
    let g = decayedGradient(u, i, p)
    let v = fma(splat(u.second_rest) * g, g, splat(u.second_decay) * load(u.second + i))
    var step = g / (rill__sqrt(v) + splat(u.epsilon))
    finite.add(v)
    if u.committing != 0 { store(u.second + i, v) }
    if let first = u.first {
      step = fma(splat(u.first_decay), load(first + i), step)
      if u.committing != 0 { store(first + i, step) }
    }
    p = fma(splat(-u.rate), step, p)
    finite.add(p)
    if u.committing != 0 { store(u.parameters + i, p) }
    i += lanes
  }
  return finite.result
}

/// m' = β₁ m + (1 − β₁) g;  v' = β₂ v + (1 − β₂) g²;  p' = κ p − η (α m' + β g) / (√v'·correction + ε).
/// Adam: α = 1, β = 0, η already over 1 − β₁ⁿ, κ = 1 (AdamW: 1 − ηλ). NAdam: both parts.
func updateAdam(_ update: UnsafePointer<rill__update>) -> Int {
  let u = update.pointee
  var finite = FiniteCheck()
  var i = 0
  while i < u.count {
    var p = load(u.parameters + i)
    let g = decayedGradient(u, i, p)
    let m = fma(splat(u.first_rest), g, splat(u.first_decay) * load(u.first + i))
    let v = fma(splat(u.second_rest) * g, g, splat(u.second_decay) * load(u.second + i))
    let direction = fma(splat(u.gradient_part), g, splat(u.moment_part) * m)
    let step = direction / fma(rill__sqrt(v), splat(u.second_correction), splat(u.epsilon))
    p = fma(splat(-u.rate), step, splat(u.keep) * p)
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

/// y += r (x − y) for `count` values (a multiple of 16): a moving average, which keeps its bits where x does not move.
func average(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ rest: Float, _ count: Int) {
  var i = 0
  while i < count {
    let old = load(y + i)
    store(y + i, fma(splat(rest), load(x + i) - old, old))
    i += lanes
  }
}
