import RillBase
import RillNetwork

// What is carried from batch to batch, for the host to reset, give and take.
extension Trainer {
  /// Sequences whose states are carried.
  package var lanes: Int { states?.rows ?? 0 }

  package func resetState() throws(RillError) {
    try requireStateful()
    states?.resetAll()
  }

  package func resetState(lane: Int) throws(RillError) {
    try requireStateful()
    guard let states else { throw .state("trainer: has no lanes before its first update") }
    guard lane >= 0, lane < states.rows else {
      throw .argument("lane: is \(UInt(bitPattern: lane)), but must be in 0 ... \(states.rows - 1)")
    }
    states.reset(lane)
  }

  private func requireStateful() throws(RillError) {
    guard options.isStateful else { throw .state("trainer: carries no states from batch to batch, which is the option stateful") }
  }

  /// The next batch begins with the states of a stream's lanes.
  package func setState(_ stream: Stream) throws(RillError) {
    try check(stream)
    let states =
      if let states, states.rows == stream.batchSize { states } else { try TrainerStates(network, rows: stream.batchSize) }
    try stream.copy(to: states.carried)
    states.give()
    self.states = states
  }

  /// Copies the states in which the last batch ended into a stream.
  package func getState(_ stream: Stream) throws(RillError) {
    try check(stream)
    guard let states, states.hasCarried else { throw .state("trainer: has no states before its first update") }
    guard states.rows == stream.batchSize else {
      throw .argument("stream: has \(stream.batchSize) lanes, but the last batch had \(states.rows)")
    }
    stream.copy(from: states.carried)
  }

  private func check(_ stream: Stream) throws(RillError) {
    guard stream.network.stateHash == network.stateHash else {
      throw .argument("stream: its model has other recurrent layers than the trainer's")
    }
  }
}
