import CVector
import RillBase

/// Where things lie in a stream's one block of memory, in floats.
struct StreamLayout {
  /// The units that inference runs, with their kernels.
  private(set) var kernels: [(unit: Int, kernel: ForwardKernel)] = []
  /// N: time steps that a run passes from unit to unit at a time, so that the input products of a block are one product. With many lanes each step is
  /// product enough.
  let blockSteps: Int
  /// [N][B][Kp].
  private(set) var input = 0
  /// Of each kernel: [2 + N][B][Hp], two slots that steps write in turn, and the outputs of a block.
  private(set) var outputs: [Int] = []
  /// Of each kernel: [B][Hp] where there is a cell state.
  private(set) var cells: [Int] = []
  private(set) var z = 0
  private(set) var q = 0
  /// For small weights: a matrix unpacked, and rows of its outputs.
  private(set) var expanded = 0
  private(set) var total = 0

  init(_ network: Network, _ batchSize: Int, _ precision: Precision) throws(RillError) {
    let widest = network.units.reduce(16) { max($0, $1.workspace.z) }
    // 16 rows are product enough. A block's pre-activations stay within half a megabyte, which is a part of a second-level cache.
    blockSteps = max(1, min(16 / batchSize, 131_072 / widest))
    var q = 0
    input = try take(blockSteps * batchSize, network.input.isToken ? 0 : padded(network.input.size))
    for (index, unit) in network.units.enumerated() {
      guard let kernel = unit.stepKernel(network.kernels) else { continue }
      kernels.append((index, kernel))
      let width = padded(unit.outputSize)
      outputs.append(try take((blockSteps + 2) * batchSize, width))
      cells.append(try take(batchSize, unit.memory.vectors > 1 ? width : 0))
      q = max(q, unit.workspace.q)
    }
    z = try take(blockSteps * batchSize, widest)
    self.q = try take(batchSize, q)
    if precision != .float32 {
      expanded = try take(1, network.units.reduce(0) { max($0, $1.expansion(precision).matrix) })
      _ = try take(blockSteps * batchSize, network.units.reduce(0) { max($0, $1.expansion(precision).row) })
    }
  }

  private mutating func take(_ rows: Int, _ width: Int) throws(RillError) -> Int {
    let start = total
    guard let count = product(rows, width), count <= Int.max / 8 - total else { throw .memory }
    total += count
    return start
  }
}
