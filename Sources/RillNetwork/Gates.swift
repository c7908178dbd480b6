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
  /// Of float32, bfloat16 and int8; made once, because they hold lists.
  private let panels: [Panel]
  /// For many rows: four gates in halves on every level, because the rows pass over two gates at a time, of which the nearest cache should hold all.
  let batchPanel: Panel

  /// splitsFours: whether the kernels take four gates in two halves.
  init(inputSize: Int, hiddenSize: Int, readsTokens: Bool, gates: Gates, splitsFours: Bool) {
    self.inputSize = inputSize
    self.hiddenSize = hiddenSize
    self.readsTokens = readsTokens
    self.gates = gates
    let blocks = padded(hiddenSize) / 16
    let inputRows = readsTokens ? inputSize : padded(inputSize, to: gates.chains)
    let recurrentRows = padded(hiddenSize, to: gates.chains)
    let matrices =
      [(rows: inputRows, vectors: gates.inputGates.count)] + gates.groups.map { (rows: recurrentRows, vectors: $0.gates.count) }
    let panel = { (precision: Precision, isSplit: Bool) in
      Panel(
        blocks: blocks, bias: gates.slots, matrices: matrices, isLookedUp: readsTokens, isSplit: isSplit && gates.inputGates.count == 4,
        precision)
    }
    panels = [panel(.float32, splitsFours), panel(.bfloat16, splitsFours), panel(.int8, splitsFours)]
    batchPanel = panel(.float32, true)
  }

  var blocks: Int { padded(hiddenSize) / 16 }
  var width: Int { padded(hiddenSize) }
  var inputWidth: Int { padded(inputSize) }
  var inputRows: Int { readsTokens ? inputSize : padded(inputSize, to: gates.chains) }
  var recurrentRows: Int { padded(hiddenSize, to: gates.chains) }

  func panel(_ precision: Precision) -> Panel { panels[precision.rawValue] }

  /// Packs weights and biases of some blocks for the forward kernels.
  func pack(_ parameters: UnsafePointer<Float>, _ places: CellParameters, _ packed: UnsafeMutablePointer<Float>, _ how: Packing) {
    let panel = how.isForBatches ? batchPanel : panel(.float32)
    let kernels = how.kernels
    for u in how.part.range(blocks) {
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
      packRows(parameters + places.weightInput, inputSize, gates.inputGates, u, units, packed, panel, 0, kernels)
      for (index, group) in gates.groups.enumerated() {
        packRows(parameters + places.weightRecurrent, hiddenSize, group.gates, u, units, packed, panel, index + 1, kernels)
      }
    }
  }

  /// row k of the matrix, its vector of a gate, lane = w[gate·H + unit][k].
  private func packRows(
    _ w: UnsafePointer<Float>, _ columns: Int, _ gates: [Int], _ u: Int, _ units: Int, _ packed: UnsafeMutablePointer<Float>,
    _ panel: Panel, _ matrix: Int, _ kernels: Kernels
  ) {
    panel.forEachPart(matrix, u) { at, firstVector, vectors in
      for vector in 0..<vectors {
        kernels.table.transpose(
          units, columns, w + (gates[firstVector + vector] * hiddenSize + u * 16) * columns, columns, packed + at + vector * 16,
          vectors * 16)
      }
    }
  }

  // Backward reads the weights by rows of z: [u][slot][lane] → the row of that gate and unit. Panels of 64 columns (the last one of what is left, in whole
  // vectors) lie one behind the other, each [rows][its columns], so that a product reads a panel from front to back.

  /// Floats of the rows of `gates`, of `columnWidth` each.
  func transposedCount(_ gates: [Int], _ columnWidth: Int) -> Int { blocks * gates.count * 16 * columnWidth }

  /// Of some blocks.
  func packTransposed(
    _ w: UnsafePointer<Float>, _ columns: Int, _ gates: [Int], _ blocks: Range<Int>, _ to: UnsafeMutablePointer<Float>
  ) {
    let rows = self.blocks * gates.count * 16
    for first in stride(from: 0, to: columns, by: 64) {
      let width = min(64, padded(columns) - first)
      let count = min(64, columns - first)
      forEachRow(gates, blocks) { place, row in
        (to + first * rows + place * width).copy(w + row * columns + first, count)
      }
    }
  }

  /// Adds rows in z order, of some blocks, back to PyTorch's.
  func addRows(_ from: UnsafePointer<Float>, _ columns: Int, _ gates: [Int], _ blocks: Range<Int>, to w: UnsafeMutablePointer<Float>) {
    forEachRow(gates, blocks) { place, row in
      let source = from + place * padded(columns)
      let target = w + row * columns
      for k in 0..<columns { target[k] += source[k] }
    }
  }

  /// Whether gradients of input weights are summed up as [u][input][slot][lane] (all slots): those of tokens, and of inputs that fill at most a vector.
  var sumsByInput: Bool { readsTokens || inputSize <= 16 }

  /// Adds such sums of some blocks to [row][input].
  func addInputRows(_ from: UnsafePointer<Float>, _ blocks: Range<Int>, to w: UnsafeMutablePointer<Float>) {
    let stride = gates.slots * 16
    for u in blocks {
      for (slot, gate) in gates.inputGates.enumerated() {
        for lane in 0..<min(16, hiddenSize - u * 16) {
          let source = from + u * inputSize * stride + slot * 16 + lane
          let target = w + (gate * hiddenSize + u * 16 + lane) * inputSize
          for input in 0..<inputSize { target[input] += source[input * stride] }
        }
      }
    }
  }

  /// Adds sums over z, [u][slot][lane], of some blocks to the biases.
  func addBiases(_ from: UnsafePointer<Float>, _ places: CellParameters, _ blocks: Range<Int>, to gradients: UnsafeMutablePointer<Float>) {
    for u in blocks {
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

  /// Calls body(place in [u][slot of gates][lane], row of the weight matrix) for every unit of some blocks that exists.
  @inline(always) private func forEachRow(_ gates: [Int], _ blocks: Range<Int>, _ body: (Int, Int) -> Void) {
    for u in blocks {
      for (slot, gate) in gates.enumerated() {
        for lane in 0..<min(16, hiddenSize - u * 16) {
          body((u * gates.count + slot) * 16 + lane, gate * hiddenSize + u * 16 + lane)
        }
      }
    }
  }
}
