import CPlatform
import CVector
import RillBase

// The state as something to take, keep and put back. Messages are literals: nothing here may allocate.
extension Stream {
  package static var lostState: RillError {
    .state("the stream's state was lost when a step diverged: reset it or load a state first")
  }

  package func requireState() throws(RillError) {
    if needsReset { throw Stream.lostState }
  }

  /// Copies the state of all lanes into `destination`.
  package func copy(to destination: Stream) throws(RillError) {
    try requireState()
    try requireSameArchitecture(destination)
    guard batchSize == destination.batchSize else {
      throw .argument("destination: has another batch_size than source")
    }
    if self === destination { return }
    destination.state.baseAddress?.copy(state.baseAddress!, state.count)
    destination.stateWasReplaced()
  }

  /// Copies one lane's state into one lane of `destination`.
  package func copyLane(_ lane: Int, to destination: Stream, _ destinationLane: Int) throws(RillError) {
    try requireState()
    try destination.requireState()
    try requireSameArchitecture(destination)
    forEachState(lane, destination, destinationLane) { from, to, width in to.copy(from, width) }
  }

  private func requireSameArchitecture(_ other: Stream) throws(RillError) {
    guard network.stateHash == other.network.stateHash else {
      throw .argument("destination: its model has other recurrent layers than source's")
    }
  }

  /// Calls body(row here, row there, floats) for the hidden and cell state of every unit.
  private func forEachState(
    _ lane: Int, _ other: Stream, _ otherLane: Int, _ body: (UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void
  ) {
    var (from, to) = (0, 0)
    for entry in plan where entry.stateCount > 0 {
      let width = entry.stateCount / batchSize
      for _ in 0..<network.units[entry.unit].memory.vectors {
        body(state.baseAddress! + from + lane * width, other.state.baseAddress! + to + otherLane * width, width)
        from += batchSize * width
        to += other.batchSize * width
      }
    }
  }

  // MARK: by name

  /// Values of a named state: [cells][batch_size][hidden_size].
  package func count(of tensor: StateTensor) -> Int { tensor.units.count * batchSize * tensor.hiddenSize }

  package func getState(_ tensor: StateTensor, _ values: UnsafeMutablePointer<Float>) {
    forEachRow(tensor) { row, index in (values + index * tensor.hiddenSize).copy(row, tensor.hiddenSize) }
  }

  package func setState(_ tensor: StateTensor, _ values: UnsafePointer<Float>) {
    forEachRow(tensor) { row, index in row.copy(values + index * tensor.hiddenSize, tensor.hiddenSize) }
  }

  @inline(always) private func forEachRow(_ tensor: StateTensor, _ body: (UnsafeMutablePointer<Float>, Int) -> Void) {
    var index = 0
    for entry in plan where entry.stateCount > 0 {
      guard tensor.units.contains(entry.unit) else { continue }
      let base = tensor.isCell ? entry.frame.c! : UnsafeMutablePointer(mutating: entry.frame.h!)
      let width = entry.stateCount / batchSize
      for lane in 0..<batchSize {
        body(base + lane * width, index)
        index += 1
      }
    }
  }
}
