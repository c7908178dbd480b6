import Foundation
import RillBase
import RillJSON
import Testing

@testable import RillNetwork

private func network(_ text: String) throws -> Network {
  var text = text
  let document = try text.withUTF8 { try JSONDocument(parsing: UnsafeRawBufferPointer($0)) }
  return try Network(try Architecture(document.root))
}

private func refusal(_ text: String) -> RillError? {
  do {
    _ = try network(text)
    return nil
  } catch { return error as? RillError }
}

private func layers(_ list: String, input: String = #"{"kind": "vector", "size": 3}"#) -> String {
  #"{"input": \#(input), "layers": [\#(list)]}"#
}

@Test(arguments: [
  (#"{"type": "lstm"}"#, "layers[0].hidden_size: missing"),
  (#"{"type": "lstm", "hidden_size": 0}"#, "layers[0].hidden_size"),
  (#"{"type": "lstm", "hidden_size": 4, "units": 4}"#, "layers[0].units: unknown key"),
  (#"{"type": "transformer"}"#, "layers[0].type"),
  (#"{"type": "rnn", "hidden_size": 4, "nonlinearity": "sigmoid"}"#, "layers[0].nonlinearity"),
  (#"{"type": "gru", "hidden_size": 4, "dropout": 1}"#, "layers[0].dropout: expected a probability"),
  (#"{"type": "gru", "hidden_size": 4, "input_size": 2}"#, "layers[0].input_size: is 2, but what comes in has size 3"),
  (#"{"type": "gru", "hidden_size": 4, "name": "a.b"}"#, "layers[0].name"),
  (#"{"type": "gru", "hidden_size": 4, "name": "1"}, {"type": "dense", "output_size": 1}"#, "layers[1].name: layers[0] has the same name"),
  (#"{"type": "dense", "output_size": 2, "activation": "softmax"}, {"type": "dense", "output_size": 1}"#, "layers[0].activation"),
  (#"{"type": "embedding", "embedding_dim": 2}"#, "layers[0].type: embedding"),
  (
    #"{"type": "lstm", "hidden_size": 4, "return_sequences": false}, {"type": "lstm", "hidden_size": 4}"#,
    "layers[1].type: a recurrent layer cannot follow"
  ),
  ("", "layers"),
])
func impossibleLayersAreRefusedByPath(_ list: String, _ message: String) throws {
  let error = try #require(refusal(layers(list)))
  #expect(error.message.hasPrefix(message), "\(error.message)")
}

@Test func dropoutCannotReadTokens() throws {
  let error = try #require(refusal(layers(#"{"type": "dropout", "p": 0.5}"#, input: #"{"kind": "token", "size": 5}"#)))
  #expect(error.message.hasPrefix("layers[0].type"))
}

@Test func scalesMustDivideAndLieInTheRightNumber() throws {
  let cases = [
    (#"{"kind": "vector", "size": 3, "scale": 0}"#, "input.scale"),
    (#"{"kind": "vector", "size": 3, "scale": 1e-40}"#, "input.scale"),
    (#"{"kind": "vector", "size": 3, "shift": [1, 2]}"#, "input.shift"),
    (#"{"kind": "token", "size": 3, "shift": 1}"#, "input"),
  ]
  for (input, message) in cases {
    let error = try #require(refusal(layers(#"{"type": "dense", "output_size": 2}"#, input: input)))
    #expect(error.message.hasPrefix(message), "\(error.message)")
  }
  let output = #"{"input": {"kind": "vector", "size": 3}, "layers": [{"type": "dense", "output_size": 2}], "output": {"shift": [1]}}"#
  #expect(try #require(refusal(output)).message.hasPrefix("output"))
}

@Test func parametersCarryPyTorchsNamesAndShapes() throws {
  let network = try network(
    layers(
      #"{"type": "lstm", "hidden_size": 4, "num_layers": 2, "initial_state": true}, {"type": "gru", "hidden_size": 5, "bias": false, "name": "top"}, "#
        + #"{"type": "dense", "output_size": 2}"#))
  let names = network.parameters.map { "\($0.name) \($0.rows) \($0.columns ?? 0)" }
  #expect(
    names == [
      "0.weight_ih_l0 16 3", "0.weight_hh_l0 16 4", "0.bias_ih_l0 16 0", "0.bias_hh_l0 16 0", "0.h0_l0 4 0", "0.c0_l0 4 0",
      "0.weight_ih_l1 16 4", "0.weight_hh_l1 16 4", "0.bias_ih_l1 16 0", "0.bias_hh_l1 16 0", "0.h0_l1 4 0", "0.c0_l1 4 0",
      "top.weight_ih_l0 15 4", "top.weight_hh_l0 15 5", "2.weight 2 5", "2.bias 2 0",
    ])
  #expect(network.states.map(\.name.description) == ["0.hidden", "0.cell", "top.hidden"])
  #expect(network.states.map(\.units.count) == [2, 2, 1])
}

@Test func tooManyParametersAreRefusedBeforeTheyAreAllocated() throws {
  let error = try #require(refusal(layers(#"{"type": "lstm", "hidden_size": 65536}"#)))
  #expect(error.kind == .format)
  #expect(error.message.contains("parameter values"))
}

/// docs/model-format.md is what a user reads: each kind of layer and each of its options stands in its table.
@Test func everyOptionIsDocumented() throws {
  let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  let text = try String(contentsOf: root.appendingPathComponent("docs/model-format.md"), encoding: .utf8)
  #expect(LayerKind.names[LayerKind.all.count - 1].description == "dropout" && LayerKind.names[LayerKind.all.count].isEmpty)
  for (index, kind) in LayerKind.all.enumerated() {
    let name = LayerKind.names[index]
    #expect(text.contains("`\(name)`"), "\(name)")
    for option in kind.table.options { #expect(text.contains("| `\(option.key)` |"), "\(name): \(option.key)") }
  }
}
