import Foundation
import RillBase
import RillFormat
import RillJSON
import RillNetwork
import Testing

private let configuration =
  #"{"input": {"kind": "vector", "size": 2, "shift": 3, "scale": [2, 4]}, "layers": [{"type": "gru", "hidden_size": 5}, {"type": "dense", "output_size": 2}]}"#

private func create(_ text: String) throws -> Model {
  try Array(text.utf8).withUnsafeBytes { try ModelReader.create($0, seed: 5) }
}

private func read(_ text: String) throws -> Model {
  try Array(text.utf8).withUnsafeBytes { try ModelReader.read($0) }
}

private func write(_ model: Model, _ options: String) throws -> String {
  let options = try Array(options.utf8).withUnsafeBytes { try JSONDocument(parsing: $0) }
  let written = try ModelWriter.write(model, options: options.root)
  return withExtendedLifetime(written) {
    String(decoding: UnsafeBufferPointer(start: written.pointer, count: written.count), as: UTF8.self)
  }
}

@Test func filesWithASelfTestLoad() throws {
  for text in [configuration, #"{"input": {"kind": "token", "size": 7}, "layers": [{"type": "lstm", "hidden_size": 4}]}"#] {
    _ = try read(try write(try create(text), #"{"self_test": 12}"#))
  }
}

@Test func aSelfTestThatDisagreesRefusesTheFile() throws {
  let text = try write(try create(configuration), #"{"self_test": 3, "encoding": "decimal"}"#)
  let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? NSDictionary)
  let changed = try #require(object.mutableCopy() as? NSMutableDictionary)
  let test = try #require((changed["self_test"] as? NSDictionary)?.mutableCopy() as? NSMutableDictionary)
  var outputs = try #require(test["outputs"] as? [[Double]])
  outputs[2][1] += 0.001
  test["outputs"] = outputs
  changed["self_test"] = test
  let broken = String(decoding: try JSONSerialization.data(withJSONObject: changed), as: UTF8.self)
  let error = try #require(throws: RillError.self) { _ = try read(broken) }
  #expect(error.kind == .format)
  #expect(error.message.hasPrefix("self_test.outputs[2][1]"), "\(error.message)")
}

@Test func aNewerFileIsCalledNewerWhateverElseIsNewInIt() throws {
  let text = #"{"format": "rill", "format_version": 2, "kind": "tree", "novelty": 1}"#
  let error = try #require(throws: RillError.self) { _ = try read(text) }
  #expect(error.kind == .format)
  #expect(error.message.contains("newer"))
}

@Test func metadataAndNamesAreKept() throws {
  let text =
    #"{"name": "läuft", "metadata": {"b": [1, 2.5, {"a": null}], "quote": "\"\\\u0001"}, "input": {"kind": "vector", "size": 1}, "layers": [{"type": "rnn", "hidden_size": 1, "name": "only"}]}"#
  let once = try write(try create(text), "{}")
  let twice = try write(try read(once), "{}")
  #expect(once == twice)
  let object = try #require(try JSONSerialization.jsonObject(with: Data(twice.utf8)) as? NSDictionary)
  let original = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? NSDictionary)
  #expect(object["name"] as? String == "läuft")
  #expect((object["metadata"] as? NSDictionary) == (original["metadata"] as? NSDictionary))
}
