import CVector

/// Whether all values seen are finite: an exponent of all ones overflows into the sign bit when one is added to it.
struct FiniteCheck {
  var seen = Bits.zero

  @inline(always) mutating func add(_ v: Vector) {
    seen = seen | ((bits(v) & Bits(repeating: 0x7f80_0000)) &+ Bits(repeating: 0x0080_0000))
  }

  @inline(always) var result: Int { rill__any_negative(seen) != 0 ? 0 : 1 }
}

/// x where it is finite, else 0.
@inline(always) func finiteOrZero(_ x: Vector) -> Vector {
  let overflow = (bits(x) & Bits(repeating: 0x7f80_0000)) &+ Bits(repeating: 0x0080_0000)
  return floats(bits(x) & ~(overflow &>> Bits(repeating: 31)))
}

/// 1 if all `count` values are finite, else 0. Any count, any alignment.
func allFinite(_ values: UnsafePointer<Float>, _ count: Int) -> Int {
  var check = FiniteCheck()
  var i = 0
  while i + lanes <= count {
    check.add(load(values + i))
    i += lanes
  }
  var rest: Int32 = 0
  while i < count {
    rest |= (Int32(bitPattern: values[i].bitPattern) & 0x7f80_0000) &+ 0x0080_0000
    i += 1
  }
  return rest < 0 ? 0 : check.result
}

/// Σ x² of `count` values (a multiple of 16) in blocks of 4096, block sums added in order in double.
func sumOfSquares(_ values: UnsafePointer<Float>, _ count: Int) -> Double {
  var total = 0.0
  var i = 0
  while i < count {
    let end = min(count, i + 4096)
    var block = Vector.zero
    while i < end {
      let v = load(values + i)
      block = fma(v, v, block)
      i += lanes
    }
    total += Double(sum(block))
  }
  return total
}

/// y = x⊙m for `count` values (a multiple of 16).
func multiply(
  _ x: UnsafePointer<Float>, _ m: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int
) {
  var i = 0
  while i < count {
    store(y + i, load(x + i) * load(m + i))
    i += lanes
  }
}

/// y += x for `count` values (a multiple of 16).
func add(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int) {
  var i = 0
  while i < count {
    store(y + i, load(y + i) + load(x + i))
    i += lanes
  }
}
