import CVector

// A single row with small weights: as many vectors of a panel row at a time as the registers hold sums for.

/// c = start + a·w, V vectors in P chains of k ascending; start the bias or c itself.
@inline(never) func halvesRow(_ V: Int, _ P: Int, _ k: Int, _ a: Source, _ w: Words, _ c: Target, _ bias: Source?) {
  let from = bias ?? Source(c)
  if P == 4 { return halvesOfFourChains(k, a, w, from, c) }
  var v = 0
  #if RILL_WIDE
    if V == 4 { return halves(k, a, w, 64, Four(from, 0)).store(c) }
    if V == 3 { return halves(k, a, w, 48, Three(from, 0)).store(c) }
  #elseif RILL_AVX || arch(arm64)
    while v + 2 <= V {
      halves(k, a, w + v * lanes, V * lanes, Two(from + v * lanes, 0)).store(c + v * lanes)
      v += 2
    }
  #endif
  while v < V {
    halves(k, a, w + v * lanes, V * lanes, One(from + v * lanes, 0)).store(c + v * lanes)
    v += 1
  }
}

@inline(always) func halves<Sums: BlockAccumulators>(_ k: Int, _ a: Source, _ w: Words, _ row: Int, _ start: Sums) -> Sums {
  var (a, w, left) = (a, w, k)
  var even = start
  var odd = Sums.zero
  while left > 0 {
    Sums.addHalves(&even, &odd, splat(a[0]), splat(a[1]), w)
    a += 2
    w += row
    left -= 2
  }
  return even + odd
}

@inline(always) func halvesOfFourChains(_ k: Int, _ a: Source, _ w: Words, _ from: Source, _ c: Target) {
  var (a, w, left) = (a, w, k)
  var (s0, s1, s2, s3) = (One(from, 0), One.zero, One.zero, One.zero)
  while left > 0 {
    One.addHalves(&s0, &s1, splat(a[0]), splat(a[1]), w)
    One.addHalves(&s2, &s3, splat(a[2]), splat(a[3]), w + lanes)
    a += 4
    w += 2 * lanes
    left -= 4
  }
  ((s0 + s1) + (s2 + s3)).store(c)
}

/// c = start + scale ⊙ (a·q), from int8.
@inline(never) func quartersRow(
  _ V: Int, _ P: Int, _ k: Int, _ a: Source, _ w: Words, _ scales: Source, _ c: Target, _ bias: Source?
) {
  let from = bias ?? Source(c)
  if P == 4 { return quartersOfFourChains(k, a, w, scales, from, c) }
  var v = 0
  #if RILL_WIDE
    if V == 4 {
      return quarters(k, a, w, 64, Four.zero).storeScaled(scales, from, c)
    }
    if V == 3 {
      return quarters(k, a, w, 48, Three.zero).storeScaled(scales, from, c)
    }
  #elseif RILL_AVX || arch(arm64)
    while v + 2 <= V {
      let o = v * lanes
      quarters(k, a, w + o, V * lanes, Two.zero).storeScaled(scales + o, from + o, c + o)
      v += 2
    }
  #endif
  while v < V {
    let o = v * lanes
    quarters(k, a, w + o, V * lanes, One.zero).storeScaled(scales + o, from + o, c + o)
    v += 1
  }
}

@inline(always) func quarters<Sums: BlockAccumulators>(_ k: Int, _ a: Source, _ w: Words, _ row: Int, _ start: Sums) -> Sums {
  var (a, w, left) = (a, w, k)
  var even = start
  var odd = Sums.zero
  while left > 0 {
    Sums.addQuarters(&even, &odd, splat(a[0]), splat(a[1]), splat(a[2]), splat(a[3]), w)
    a += 4
    w += row
    left -= 4
  }
  return even + odd
}

@inline(always) func quartersOfFourChains(
  _ k: Int, _ a: Source, _ w: Words, _ scales: Source, _ from: Source, _ c: Target
) {
  var (a, w, left) = (a, w, k)
  var (s0, s1, s2, s3) = (Vector.zero, Vector.zero, Vector.zero, Vector.zero)
  while left > 0 {
    let x = word(w)
    s0 = fma(splat(a[0]), byte0(x), s0)
    s1 = fma(splat(a[1]), byte1(x), s1)
    s2 = fma(splat(a[2]), byte2(x), s2)
    s3 = fma(splat(a[3]), byte3(x), s3)
    a += 4
    w += lanes
    left -= 4
  }
  One(a: (s0 + s1) + (s2 + s3)).storeScaled(scales, from, c)
}
