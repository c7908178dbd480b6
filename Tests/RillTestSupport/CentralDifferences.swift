extension ReferenceNetwork {
  /// The gradient of the loss with respect to every parameter: (L(p + s) - L(p - s)) / 2 s, one element at a time.
  ///
  /// s = 6e-6 max(1, |p|), the cube root of the spacing of doubles at 1, balances the error of truncation, s^2 L'''/6, against the
  /// loss's rounding, 1e-16 L / s: about 1e-11 each, a millionth of what the comparison with float32 asks for.
  public func gradient(of data: SequenceData, _ objective: Objective) -> [String: [Double]] {
    var network = self
    var result: [String: [Double]] = [:]
    for (name, values) in parameters {
      result[name] = values.indices.map { index in
        let step = 6e-6 * max(1, abs(values[index]))
        let above = values[index] + step
        let below = values[index] - step
        network.parameters[name]![index] = above
        let lossAbove = network.loss(of: data, objective)
        network.parameters[name]![index] = below
        let lossBelow = network.loss(of: data, objective)
        network.parameters[name]![index] = values[index]
        return (lossAbove - lossBelow) / (above - below)
      }
    }
    return result
  }
}
