import RillTestSupport

// What weights become in streams of smaller precision, written from docs/numerics.md.

enum SmallPrecision: String, CaseIterable, Sendable {
  case bfloat16, int8

  var options: String { #"{"precision": "\#(rawValue)"}"# }
}

/// Every precision as the text of options.
let allPrecisions = [nil] + SmallPrecision.allCases.map(\.options)

/// The nearer of the two floats with 8 bits of mantissa around x; of two that are as near, the even one. Not for values that round beyond the largest.
func bfloat16(_ x: Float) -> Float {
  let below = Float(bitPattern: x.bitPattern & 0xffff_0000)  // nearer to 0
  let above = Float(bitPattern: below.bitPattern + 0x1_0000)
  let (down, up) = (abs(Double(x) - Double(below)), abs(Double(above) - Double(x)))
  if down == up { return below.bitPattern >> 16 & 1 == 0 ? below : above }
  return down < up ? below : above
}

/// One row of a matrix as int8 stands for it: scale · (q + ε), the scale its largest weight / 127. Four weights share a word, the first in its lowest byte;
/// ε in 0 ..< 1 are the bytes below a weight's own, and q, −128 ... 127, brings q + ε nearest to the weight / scale.
func int8(_ row: [Float]) -> [Double] {
  let scale = row.reduce(0) { max($0, abs($1)) } / 127
  guard scale > 0 else { return row.map { _ in 0 } }
  var below: Float = 0
  return row.enumerated().map { k, weight in
    if k % 4 == 0 { below = 0 }
    let q = (weight / scale - below).rounded(.toNearestOrEven)
    let clamped = max(-128, min(127, q))
    defer { below = (clamped < 0 ? clamped + 256 : clamped) / 256 + below / 256 }
    return Double(scale) * (Double(clamped) + Double(below))
  }
}

extension Architecture {
  /// The matrices that become smaller, with the columns of each: not what tokens look up, and not the weights of up to four outputs.
  var smallMatrices: [(name: String, columns: Int)] {
    let shapes = Dictionary(uniqueKeysWithValues: parameterShapes.map { ($0.name, $0.shape) })
    return layers.enumerated().flatMap { index, layer -> [(name: String, columns: Int)] in
      let prefix = layer.name ?? "\(index)"
      var names: [String] = []
      let looksUp = takesTokens && index == 0
      if layer.isRecurrent {
        for k in 0..<(layer.numLayers ?? 1) { names += (looksUp && k == 0 ? [] : ["weight_ih_l\(k)"]) + ["weight_hh_l\(k)"] }
      } else if let outputSize = layer.outputSize, outputSize > 4, !looksUp {
        names = ["weight"]
      }
      return names.map { ("\(prefix).\($0)", shapes["\(prefix).\($0)"]![1]) }
    }
  }

  func rounded(_ parameters: [String: [Float]]) -> [String: [Float]] {
    var result = parameters
    for (name, _) in smallMatrices { result[name] = parameters[name]!.map(bfloat16) }
    return result
  }

  func quantized(_ parameters: [String: [Float]]) -> [String: [Double]] {
    var result = doubles(parameters)
    for (name, columns) in smallMatrices {
      let values = parameters[name]!
      result[name] = stride(from: 0, to: values.count, by: columns).flatMap { int8(Array(values[$0..<($0 + columns)])) }
    }
    return result
  }
}
