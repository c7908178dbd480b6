import CVector

// The products of one row with packed weights, for a step of a single sequence: sums start in registers and stay there. The chains are those of the
// tiles in Tile.swift, so the bits are the same.

/// The sums of unit block u (or several from it on) of one row, slots from `slot` on (the second half of a matrix that is stored so: 2), `row` floats from a
/// row of weights to the next: start + Σ_k x[k]·w[k] over the input rows, then + Σ_k h[k]·w[k] over the recurrent rows, each in P chains
/// (2 or 4), k ascending. `turn` is applied between the two. A prepared or token input is in `start` already.
///
/// Both parts go through one inner loop. The processor foresees a stream of loads by the instruction that makes them: with a loop for each part it begins
/// anew twice a block, which costs a sixth of the time as soon as weights come from the second-level cache.
@inline(always) func sums<Sums: Accumulators>(
  _ P: Int, _ f: Frame, _ u: Int, _ slot: Int, _ row: Int, _ turn: (inout Sums) -> Void
) -> Sums {
  let inputs = firstRow(f, f.pointee.input, u) + (slot == 0 ? 0 : f.pointee.input.half)
  let recurrent = firstRow(f, f.pointee.recurrent, u) + (slot == 0 ? 0 : f.pointee.recurrent.half)
  var isRecurrent = f.pointee.prepared != 0 || f.pointee.tokens != nil
  var s0: Sums = start(f, u, slot, inputs, row)
  if isRecurrent { turn(&s0) }
  var w = isRecurrent ? recurrent : inputs
  var outer = isRecurrent ? f.pointee.recurrent.stride : f.pointee.input.stride
  var a = Source(isRecurrent ? f.pointee.h! : f.pointee.x!)
  var left = isRecurrent ? f.pointee.recurrent.rows : f.pointee.input.rows
  while true {
    var s1 = Sums.zero
    if P == 2 {
      while left > 0 {
        s0.add(splat(a[0]), w, outer)
        s1.add(splat(a[1]), w + row, outer)
        a += 2
        w += 2 * row
        left -= 2
      }
      s0 = s0 + s1
    } else {
      var s2 = Sums.zero
      var s3 = Sums.zero
      while left > 0 {
        s0.add(splat(a[0]), w, outer)
        s1.add(splat(a[1]), w + row, outer)
        s2.add(splat(a[2]), w + 2 * row, outer)
        s3.add(splat(a[3]), w + 3 * row, outer)
        a += 4
        w += 4 * row
        left -= 4
      }
      s0 = (s0 + s1) + (s2 + s3)
    }
    if isRecurrent { return s0 }
    isRecurrent = true
    turn(&s0)
    w = recurrent
    outer = f.pointee.recurrent.stride
    a = Source(f.pointee.h!)
    left = f.pointee.recurrent.rows
  }
}

/// Where sums of slots from `slot` on start: at what was prepared in z, or at the bias and a token's column of the weights (−1: none), or at the bias.
@inline(always) func start<Sums: Accumulators>(_ f: Frame, _ u: Int, _ slot: Int, _ inputs: Source, _ row: Int) -> Sums {
  let offset = slot * lanes
  if f.pointee.prepared != 0 { return Sums(Source(f.pointee.z!) + u * f.pointee.z_block + offset, f.pointee.z_block) }
  let start = Sums(f.pointee.weights + u * f.pointee.panel + offset, f.pointee.panel)
  guard let tokens = f.pointee.tokens else { return start }
  let token = Int(tokens[0])
  return token < 0 ? start : start + Sums(inputs + token * row, f.pointee.input.stride)
}
