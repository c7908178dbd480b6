import CPlatform
import RillBase

/// The units of an architecture, and where their packed parameters lie. Immutable, shared by everything made from a model.
package final class Network {
  package let architecture: Architecture
  package let kernels: Kernels
  package let units: [any Unit]
  /// What messages call them.
  package let unitNames: [Text]
  package let parameters: [Parameter]
  package let states: [StateTensor]
  /// Floats of the flat array of parameters, padding included.
  package let valueCount: Int
  /// Where each unit's packed parameters start, and after the last, their total. Whole vectors.
  package let packedOffsets: [Int]
  package let transposedOffsets: [Int]
  /// The first unit that sees one step per sequence, or nil.
  package let sequenceEnd: Int?
  package let outputSize: Int
  /// Identifies what a state fits: kinds, order and sizes of the layers with memory.
  package let stateHash: UInt64

  // A throwing initializer of a class leaks the object in Embedded Swift: what can fail comes first, in a convenience initializer.
  package convenience init(_ architecture: Architecture) throws(RillError) {
    let kernels = Kernels.best()
    var builder = NetworkBuilder(input: architecture.input, kernels: kernels)
    for layer in architecture.layers {
      if let expected = layer.inputSize, expected != builder.size {
        throw .format("layers[\(layer.index)].input_size: is \(expected), but what comes in has size \(builder.size)")
      }
      try LayerKind.all[layer.kind].build(&builder, layer)
    }
    guard builder.size <= Limits.size, !builder.readsTokens else {
      throw .format("layers: a model with token input needs a layer that reads tokens")
    }
    var architecture = architecture
    try architecture.spreadOutput(size: builder.size)
    self.init(architecture, kernels, builder)
  }

  private init(_ architecture: Architecture, _ kernels: Kernels, _ builder: NetworkBuilder) {
    self.architecture = architecture
    self.kernels = kernels
    units = builder.units
    unitNames = builder.unitNames
    parameters = builder.parameters
    states = builder.states
    valueCount = builder.valueCount
    sequenceEnd = builder.sequenceEnd
    outputSize = builder.size
    var packed = [0]
    var transposed = [0]
    for unit in builder.units {
      packed.append(packed[packed.count - 1] + padded(unit.packedCount))
      transposed.append(transposed[transposed.count - 1] + padded(unit.transposedCount))
    }
    packedOffsets = packed
    transposedOffsets = transposed
    stateHash = Network.hash(builder.states)
  }

  package var packedCount: Int { packedOffsets[units.count] }
  package var transposedCount: Int { transposedOffsets[units.count] }
  package var input: InputDescription { architecture.input }

  /// True if the model gives one output per sequence.
  package var isPerSequence: Bool { sequenceEnd != nil }

  /// Units past the end of the sequences have one step, at its last: for each sequence its own.
  package func isPastEnd(_ unit: Int) -> Bool { sequenceEnd.map { unit >= $0 } ?? false }

  /// Time steps that a unit sees of `all`.
  package func steps(of unit: Int, _ all: Int) -> Int { isPastEnd(unit) ? 1 : all }

  /// Biases are added in the floating-point mode of all computation, so that training and streams see the same bits.
  package func pack(
    _ values: UnsafePointer<Float>, _ packed: UnsafeMutablePointer<Float>, _ part: Part = .whole, isForBatches: Bool = false
  ) {
    let mode = rill__enter_float_mode()
    defer { rill__leave_float_mode(mode) }
    let how = Packing(kernels: kernels, part: part, isForBatches: isForBatches)
    for (unit, offset) in zip(units, packedOffsets) { unit.pack(values, packed + offset, how) }
  }

  /// Where each unit's parameters start in a snapshot of that precision, and after the last, their total. Whole vectors.
  package func packedOffsets(_ precision: Precision) -> [Int] {
    var offsets = [0]
    for unit in units { offsets.append(offsets[offsets.count - 1] + padded(unit.packedCount(precision))) }
    return offsets
  }

  /// Makes small weights from packed ones.
  package func shrink(_ packed: UnsafePointer<Float>, _ precision: Precision, _ small: UnsafeMutablePointer<Float>) {
    let mode = rill__enter_float_mode()
    defer { rill__leave_float_mode(mode) }
    let offsets = packedOffsets(precision)
    for (index, unit) in units.enumerated() { unit.shrink(packed + packedOffsets[index], precision, small + offsets[index]) }
  }

  package func packTransposed(_ values: UnsafePointer<Float>, _ transposed: UnsafeMutablePointer<Float>, _ part: Part) {
    for (unit, offset) in zip(units, transposedOffsets) { unit.packTransposed(values, transposed + offset, part) }
  }

  package func parameter(named name: UnsafePointer<CChar>) -> Parameter? {
    for parameter in parameters where sameBytes(name, parameter.name) { return parameter }
    return nil
  }

  /// Bytes of weights that a step reads.
  package func weightBytes(_ precision: Precision) -> Int { units.reduce(0) { $0 + 4 * $1.weightsRead(precision) } }

  package var multiplyAdds: Int { units.reduce(0) { $0 + $1.multiplyAdds } }

  private static func hash(_ states: [StateTensor]) -> UInt64 {
    var hash: UInt64 = 0
    for state in states {
      let name: Text = "\(state.kind) \(state.isCell ? "cell" : "hidden") \(state.units.count) \(state.hiddenSize);"
      hash = name.withCString { rill__hash($0, rill__text_length($0), hash) }
    }
    return hash
  }
}
