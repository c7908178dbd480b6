import RillBase

/// The states of B sequences at one moment: of every unit with memory its hidden state, and for an LSTM its cell state, [B][Hp] each. Or a list of
/// such states: B sequences, then B again, and so on.
package final class NetworkState {
  package struct Part {
    let unit: Int
    /// Hp.
    let width: Int
    let hidden: Buffer<Float>
    let cell: Buffer<Float>?
  }

  /// B, times the length of a list.
  package let rows: Int
  package let parts: [Part]

  package convenience init(_ network: Network, rows: Int) throws(RillError) {
    var parts: [Part] = []
    for (index, unit) in network.units.enumerated() where unit.memory.vectors > 0 {
      let width = padded(unit.outputSize)
      let cell: Buffer<Float>? = unit.memory.vectors == 2 ? try Buffer(rows, width) : nil
      parts.append(Part(unit: index, width: width, hidden: try Buffer(rows, width), cell: cell))
    }
    self.init(rows, parts)
  }

  private init(_ rows: Int, _ parts: [Part]) {
    self.rows = rows
    self.parts = parts
  }

  /// Puts a sequence into the initial state: zeros, or what the packed parameters say.
  package func reset(_ row: Int, _ network: Network, packed: UnsafePointer<Float>) {
    for part in parts {
      let place = row * part.width
      let from = packed + network.packedOffsets[part.unit]
      let initial = network.units[part.unit].initialState(.float32)
      if let initial {
        (part.hidden.pointer + place).copy(from + initial.hidden, part.width)
      } else {
        (part.hidden.pointer + place).clear(part.width)
      }
      guard let cell = part.cell else { continue }
      if let initial { (cell.pointer + place).copy(from + initial.cell, part.width) } else { (cell.pointer + place).clear(part.width) }
    }
  }

  /// Calls body(hidden, cell) for each unit with memory.
  package func forEachBuffer(_ body: (Buffer<Float>, Buffer<Float>?) throws(RillError) -> Void) throws(RillError) {
    for part in parts { try body(part.hidden, part.cell) }
  }

  /// Copies the first state of a list to the first of another.
  package func copy(_ other: NetworkState) {
    for (part, from) in zip(parts, other.parts) {
      let count = min(part.hidden.count, from.hidden.count)
      part.hidden.pointer.copy(from.hidden.pointer, count)
      if let cell = part.cell, let source = from.cell { cell.pointer.copy(source.pointer, count) }
    }
  }

  /// Tapes begin here, at a state of a list, the caller's sequences of them.
  package func load(_ index: Int, into tapes: [Tape], _ pass: Pass) {
    for part in parts {
      let place = index * pass.rows * part.width
      tapes[part.unit].loadState(part.hidden.pointer + place, part.cell.map { UnsafePointer($0.pointer + place) }, part.width, pass.range)
    }
  }

  /// The state of the caller's sequences after `step` steps of the last forward pass: its end, or the marked step.
  package func save(_ index: Int, after step: Int, from tapes: [Tape], _ pass: Pass) {
    for part in parts {
      let place = index * pass.rows * part.width
      tapes[part.unit].saveState(
        step, of: pass.rows, part.hidden.pointer + place, part.cell.map { $0.pointer + place }, part.width, pass.range)
    }
  }
}
