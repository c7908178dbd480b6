import CVector
import RillBase

/// How a cell's gates lie in packed memory, and the copies between that and PyTorch's layout.
///
/// PyTorch keeps weight_ih [G·H][K] and weight_hh [G·H][H], gate after gate. Kernels read blocks of 16 units: [bias slots | input rows], and
/// [recurrent rows of each group] (see Panel.swift), one row per input, a vector per gate. A slot is a vector of pre-activations of such a block.
package struct Gates {
  /// A slot's bias is the sum of these gates' rows of bias_ih and bias_hh.
  package struct Bias {
    let input: Int?
    let recurrent: Int?
  }

  /// Recurrent products whose gates are computed together, into slots from `firstSlot` on.
  package struct Group {
    let gates: [Int]
    let firstSlot: Int
  }

  let biases: [Bias]
  /// Gates of the input product, into slots from 0 on.
  let inputGates: [Int]
  let groups: [Group]
  /// Interleaved partial sums of a product: part of the cell's definition, since it decides the rounding.
  let chains: Int

  var slots: Int { biases.count }
}

/// Where the parameters of one cell stand in the model's flat array.
package struct CellParameters {
  var weightInput = 0
  var weightRecurrent = 0
  var biasInput: Int?
  var biasRecurrent: Int?
  var hidden: Int?
  var cell: Int?
}

/// Sizes of one cell and its packed memory.
package struct CellShape {
  let inputSize: Int
  let hiddenSize: Int
  /// True if the input is a token, not a vector.
  let readsTokens: Bool
  let gates: Gates
  /// Whether the kernels take four gates in two halves.
  let splitsFours: Bool

  var blocks: Int { padded(hiddenSize) / 16 }
  var width: Int { padded(hiddenSize) }
  var inputWidth: Int { padded(inputSize) }
  var inputRows: Int { readsTokens ? inputSize : padded(inputSize, to: gates.chains) }
  var recurrentRows: Int { padded(hiddenSize, to: gates.chains) }

  func panel(_ precision: Precision) -> Panel {
    Panel(
      blocks: blocks, bias: gates.slots,
      matrices: [(inputRows, gates.inputGates.count)] + gates.groups.map { (recurrentRows, $0.gates.count) },
      isLookedUp: readsTokens, isSplit: splitsFours && gates.inputGates.count == 4, precision)
  }

  /// Packs weights and biases for the forward kernels.
  func pack(_ parameters: UnsafePointer<Float>, _ places: CellParameters, _ packed: UnsafeMutablePointer<Float>) {
    let panel = panel(.float32)
    for u in 0..<blocks {
      let bias = packed + u * panel.biasStride
      let units = min(16, hiddenSize - u * 16)
      for (slot, of) in gates.biases.enumerated() {
        for lane in 0..<units {
          let unit = u * 16 + lane
          var sum: Float = 0
          if let gate = of.input, let start = places.biasInput { sum += parameters[start + gate * hiddenSize + unit] }
          if let gate = of.recurrent, let start = places.biasRecurrent { sum += parameters[start + gate * hiddenSize + unit] }
          bias[slot * 16 + lane] = sum
        }
      }
      packRows(parameters + places.weightInput, inputSize, gates.inputGates, u, units, packed, panel, 0)
      for (index, group) in gates.groups.enumerated() {
        packRows(parameters + places.weightRecurrent, hiddenSize, group.gates, u, units, packed, panel, index + 1)
      }
    }
  }

  /// row k of the matrix, its vector of a gate, lane = w[gate·H + unit][k].
  private func packRows(
    _ w: UnsafePointer<Float>, _ columns: Int, _ gates: [Int], _ u: Int, _ units: Int, _ packed: UnsafeMutablePointer<Float>,
    _ panel: Panel, _ matrix: Int
  ) {
    panel.forEachPart(matrix, u) { at, firstVector, vectors in
      for vector in 0..<vectors {
        for lane in 0..<units {
          let from = w + (gates[firstVector + vector] * hiddenSize + u * 16 + lane) * columns
          let column = packed + at + vector * 16 + lane
          for k in 0..<columns { column[k * vectors * 16] = from[k] }
        }
      }
    }
  }

  // Backward reads the weights by rows of z: [u][slot][lane] → the row of that gate and unit, padded to whole vectors.

  /// Floats of `rowsOf(gates)` rows of `columnWidth` each.
  func transposedCount(_ gates: [Int], _ columnWidth: Int) -> Int { blocks * gates.count * 16 * columnWidth }

  func packTransposed(
    _ w: UnsafePointer<Float>, _ columns: Int, _ gates: [Int], _ to: UnsafeMutablePointer<Float>
  ) {
    forEachRow(gates) { place, row in
      (to + place * padded(columns)).copy(w + row * columns, columns)
    }
  }

  /// Adds rows in z order back to PyTorch's.
  func addRows(_ from: UnsafePointer<Float>, _ columns: Int, _ gates: [Int], to w: UnsafeMutablePointer<Float>) {
    forEachRow(gates) { place, row in
      let source = from + place * padded(columns)
      let target = w + row * columns
      for k in 0..<columns { target[k] += source[k] }
    }
  }

  /// One-hot inputs: adds [token][u][slot][lane] (all slots) to [row][token].
  func addTokenRows(_ from: UnsafePointer<Float>, to w: UnsafeMutablePointer<Float>) {
    let stride = blocks * gates.slots * 16
    for u in 0..<blocks {
      for (slot, gate) in gates.inputGates.enumerated() {
        for lane in 0..<min(16, hiddenSize - u * 16) {
          let source = from + (u * gates.slots + slot) * 16 + lane
          let target = w + (gate * hiddenSize + u * 16 + lane) * inputSize
          for token in 0..<inputSize { target[token] += source[token * stride] }
        }
      }
    }
  }

  /// Adds sums over z, [u][slot][lane], to the biases.
  func addBiases(_ from: UnsafePointer<Float>, _ places: CellParameters, to gradients: UnsafeMutablePointer<Float>) {
    for u in 0..<blocks {
      for (slot, bias) in gates.biases.enumerated() {
        for lane in 0..<min(16, hiddenSize - u * 16) {
          let value = from[(u * gates.slots + slot) * 16 + lane]
          let unit = u * 16 + lane
          if let gate = bias.input, let start = places.biasInput { gradients[start + gate * hiddenSize + unit] += value }
          if let gate = bias.recurrent, let start = places.biasRecurrent { gradients[start + gate * hiddenSize + unit] += value }
        }
      }
    }
  }

  /// Calls body(place in [u][slot of gates][lane], row of the weight matrix) for every unit that exists.
  @inline(always) private func forEachRow(_ gates: [Int], _ body: (Int, Int) -> Void) {
    for u in 0..<blocks {
      for (slot, gate) in gates.enumerated() {
        for lane in 0..<min(16, hiddenSize - u * 16) {
          body((u * gates.count + slot) * 16 + lane, gate * hiddenSize + u * 16 + lane)
        }
      }
    }
  }
}
