import CVector
import RillBase

/// One kind of layer: its options, and how it becomes units. A new layer is a file of its own, a name, and a line in `all`.
package struct LayerKind {
  package let table: OptionTable
  var isRecurrent = false
  let build: (inout NetworkBuilder, Layer) throws(RillError) -> Void

  package static var names: Words { "rnn lstm gru dense embedding dropout" }

  /// In the order of their names.
  package static var all: [LayerKind] {
    [
      .recurrent([Option("nonlinearity", .choice("tanh relu", fallback: 0))], buildElman),
      .recurrent([Option("forget_bias", .number(-1e30...1e30, fallback: 1))], buildLSTM),
      .recurrent([Option("reset_after", .boolean(fallback: true))], buildGRU),
      LayerKind(
        table: OptionTable([
          Option("output_size", .integer(1...Limits.size, fallback: nil)),
          Option("activation", .choice("linear tanh relu sigmoid softmax", fallback: 0)),
          Option("bias", .boolean(fallback: true)),
        ]), build: buildDense),
      LayerKind(
        table: OptionTable([Option("embedding_dim", .integer(1...Limits.size, fallback: nil))]), build: buildEmbedding),
      LayerKind(table: OptionTable([Option("p", .probability(fallback: nil))]), build: buildDropout),
    ]
  }

  private static func recurrent(
    _ own: [Option], _ build: @escaping (inout NetworkBuilder, Layer) throws(RillError) -> Void
  ) -> LayerKind {
    LayerKind(table: OptionTable(RecurrentOption.options + own), isRecurrent: true, build: build)
  }
}

/// Places of the options that all recurrent layers share; a kind's own follow.
enum RecurrentOption {
  static var options: [Option] {
    [
      Option("hidden_size", .integer(1...Limits.size, fallback: nil)),
      Option("num_layers", .integer(1...Limits.cellsPerLayer, fallback: 1)),
      Option("dropout", .probability(fallback: 0)),
      Option("bias", .boolean(fallback: true)),
      Option("return_sequences", .boolean(fallback: true)),
      Option("initial_state", .boolean(fallback: false)),
    ]
  }
  static var hiddenSize: Int { 0 }
  static var numLayers: Int { 1 }
  static var dropout: Int { 2 }
  static var bias: Int { 3 }
  static var returnSequences: Int { 4 }
  static var initialState: Int { 5 }
  static var own: Int { 6 }
}

private func buildElman(_ builder: inout NetworkBuilder, _ layer: Layer) throws(RillError) {
  let isRelu = layer.values[RecurrentOption.own] == 1
  try builder.addCells(layer, CellRecipe(gates: ElmanCell.gates, gateCount: 1) { ElmanCell(shape: $0, places: $1, isRelu: isRelu) })
}

private func buildLSTM(_ builder: inout NetworkBuilder, _ layer: Layer) throws(RillError) {
  let forgetBias = Float(layer.values[RecurrentOption.own])
  try builder.addCells(
    layer, CellRecipe(gates: LSTMCell.gates, gateCount: 4, forgetBias: forgetBias) { LSTMCell(shape: $0, places: $1) })
}

private func buildGRU(_ builder: inout NetworkBuilder, _ layer: Layer) throws(RillError) {
  let after = CellRecipe(gates: GRUCell.gates, gateCount: 3) { GRUCell(shape: $0, places: $1) }
  let before = CellRecipe(gates: GRUResetBeforeCell.gates, gateCount: 3) { GRUResetBeforeCell(shape: $0, places: $1) }
  try builder.addCells(layer, layer.values[RecurrentOption.own] == 1 ? after : before)
}

private func buildDense(_ builder: inout NetworkBuilder, _ layer: Layer) throws(RillError) {
  let size = Int(layer.values[0])
  let activation = Int(layer.values[1])
  guard activation != rill__softmax || layer.isLast else {
    throw .unsupported("layers[\(layer.index)].activation: softmax is offered for the last layer only")
  }
  let bound = 1 / Double(builder.size).squareRoot()
  let weight = try builder.addParameter(layer, "weight", rows: size, columns: builder.size, .uniform(bound))
  let bias = layer.values[2] == 1 ? try builder.addParameter(layer, "bias", rows: size, columns: nil, .uniform(bound)) : nil
  builder.add(
    Dense(inputSize: builder.size, outputSize: size, activation: activation, readsTokens: builder.readsTokens, weight: weight, bias: bias),
    layer)
}

private func buildEmbedding(_ builder: inout NetworkBuilder, _ layer: Layer) throws(RillError) {
  guard builder.readsTokens else {
    throw .format("layers[\(layer.index)].type: embedding must be the first layer of a model with token input")
  }
  let size = Int(layer.values[0])
  let weight = try builder.addParameter(layer, "weight", rows: builder.size, columns: size, .normal)
  builder.add(Embedding(tokenCount: builder.size, outputSize: size, weight: weight), layer)
}

private func buildDropout(_ builder: inout NetworkBuilder, _ layer: Layer) throws(RillError) {
  guard !builder.readsTokens else {
    throw .format("layers[\(layer.index)].type: dropout cannot be the first layer of a model with token input")
  }
  builder.add(Dropout(size: builder.size, probability: layer.values[0]), layer)
}
