// Sums that stay in registers, as fields with names: arrays of vectors, however small, end up in memory once a loop is between their uses.

/// The vectors of one weight row that a kernel multiplies together: those of a unit block, or of several blocks whose panels are `outer` floats apart.
protocol Accumulators {
  /// Panels that the vectors are from.
  static var blocks: Int { get }
  static var zero: Self { get }
  init(_ w: Source, _ outer: Int)
  /// self += factor · w.
  mutating func add(_ factor: Vector, _ w: Source, _ outer: Int)
  static func + (a: Self, b: Self) -> Self
}

/// Of one block: what products with small weights need too.
protocol BlockAccumulators: Accumulators {
  /// Two rows of bfloat16: even += f0 · low, odd += f1 · high.
  static func addHalves(_ even: inout Self, _ odd: inout Self, _ f0: Vector, _ f1: Vector, _ w: Words)
  /// Four rows of int8: even += f0 · q0 + f2 · q2, odd += f1 · q1 + f3 · q3.
  static func addQuarters(_ even: inout Self, _ odd: inout Self, _ f0: Vector, _ f1: Vector, _ f2: Vector, _ f3: Vector, _ w: Words)
  func store(_ c: Target)
  /// c = from + scales ⊙ self.
  func storeScaled(_ scales: Source, _ from: Source, _ c: Target)
}

@inline(always) func addHalf(_ even: inout Vector, _ odd: inout Vector, _ f0: Vector, _ f1: Vector, _ w: Words) {
  let x = word(w)
  even = fma(f0, lowHalf(x), even)
  odd = fma(f1, highHalf(x), odd)
}

@inline(always) func addQuarter(
  _ even: inout Vector, _ odd: inout Vector, _ f0: Vector, _ f1: Vector, _ f2: Vector, _ f3: Vector, _ w: Words
) {
  let x = word(w)
  even = fma(f0, byte0(x), even)
  odd = fma(f1, byte1(x), odd)
  even = fma(f2, byte2(x), even)
  odd = fma(f3, byte3(x), odd)
}

@inline(always) func storeVector(_ c: Target, _ v: Vector) { UnsafeMutableRawPointer(c).storeBytes(of: v, as: Vector.self) }
@inline(always) func storeScaledVector(_ v: Vector, _ scales: Source, _ from: Source, _ c: Target) {
  storeVector(c, fma(load(scales), v, load(from)))
}

struct One: BlockAccumulators {
  var a: Vector
  @inline(always) static var blocks: Int { 1 }
  @inline(always) static var zero: One { One(a: .zero) }
  @inline(always) init(a: Vector) { self.a = a }
  @inline(always) init(_ w: Source, _ outer: Int) { a = load(w) }
  @inline(always) mutating func add(_ factor: Vector, _ w: Source, _ outer: Int) { a = fma(factor, load(w), a) }
  @inline(always) static func addHalves(_ even: inout One, _ odd: inout One, _ f0: Vector, _ f1: Vector, _ w: Words) {
    addHalf(&even.a, &odd.a, f0, f1, w)
  }
  @inline(always) static func addQuarters(
    _ even: inout One, _ odd: inout One, _ f0: Vector, _ f1: Vector, _ f2: Vector, _ f3: Vector, _ w: Words
  ) {
    addQuarter(&even.a, &odd.a, f0, f1, f2, f3, w)
  }
  @inline(always) func store(_ c: Target) {
    storeVector(c, a)
  }
  @inline(always) func storeScaled(_ scales: Source, _ from: Source, _ c: Target) {
    storeScaledVector(a, scales, from, c)
  }
  @inline(always) static func + (x: One, y: One) -> One { One(a: x.a + y.a) }
}

struct Two: BlockAccumulators {
  var a, b: Vector
  @inline(always) static var blocks: Int { 1 }
  @inline(always) static var zero: Two { Two(a: .zero, b: .zero) }
  @inline(always) init(a: Vector, b: Vector) { (self.a, self.b) = (a, b) }
  @inline(always) init(_ w: Source, _ outer: Int) { (a, b) = (load(w), load(w + 16)) }
  @inline(always) mutating func add(_ factor: Vector, _ w: Source, _ outer: Int) {
    a = fma(factor, load(w), a)
    b = fma(factor, load(w + 16), b)
  }
  @inline(always) static func addHalves(_ even: inout Two, _ odd: inout Two, _ f0: Vector, _ f1: Vector, _ w: Words) {
    addHalf(&even.a, &odd.a, f0, f1, w)
    addHalf(&even.b, &odd.b, f0, f1, w + 16)
  }
  @inline(always) static func addQuarters(
    _ even: inout Two, _ odd: inout Two, _ f0: Vector, _ f1: Vector, _ f2: Vector, _ f3: Vector, _ w: Words
  ) {
    addQuarter(&even.a, &odd.a, f0, f1, f2, f3, w)
    addQuarter(&even.b, &odd.b, f0, f1, f2, f3, w + 16)
  }
  @inline(always) func store(_ c: Target) {
    storeVector(c, a)
    storeVector(c + 16, b)
  }
  @inline(always) func storeScaled(_ scales: Source, _ from: Source, _ c: Target) {
    storeScaledVector(a, scales, from, c)
    storeScaledVector(b, scales + 16, from + 16, c + 16)
  }
  @inline(always) static func + (x: Two, y: Two) -> Two { Two(a: x.a + y.a, b: x.b + y.b) }
}

struct Three: BlockAccumulators {
  var a, b, c: Vector
  @inline(always) static var blocks: Int { 1 }
  @inline(always) static var zero: Three { Three(a: .zero, b: .zero, c: .zero) }
  @inline(always) init(a: Vector, b: Vector, c: Vector) { (self.a, self.b, self.c) = (a, b, c) }
  @inline(always) init(_ w: Source, _ outer: Int) { (a, b, c) = (load(w), load(w + 16), load(w + 32)) }
  @inline(always) mutating func add(_ factor: Vector, _ w: Source, _ outer: Int) {
    a = fma(factor, load(w), a)
    b = fma(factor, load(w + 16), b)
    c = fma(factor, load(w + 32), c)
  }
  @inline(always) static func addHalves(_ even: inout Three, _ odd: inout Three, _ f0: Vector, _ f1: Vector, _ w: Words) {
    addHalf(&even.a, &odd.a, f0, f1, w)
    addHalf(&even.b, &odd.b, f0, f1, w + 16)
    addHalf(&even.c, &odd.c, f0, f1, w + 32)
  }
  @inline(always) static func addQuarters(
    _ even: inout Three, _ odd: inout Three, _ f0: Vector, _ f1: Vector, _ f2: Vector, _ f3: Vector, _ w: Words
  ) {
    addQuarter(&even.a, &odd.a, f0, f1, f2, f3, w)
    addQuarter(&even.b, &odd.b, f0, f1, f2, f3, w + 16)
    addQuarter(&even.c, &odd.c, f0, f1, f2, f3, w + 32)
  }
  @inline(always) func store(_ c: Target) {
    storeVector(c, a)
    storeVector(c + 16, b)
    storeVector(c + 32, self.c)
  }
  @inline(always) func storeScaled(_ scales: Source, _ from: Source, _ c: Target) {
    storeScaledVector(a, scales, from, c)
    storeScaledVector(b, scales + 16, from + 16, c + 16)
    storeScaledVector(self.c, scales + 32, from + 32, c + 32)
  }
  @inline(always) static func + (x: Three, y: Three) -> Three { Three(a: x.a + y.a, b: x.b + y.b, c: x.c + y.c) }
}

struct Four: BlockAccumulators {
  var a, b, c, d: Vector
  @inline(always) static var blocks: Int { 1 }
  @inline(always) static var zero: Four { Four(a: .zero, b: .zero, c: .zero, d: .zero) }
  @inline(always) init(a: Vector, b: Vector, c: Vector, d: Vector) { (self.a, self.b, self.c, self.d) = (a, b, c, d) }
  @inline(always) init(_ w: Source, _ outer: Int) { (a, b, c, d) = (load(w), load(w + 16), load(w + 32), load(w + 48)) }
  @inline(always) mutating func add(_ factor: Vector, _ w: Source, _ outer: Int) {
    a = fma(factor, load(w), a)
    b = fma(factor, load(w + 16), b)
    c = fma(factor, load(w + 32), c)
    d = fma(factor, load(w + 48), d)
  }
  @inline(always) static func addHalves(_ even: inout Four, _ odd: inout Four, _ f0: Vector, _ f1: Vector, _ w: Words) {
    addHalf(&even.a, &odd.a, f0, f1, w)
    addHalf(&even.b, &odd.b, f0, f1, w + 16)
    addHalf(&even.c, &odd.c, f0, f1, w + 32)
    addHalf(&even.d, &odd.d, f0, f1, w + 48)
  }
  @inline(always) static func addQuarters(
    _ even: inout Four, _ odd: inout Four, _ f0: Vector, _ f1: Vector, _ f2: Vector, _ f3: Vector, _ w: Words
  ) {
    addQuarter(&even.a, &odd.a, f0, f1, f2, f3, w)
    addQuarter(&even.b, &odd.b, f0, f1, f2, f3, w + 16)
    addQuarter(&even.c, &odd.c, f0, f1, f2, f3, w + 32)
    addQuarter(&even.d, &odd.d, f0, f1, f2, f3, w + 48)
  }
  @inline(always) func store(_ c: Target) {
    storeVector(c, a)
    storeVector(c + 16, b)
    storeVector(c + 32, self.c)
    storeVector(c + 48, d)
  }
  @inline(always) func storeScaled(_ scales: Source, _ from: Source, _ c: Target) {
    storeScaledVector(a, scales, from, c)
    storeScaledVector(b, scales + 16, from + 16, c + 16)
    storeScaledVector(self.c, scales + 32, from + 32, c + 32)
    storeScaledVector(d, scales + 48, from + 48, c + 48)
  }
  @inline(always) static func + (x: Four, y: Four) -> Four { Four(a: x.a + y.a, b: x.b + y.b, c: x.c + y.c, d: x.d + y.d) }
}

/// Two neighboring blocks, or two pairs of them.
struct Pair<Half: Accumulators>: Accumulators {
  var first, second: Half
  @inline(always) static var blocks: Int { 2 * Half.blocks }
  @inline(always) static var zero: Pair { Pair(first: .zero, second: .zero) }
  @inline(always) init(first: Half, second: Half) { (self.first, self.second) = (first, second) }
  @inline(always) init(_ w: Source, _ outer: Int) { (first, second) = (Half(w, outer), Half(w + Half.blocks * outer, outer)) }
  @inline(always) mutating func add(_ factor: Vector, _ w: Source, _ outer: Int) {
    first.add(factor, w, outer)
    second.add(factor, w + Half.blocks * outer, outer)
  }
  @inline(always) static func + (x: Pair, y: Pair) -> Pair { Pair(first: x.first + y.first, second: x.second + y.second) }
}
