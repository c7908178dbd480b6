import CVector
import RillBase

/// How weights are stored for inference. State, sums and biases are float32 in any case; so are parameters, training and files.
package enum Precision: Int {
  case float32 = 0
  /// 8 bits of mantissa: weights rounded to nearest even.
  case bfloat16 = 1
  /// 255 levels between plus and minus the largest weight of each row of a matrix.
  case int8 = 2

  package static var names: [StaticString] { ["float32", "bfloat16", "int8"] }

  /// Rows that share the lanes of a vector.
  var rowsPerWord: Int {
    switch self {
    case .float32: 1
    case .bfloat16: 2
    case .int8: 4
    }
  }
}

/// Where the matrices of a unit block lie in its panel: [bias | int8: scales of each matrix | each matrix], or, where they are stored in halves,
/// [bias | scales | the first half of each matrix | the second half of each].
struct Panel {
  private(set) var matrices: [rill__matrix] = []
  /// Vectors in a row of each matrix.
  private(set) var vectors: [Int] = []
  /// Floats.
  private(set) var count: Int

  /// - Parameters:
  ///   - matrices: rows (padded to the chains) and vectors in a row of each.
  ///   - isLookedUp: whether the first matrix has a row per token: of those one is read in a step, so they stay float32.
  ///   - isSplit: whether matrices are stored in halves; all have four vectors then.
  init(bias: Int, matrices: [(rows: Int, vectors: Int)], isLookedUp: Bool, isSplit: Bool, _ precision: Precision) {
    count = 16 * bias
    var scales: [Int] = []
    for matrix in matrices {
      scales.append(count)
      if precision == .int8 { count += 16 * matrix.vectors }
    }
    let start = count
    for (index, matrix) in matrices.enumerated() {
      let words = index == 0 && isLookedUp ? 1 : precision.rowsPerWord
      let rows = padded(matrix.rows, to: words)
      self.matrices.append(rill__matrix(at: count, rows: rows, scales_at: scales[index], half: 0))
      vectors.append(matrix.vectors)
      count += 16 * (isSplit ? 2 : matrix.vectors) * (rows / words)
    }
    guard isSplit else { return }
    let half = count - start
    for index in self.matrices.indices { self.matrices[index].half = half }
    count += half
  }

  /// Calls body(place of its first row, first vector, vectors in a row) for each part of a matrix that is stored by itself.
  @inline(always) func forEachPart(_ index: Int, _ body: (Int, Int, Int) -> Void) {
    let matrix = matrices[index]
    if matrix.half == 0 { return body(matrix.at, 0, vectors[index]) }
    body(matrix.at, 0, 2)
    body(matrix.at + matrix.half, 2, 2)
  }
}

/// Fills a panel of small weights from the float32 one. Both are of the same layer; `small` is zeroed.
func shrink(
  _ panel: Panel, _ packed: UnsafePointer<Float>, to smallPanel: Panel, _ small: UnsafeMutablePointer<Float>, isLookedUp: Bool,
  _ precision: Precision
) {
  // Biases, which stand before everything else.
  small.copy(packed, panel.matrices[0].at)
  for index in panel.matrices.indices {
    let rows = panel.matrices[index].rows
    let target = smallPanel.matrices[index]
    panel.forEachPart(index) { at, firstVector, vectors in
      let width = 16 * vectors
      let from = packed + at
      let to = small + target.at + (firstVector == 0 ? 0 : target.half)
      if index == 0 && isLookedUp {
        to.copy(from, rows * width)
      } else if precision == .bfloat16 {
        UnsafeMutableRawPointer(to).withMemoryRebound(to: UInt32.self, capacity: rows / 2 * width) { storeHalves(from, rows, width, $0) }
      } else {
        UnsafeMutableRawPointer(to).withMemoryRebound(to: UInt32.self, capacity: target.rows / 4 * width) {
          storeQuarters(from, rows, target.rows, width, $0, scales: small + target.scales_at + 16 * firstVector)
        }
      }
    }
  }
}

/// words[k / 2][column]: row k in the low half, row k + 1 in the high half.
private func storeHalves(_ w: UnsafePointer<Float>, _ rows: Int, _ width: Int, _ words: UnsafeMutablePointer<UInt32>) {
  for k in 0..<rows {
    for column in 0..<width { words[k / 2 * width + column] |= bfloat16(w[k * width + column]) << (k & 1 == 0 ? 0 : 16) }
  }
}

/// The upper half of a finite float, rounded to nearest even. Weights too large for it stay the largest there is.
private func bfloat16(_ x: Float) -> UInt32 {
  let bits = x.bitPattern
  let rounded = (bits &+ 0x7fff &+ (bits >> 16 & 1)) >> 16
  return rounded & 0x7f80 == 0x7f80 ? (rounded & 0x8000) | 0x7f7f : rounded
}

/// words[k / 4][column]: rows k ... k + 3 in bytes 0 ... 3. A column's scale is its largest weight / 127. A kernel reads byte i as q + ε, the bytes below being
/// ε in 0 ..< 1: q is the whole number, −128 ... 127, that brings this nearest to w / scale. The stored scale has the kernel's 2⁻²⁴ in it.
private func storeQuarters(
  _ w: UnsafePointer<Float>, _ rows: Int, _ paddedRows: Int, _ width: Int, _ words: UnsafeMutablePointer<UInt32>,
  scales: UnsafeMutablePointer<Float>
) {
  for column in 0..<width {
    var largest: Float = 0
    for k in 0..<rows { largest = max(largest, abs(w[k * width + column])) }
    let scale = largest / 127
    // A scale this small stands for weights that are 0 beside anything else.
    guard scale >= 0x1p-100 else { continue }
    scales[column] = scale * 0x1p-24
    for k in 0..<paddedRows {
      let word = words + (k / 4 * width + column)
      let place = UInt32(8 * (k & 3))
      let below = place == 0 ? 0 : Float(word.pointee << (32 - place)) * 0x1p-32
      let wanted = (k < rows ? w[k * width + column] / scale : 0) - below
      let q = Int32(max(-128, min(127, wanted.rounded(.toNearestOrEven))))
      word.pointee |= (UInt32(bitPattern: q) & 0xff) << place
    }
  }
}
