import CVector
import RillBase

/// Where things lie in a stream's one block of memory, in floats.
struct StreamLayout {
  /// The units that inference runs, with their kernels.
  private(set) var kernels: [(unit: Int, kernel: @convention(c) (UnsafePointer<rill__frame>?) -> Void)] = []
  private(set) var input = 0
  private(set) var state = 0
  private(set) var stateCount = 0
  private(set) var outputs: [Int] = []
  private(set) var z = 0
  private(set) var q = 0
  private(set) var total = 0

  init(_ network: Network, _ batchSize: Int) throws(RillError) {
    var z = 0
    var q = 0
    input = try take(batchSize, network.input.isToken ? 0 : padded(network.input.size))
    state = total
    for (index, unit) in network.units.enumerated() {
      guard let kernel = unit.stepKernel(network.kernels) else { continue }
      kernels.append((index, kernel))
      _ = try take(batchSize, padded(unit.outputSize) * unit.memory.vectors)
      z = max(z, unit.workspace.z)
      q = max(q, unit.workspace.q)
    }
    stateCount = total - state
    for (index, _) in kernels { outputs.append(try take(batchSize, padded(network.units[index].outputSize))) }
    self.z = try take(batchSize, z)
    self.q = try take(batchSize, q)
  }

  private mutating func take(_ rows: Int, _ width: Int) throws(RillError) -> Int {
    let start = total
    guard let count = product(rows, width), count <= Int.max / 8 - total else { throw .memory }
    total += count
    return start
  }
}
