/// Distances between what came out and what should have. A NaN on either side, or another count, is an infinite distance.

public func maximumDifference(_ actual: [Double], _ expected: [Double]) -> Double {
  largest(actual, expected) { abs($0 - $1) }
}

/// As maximumDifference, but relative for expected values beyond 1, where the spacing of float32 grows with the value.
public func scaledDifference(_ actual: [Double], _ expected: [Double]) -> Double {
  largest(actual, expected) { abs($0 - $1) / max(1, abs($1)) }
}

/// ||actual - expected|| / max(||expected||, floor), in the Euclidean norm.
public func normwiseDifference(_ actual: [Double], _ expected: [Double], floor: Double = .leastNormalMagnitude) -> Double {
  guard actual.count == expected.count else { return .infinity }
  let difference = norm(zip(actual, expected).map { $0 - $1 })
  if difference == 0 { return 0 }
  let quotient = difference / max(norm(expected), floor)
  return quotient.isNaN ? .infinity : quotient
}

public func relativeDifference(_ actual: Double, _ expected: Double) -> Double {
  normwiseDifference([actual], [expected])
}

public func norm(_ values: [Double]) -> Double {
  values.reduce(0) { $0 + $1 * $1 }.squareRoot()
}

/// The bits of floats, which tell -0 from 0 and compare equal for the same NaN.
public func bits(_ values: [Float]) -> [UInt32] {
  values.map(\.bitPattern)
}

private func largest(_ actual: [Double], _ expected: [Double], _ distance: (Double, Double) -> Double) -> Double {
  guard actual.count == expected.count else { return .infinity }
  var result = 0.0
  for (a, b) in zip(actual, expected) {
    let d = distance(a, b)
    result = d.isNaN ? .infinity : max(result, d)
  }
  return result
}
