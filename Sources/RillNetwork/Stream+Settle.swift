import CVector
import RillBase

// Initial states that a network rests in.
extension Stream {
  /// Steps with a constant checked input, x [B][input size] or tokens [B], until no value of the state changes by more than `tolerance` in a step, or
  /// `limit` times. Returns the steps made and the largest change of a value in the last.
  package func settle(
    _ x: UnsafePointer<Float>?, _ tokens: UnsafePointer<Int32>?, tolerance: Float, limit: Int
  ) throws(RillError) -> (steps: Int, change: Float) {
    var cellCount = 0
    forEachState { part in if part.frame.c != nil { cellCount += part.slotCount } }
    let cells = try Buffer<Float>(count: cellCount)
    defer { withExtendedLifetime(cells) {} }
    var steps = 0
    var change: Float = 0
    repeat {
      var place = cells.pointer
      forEachState { part in
        guard let cell = part.frame.c else { return }
        place.copy(cell, part.slotCount)
        place += part.slotCount
      }
      guard run(1, x, tokens, nil) == 1 else { throw Stream.diverged }
      steps += 1
      change = 0
      place = cells.pointer
      forEachState { part in
        let (new, old) = (hidden(part), part.slots + plan.pointee.turn * part.slotCount)
        for i in 0..<part.slotCount { change = max(change, abs(new[i] - old[i])) }
        guard let cell = part.frame.c else { return }
        for i in 0..<part.slotCount { change = max(change, abs(cell[i] - place[i])) }
        place += part.slotCount
      }
    } while change > tolerance && steps < limit
    return (steps, change)
  }

  /// Makes the state of a lane the initial state of `model`. The caller holds the model's access.
  package func giveInitialState(lane: Int, to model: Model) throws(RillError) {
    try requireState()
    guard network.stateHash == model.network.stateHash else {
      throw .argument("stream: its model has other recurrent layers than model")
    }
    // In the order of the recurrent layers, which both have; the other layers may differ.
    var cells: [(hidden: Int, cell: Int?)] = []
    for unit in model.network.units where unit.memory.vectors > 0 {
      guard let places = unit.initialPlaces else {
        throw .argument(
          "model: a recurrent layer has no initial state; \"initial_state\": true in the layer or in the options of a load gives one")
      }
      cells.append(places)
    }
    let values = model.values.pointer
    var index = 0
    forEachState { part in
      let places = cells[index]
      index += 1
      let size = part.frame.output_size
      (values + places.hidden).copy(hidden(part) + lane * part.width, size)
      if let place = places.cell, let cell = part.frame.c { (values + place).copy(cell + lane * part.width, size) }
    }
  }
}
