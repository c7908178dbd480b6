import CVector

// The unit of all kernels: sixteen float32 lanes (one AVX-512 register, two of AVX2, four of SSE2 or NEON).
//
// Standard-library SIMD is used only for + - * /, shifts, masks and bit casts: its fused multiply-add, comparisons and selects are loops over
// lanes that stop being vectorized once a function grows. Those come from CVector.

typealias Vector = SIMD16<Float>
typealias Bits = SIMD16<Int32>
typealias Source = UnsafePointer<Float>
typealias Target = UnsafeMutablePointer<Float>
/// Read field by field where it is needed: a copy of the whole would wait for the fields that the caller has just written.
typealias Frame = UnsafePointer<rill__frame>

@inline(always) var lanes: Int { 16 }

@inline(always) func splat(_ x: Float) -> Vector { Vector(repeating: x) }
@inline(always) func load(_ p: Source) -> Vector { UnsafeRawPointer(p).loadUnaligned(as: Vector.self) }
@inline(always) func load(_ p: Target) -> Vector { UnsafeRawPointer(p).loadUnaligned(as: Vector.self) }
@inline(always) func store(_ p: Target, _ v: Vector) { UnsafeMutableRawPointer(p).storeBytes(of: v, as: Vector.self) }
@inline(always) func fma(_ a: Vector, _ b: Vector, _ c: Vector) -> Vector { rill__fma(a, b, c) }
@inline(always) func bits(_ v: Vector) -> Bits { unsafeBitCast(v, to: Bits.self) }
@inline(always) func floats(_ b: Bits) -> Vector { unsafeBitCast(b, to: Vector.self) }

/// The sum of the lanes, always by halves: one order of rounding on every path.
@inline(always) func sum(_ v: Vector) -> Float {
  let eight = v.lowHalf + v.highHalf
  let four = eight.lowHalf + eight.highHalf
  let two = four.lowHalf + four.highHalf
  return two.x + two.y
}
