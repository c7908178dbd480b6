import CVector

// How many accumulators stay in registers. An accumulator is a vector of 16 lanes: one of 32 registers with AVX-512, two of 16 with AVX2, four of 32
// with NEON, four of 16 in the baseline of x86-64. Some must be left for factors and weights.

#if RILL_WIDE
  @inline(always) var accumulators: Int { 24 }
#elseif RILL_AVX || arch(arm64)
  @inline(always) var accumulators: Int { 6 }
#else
  @inline(always) var accumulators: Int { 2 }
#endif

/// Whether two chains of four vectors are too many: matrices of four gates are stored in halves then, each of which is read from front to back.
@inline(always) var splitsFours: Bool { accumulators < 8 }

/// Whether a step is a single row's whose sums fit the registers. The baseline of x86-64 has too few: it takes the way of several rows, as does what is
/// packed for several rows.
@inline(always) func staysInRegisters(_ f: Frame) -> Bool {
  accumulators >= 4 && f.pointee.rows == 1 && f.pointee.saving == 0 && f.pointee.precision == rill__float32
    && (splitsFours || f.pointee.input.half == 0)
}

/// Accumulators, of which a kernel uses as many as its literal arguments say; the others vanish.
typealias Sums = InlineArray<24, Vector>

/// Accumulators at zero. A tuple seen as an array: InlineArray's own initializer sometimes stays a call, to a function that the levels would share, at the
/// instruction set of one of them.
@inline(always) func noSums() -> Sums {
  let z = Vector.zero
  return unsafeBitCast((z, z, z, z, z, z, z, z, z, z, z, z, z, z, z, z, z, z, z, z, z, z, z, z), to: Sums.self)
}

/// The chains of one output element, always added in this order. Chain p of element i stands at i + p·n.
@inline(always) func combined(_ sums: Sums, _ i: Int, _ n: Int, _ P: Int) -> Vector {
  if P == 4 { return (sums[i] + sums[i + n]) + (sums[i + 2 * n] + sums[i + 3 * n]) }
  return sums[i] + sums[i + n]
}
