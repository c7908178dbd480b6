import CPlatform
import CVector
import RillBase

// The state as something to take, keep and put back. Messages are literals: nothing here may allocate.
extension Stream {
  package static var lostState: RillError {
    .state("the stream's state was lost when a step diverged: reset it or load a state first")
  }

  package static var isForTokens: RillError { .state("the model reads tokens: use the functions ending in _tokens") }
  package static var isForVectors: RillError { .state("the model reads vectors: use the functions not ending in _tokens") }
  package static var diverged: RillError { .diverged("the state became infinite or NaN: reset the stream") }

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
    forEachState(with: destination) { part, other in
      destination.hidden(other).copy(hidden(part), part.slotCount)
      if let cell = part.frame.c { other.frame.c!.copy(cell, part.slotCount) }
    }
    destination.needsReset = false  // a whole state was written
  }

  /// Copies one lane's state into one lane of `destination`.
  package func copyLane(_ lane: Int, to destination: Stream, _ destinationLane: Int) throws(RillError) {
    try requireState()
    try destination.requireState()
    try requireSameArchitecture(destination)
    forEachState(with: destination) { part, other in
      let (from, to) = (lane * part.width, destinationLane * part.width)
      (destination.hidden(other) + to).copy(hidden(part) + from, part.width)
      if let cell = part.frame.c { (other.frame.c! + to).copy(cell + from, part.width) }
    }
  }

  /// The same recurrent unit here and in another stream with the same recurrent layers; units without a state may stand elsewhere there.
  @inline(always) private func forEachState(with other: Stream, _ body: (Part, Part) -> Void) {
    var place = 0
    for index in parts.indices where parts[index].remembers {
      while !other.parts[place].remembers { place += 1 }
      body(parts[index], other.parts[place])
      place += 1
    }
  }

  private func requireSameArchitecture(_ other: Stream) throws(RillError) {
    guard network.stateHash == other.network.stateHash else {
      throw .argument("destination: its model has other recurrent layers than source's")
    }
  }

  // MARK: to and from training

  /// Copies the state of all lanes; `state` is of a network with the same recurrent layers.
  package func copy(to state: NetworkState) throws(RillError) {
    try requireState()
    forEachState(with: state) { part, other in
      other.hidden.pointer.copy(hidden(part), part.slotCount)
      if let cell = part.frame.c, let target = other.cell { target.pointer.copy(cell, part.slotCount) }
    }
  }

  /// Takes over the state of all lanes.
  package func copy(from state: NetworkState) {
    forEachState(with: state) { part, other in
      hidden(part).copy(other.hidden.pointer, part.slotCount)
      if let cell = part.frame.c, let source = other.cell { cell.copy(source.pointer, part.slotCount) }
    }
    needsReset = false
  }

  private func forEachState(with state: NetworkState, _ body: (Part, NetworkState.Part) -> Void) {
    var place = 0
    for part in parts where part.remembers {
      body(part, state.parts[place])
      place += 1
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
    forEachState { part in
      guard tensor.units.contains(part.unit) else { return }
      let base = tensor.isCell ? part.frame.c! : hidden(part)
      for lane in 0..<batchSize {
        body(base + lane * part.width, index)
        index += 1
      }
    }
  }
}
