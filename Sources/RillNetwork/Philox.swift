/// Philox 4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011): four random words as a function
/// of a 64-bit key and a 128-bit counter. There is no state to carry: a value is addressed, so results do not depend on the order in which
/// values are drawn, nor on threads.
package struct Philox {
  private let key: (UInt32, UInt32)

  package init(key: UInt64) {
    self.key = (UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32))
  }

  package func words(_ c0: UInt32, _ c1: UInt32, _ c2: UInt32, _ c3: UInt32) -> SIMD4<UInt32> {
    var c = (c0, c1, c2, c3)
    var k = key
    for _ in 0..<10 {
      let a = UInt64(c.0) &* 0xD251_1F53
      let b = UInt64(c.2) &* 0xCD9E_8D57
      c = (
        UInt32(truncatingIfNeeded: b >> 32) ^ c.1 ^ k.0, UInt32(truncatingIfNeeded: b),
        UInt32(truncatingIfNeeded: a >> 32) ^ c.3 ^ k.1, UInt32(truncatingIfNeeded: a)
      )
      k = (k.0 &+ 0x9E37_79B9, k.1 &+ 0xBB67_AE85)
    }
    return SIMD4(c.0, c.1, c.2, c.3)
  }
}
