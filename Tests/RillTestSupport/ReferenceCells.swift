import Foundation

/// One time step of each cell in double precision, one line of code per line of the equations in docs/model-format.md's names:
/// x input [I], h hidden [H], c cell [H]; rows of W (weight_ih) and U (weight_hh) in the order of the gates.
struct ReferenceCell {
  let hiddenSize: Int
  let weightIH: [Double]
  let weightHH: [Double]
  /// [gates * H]; nil without bias.
  let biasIH: [Double]?
  let biasHH: [Double]?

  /// h' = phi(W x + b_ih + U h + b_hh)
  func elman(_ x: [Double], _ h: [Double], _ phi: (Double) -> Double) -> [Double] {
    let a = affine(weightIH, x, biasIH)
    let u = affine(weightHH, h, biasHH)
    return (0..<hiddenSize).map { phi(a[$0] + u[$0]) }
  }

  /// i, f, o = sigma(...), g = tanh(...); c' = f c + i g; h' = o tanh(c')
  func lstm(_ x: [Double], _ h: [Double], _ c: [Double]) -> (h: [Double], c: [Double]) {
    let a = affine(weightIH, x, biasIH)
    let u = affine(weightHH, h, biasHH)
    func gate(_ k: Int, _ j: Int) -> Double { a[k * hiddenSize + j] + u[k * hiddenSize + j] }
    let nextC = (0..<hiddenSize).map { j in sigmoid(gate(1, j)) * c[j] + sigmoid(gate(0, j)) * tanh(gate(2, j)) }
    let nextH = (0..<hiddenSize).map { j in sigmoid(gate(3, j)) * tanh(nextC[j]) }
    return (nextH, nextC)
  }

  /// r, z = sigma(...); n = tanh(W_n x + b_in + r (U_n h + b_hn)), or with the reset before the product
  /// n = tanh(W_n x + b_in + U_n (r h) + b_hn); h' = (1 - z) n + z h
  func gru(_ x: [Double], _ h: [Double], resetAfter: Bool) -> [Double] {
    let a = affine(weightIH, x, biasIH)
    let u = affine(weightHH, h, biasHH)
    let r = (0..<hiddenSize).map { sigmoid(a[$0] + u[$0]) }
    let z = (hiddenSize..<2 * hiddenSize).map { sigmoid(a[$0] + u[$0]) }
    let recurrent: [Double]
    if resetAfter {
      recurrent = (0..<hiddenSize).map { r[$0] * u[2 * hiddenSize + $0] }
    } else {
      recurrent = Array(affine(weightHH, (0..<hiddenSize).map { r[$0] * h[$0] }, biasHH)[(2 * hiddenSize)...])
    }
    return (0..<hiddenSize).map { j in
      let n = tanh(a[2 * hiddenSize + j] + recurrent[j])
      return (1 - z[j]) * n + z[j] * h[j]
    }
  }
}

func sigmoid(_ x: Double) -> Double {
  1 / (1 + exp(-x))
}

func relu(_ x: Double) -> Double {
  max(x, 0)
}

func softmax(_ x: [Double]) -> [Double] {
  let largest = x.max() ?? 0
  let exponentials = x.map { exp($0 - largest) }
  let sum = exponentials.reduce(0, +)
  return exponentials.map { $0 / sum }
}

/// W x + b; weight [rows][x.count].
func affine(_ weight: [Double], _ x: [Double], _ bias: [Double]?) -> [Double] {
  let columns = x.count
  var result = bias ?? [Double](repeating: 0, count: weight.count / columns)
  for row in result.indices {
    var sum = 0.0
    for column in 0..<columns { sum += weight[row * columns + column] * x[column] }
    result[row] += sum
  }
  return result
}
