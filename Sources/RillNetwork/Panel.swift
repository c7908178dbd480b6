import CVector
import RillBase

/// How weights are stored for inference. State, sums and biases are float32 in any case; so are parameters, training and files.
package enum Precision: Int {
  case float32 = 0
  /// 8 bits of mantissa: weights rounded to nearest even.
  case bfloat16 = 1
  /// 255 levels between plus and minus the largest weight of each row of a matrix.
  case int8 = 2

  package static var names: Words { "float32 bfloat16 int8" }

  /// Rows that share the lanes of a vector.
  var rowsPerWord: Int {
    switch self {
    case .float32: 1
    case .bfloat16: 2
    case .int8: 4
    }
  }
}

/// Where the matrices of all unit blocks lie: per block [bias | int8: scales | first matrix], and behind the last block of these, per block [int8: scales of
/// each | the other matrices]. A step for which inputs were multiplied before reads the others only, from front to back without gaps. Where matrices are
/// stored in halves, a block has the first half of each, then the second.
struct Panel {
  private(set) var matrices: [rill__matrix] = []
  /// Vectors in a row of each matrix.
  private(set) var vectors: [Int] = []
  /// Floats, of all blocks.
  private(set) var count = 0

  /// - Parameters:
  ///   - blocks: unit blocks.
  ///   - bias: vectors of a block.
  ///   - matrices: rows (padded to the chains) and vectors in a row of each.
  ///   - isLookedUp: whether the first matrix has a row per token: of those one is read in a step, so they stay float32.
  ///   - isSplit: whether matrices are stored in halves; all have four vectors then.
  init(blocks: Int, bias: Int, matrices: [(rows: Int, vectors: Int)], isLookedUp: Bool, isSplit: Bool, _ precision: Precision) {
    for matrix in matrices { vectors.append(matrix.vectors) }
    for part in [0..<1, 1..<matrices.count] {
      var place = count + (part.lowerBound == 0 ? 16 * bias : 0)
      var scales: [Int] = []
      for index in part {
        scales.append(place)
        if precision == .int8 { place += 16 * matrices[index].vectors }
      }
      let start = place
      for index in part {
        let words = index == 0 && isLookedUp ? 1 : precision.rowsPerWord
        let rows = padded(matrices[index].rows, to: words)
        self.matrices.append(rill__matrix(at: place, stride: 0, rows: rows, scales_at: scales[index - part.lowerBound], half: 0))
        place += 16 * (isSplit ? 2 : matrices[index].vectors) * (rows / words)
      }
      let half = isSplit ? place - start : 0
      let stride = place + half - count
      for index in part {
        self.matrices[index].half = half
        self.matrices[index].stride = stride
      }
      count += blocks * stride
    }
  }

  /// Floats from one block's biases to the next.
  var biasStride: Int { matrices[0].stride }

  /// Calls body(place of its first row, first vector, vectors in a row) for each part of block u of a matrix that is stored by itself.
  @inline(always) func forEachPart(_ index: Int, _ u: Int, _ body: (Int, Int, Int) -> Void) {
    let matrix = matrices[index]
    let at = matrix.at + u * matrix.stride
    if matrix.half == 0 { return body(at, 0, vectors[index]) }
    body(at, 0, 2)
    body(at + matrix.half, 2, 2)
  }
}

/// Fills block u with small weights from the float32 ones. Both panels are of the same layer; `small` is zeroed.
func shrink(
  _ u: Int, _ panel: Panel, _ packed: UnsafePointer<Float>, to smallPanel: Panel, _ small: UnsafeMutablePointer<Float>, isLookedUp: Bool,
  _ precision: Precision
) {
  // Biases, which stand before the first matrix.
  (small + u * smallPanel.biasStride).copy(packed + u * panel.biasStride, panel.matrices[0].at)
  for index in panel.matrices.indices {
    let rows = panel.matrices[index].rows
    let target = smallPanel.matrices[index]
    panel.forEachPart(index, u) { at, firstVector, vectors in
      let width = 16 * vectors
      let from = packed + at
      let to = small + target.at + u * target.stride + (firstVector == 0 ? 0 : target.half)
      if index == 0 && isLookedUp {
        to.copy(from, rows * width)
      } else if precision == .bfloat16 {
        UnsafeMutableRawPointer(to).withMemoryRebound(to: UInt32.self, capacity: rows / 2 * width) { storeHalves(from, rows, width, $0) }
      } else {
        UnsafeMutableRawPointer(to).withMemoryRebound(to: UInt32.self, capacity: target.rows / 4 * width) {
          storeQuarters(from, rows, target.rows, width, $0, scales: small + target.scales_at + u * target.stride + 16 * firstVector)
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
