import CVector
import RillBase

/// Turns layers into units and parameters, first to last.
struct NetworkBuilder {
  /// Size of what the next unit reads: floats, or the number of tokens.
  private(set) var size: Int
  /// True until the first unit has turned tokens into vectors.
  private(set) var readsTokens: Bool
  private(set) var units: [any Unit] = []
  /// What messages call them.
  private(set) var unitNames: [Text] = []
  private(set) var parameters: [Parameter] = []
  private(set) var states: [StateTensor] = []
  private(set) var valueCount = 0
  /// The first unit past the end of the sequence, which sees one step only.
  private(set) var sequenceEnd: Int?

  /// Of the kernels that will be used: see CellShape.
  private let splitsFours: Bool

  init(input: InputDescription, kernels: Kernels) {
    splitsFours = kernels.table.splits_fours != 0
    size = input.size
    readsTokens = input.isToken
  }

  /// cell: of the cells of its layer.
  mutating func add(_ unit: any Unit, _ layer: Layer, cell: Int? = nil) {
    units.append(unit)
    let place = cell.map { Text(", cell \($0)") } ?? Text("")
    unitNames.append("layer \(layer.name) (\(LayerKind.names[layer.kind])\(place))")
    size = unit.outputSize
    readsTokens = false
  }

  /// Returns the parameter's offset. Tensors start at whole vectors. Out of line for size.
  @inline(never)
  mutating func addParameter(_ layer: Layer, _ name: Text, rows: Int, columns: Int?, _ initial: InitialValue) throws(RillError) -> Int {
    guard let count = product(rows, columns ?? 1), count <= Limits.parameterValues - valueCount else {
      throw .format("layers[\(layer.index)]: the model would have more than \(Limits.parameterValues) parameter values")
    }
    let offset = valueCount
    parameters.append(Parameter(name: "\(layer.name).\(name)", rows: rows, columns: columns, initial: initial, offset: offset))
    valueCount += padded(count)
    return offset
  }

  /// The stacked cells of one recurrent layer, with dropout between them.
  mutating func addCells(_ layer: Layer, _ recipe: CellRecipe) throws(RillError) {
    guard sequenceEnd == nil else {
      throw .format("layers[\(layer.index)].type: a recurrent layer cannot follow one with return_sequences false")
    }
    let hidden = Int(layer.values[RecurrentOption.hiddenSize])
    let cells = Int(layer.values[RecurrentOption.numLayers])
    let probability = layer.values[RecurrentOption.dropout]
    let bound = 1 / Double(hidden).squareRoot()
    var cellUnits: [Int] = []
    var hasCell = false
    for k in 0..<cells {
      var places = CellParameters()
      places.weightInput = try addParameter(layer, "weight_ih_l\(k)", rows: recipe.gateCount * hidden, columns: size, .uniform(bound))
      places.weightRecurrent = try addParameter(layer, "weight_hh_l\(k)", rows: recipe.gateCount * hidden, columns: hidden, .uniform(bound))
      if layer.values[RecurrentOption.bias] == 1 {
        let forget = { (value: Float) -> InitialValue in .uniformExcept(bound: bound, from: hidden, to: 2 * hidden, value: value) }
        let input = recipe.forgetBias.map(forget) ?? .uniform(bound)
        let recurrent = recipe.forgetBias.map { _ in forget(0) } ?? .uniform(bound)
        places.biasInput = try addParameter(layer, "bias_ih_l\(k)", rows: recipe.gateCount * hidden, columns: nil, input)
        places.biasRecurrent = try addParameter(layer, "bias_hh_l\(k)", rows: recipe.gateCount * hidden, columns: nil, recurrent)
      }
      if layer.values[RecurrentOption.initialState] == 1 {
        places.hidden = try addParameter(layer, "h0_l\(k)", rows: hidden, columns: nil, .initialState)
        if recipe.forgetBias != nil { places.cell = try addParameter(layer, "c0_l\(k)", rows: hidden, columns: nil, .initialState) }
      }
      let cell = recipe.make(
        CellShape(inputSize: size, hiddenSize: hidden, readsTokens: readsTokens, gates: recipe.gates, splitsFours: splitsFours), places)
      hasCell = cell.memory.vectors == 2
      cellUnits.append(units.count)
      add(cell, layer, cell: cells > 1 ? k : nil)
      if probability > 0, k < cells - 1 { add(Dropout(size: hidden, probability: probability), layer) }
    }
    let kind = LayerKind.names[layer.kind]
    let state = { (name: Text, isCell: Bool) in
      StateTensor(name: name, kind: kind, units: cellUnits, hiddenSize: hidden, isCell: isCell)
    }
    states.append(state("\(layer.name).hidden", false))
    if hasCell { states.append(state("\(layer.name).cell", true)) }
    if layer.values[RecurrentOption.returnSequences] == 0 { sequenceEnd = units.count }
  }
}

/// What tells one recurrent layer's cells from another's while they are built.
struct CellRecipe {
  let gates: Gates
  /// G: gates in the rows of the weights.
  let gateCount: Int
  /// Of a cell with a cell state: where the forget gate, its second, starts.
  var forgetBias: Float?
  let make: (CellShape, CellParameters) -> Cell
}

/// A named part of the state: [units.count][batch_size][hiddenSize].
package struct StateTensor {
  package let name: Text
  /// Of the layer.
  let kind: Text
  package let units: [Int]
  package let hiddenSize: Int
  package let isCell: Bool
}
