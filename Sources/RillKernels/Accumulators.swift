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

struct One: Accumulators {
  var a: Vector
  @inline(always) static var blocks: Int { 1 }
  @inline(always) static var zero: One { One(a: .zero) }
  @inline(always) init(a: Vector) { self.a = a }
  @inline(always) init(_ w: Source, _ outer: Int) { a = load(w) }
  @inline(always) mutating func add(_ factor: Vector, _ w: Source, _ outer: Int) { a = fma(factor, load(w), a) }
  @inline(always) static func + (x: One, y: One) -> One { One(a: x.a + y.a) }
}

struct Two: Accumulators {
  var a, b: Vector
  @inline(always) static var blocks: Int { 1 }
  @inline(always) static var zero: Two { Two(a: .zero, b: .zero) }
  @inline(always) init(a: Vector, b: Vector) { (self.a, self.b) = (a, b) }
  @inline(always) init(_ w: Source, _ outer: Int) { (a, b) = (load(w), load(w + 16)) }
  @inline(always) mutating func add(_ factor: Vector, _ w: Source, _ outer: Int) {
    a = fma(factor, load(w), a)
    b = fma(factor, load(w + 16), b)
  }
  @inline(always) static func + (x: Two, y: Two) -> Two { Two(a: x.a + y.a, b: x.b + y.b) }
}

struct Three: Accumulators {
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
  @inline(always) static func + (x: Three, y: Three) -> Three { Three(a: x.a + y.a, b: x.b + y.b, c: x.c + y.c) }
}

struct Four: Accumulators {
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
