import CVector

@inline(always) func smaller(_ x: Vector, _ bound: Float) -> Vector { rill__min(x, splat(bound)) }
@inline(always) func larger(_ x: Vector, _ bound: Float) -> Vector { rill__max(x, splat(bound)) }

/// x limited to ±bound; NaN stays.
@inline(always) func limit(_ x: Vector, _ bound: Float) -> Vector { smaller(larger(x, -bound), bound) }
