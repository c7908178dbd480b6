import Foundation
import RillBase
import RillFormat
import Testing

private let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .appendingPathComponent("Golden")

/// Files of every version so far load today, and compute what PyTorch computed when they were written (their self-tests).
@Test func goldenFilesOfEveryVersionLoad() throws {
  let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil).filter { $0.pathExtension == "json" }
  #expect(files.count >= 3)
  for file in files {
    let data = try Data(contentsOf: file)
    #expect(throws: Never.self, "\(file.lastPathComponent)") { _ = try data.withUnsafeBytes { try ModelReader.read($0) } }
    let text = String(decoding: data, as: UTF8.self)
    #expect(text.contains("\"self_test\""))
  }
}

/// The self-test of a golden file really decides: with one parameter changed a little, the file is refused.
@Test func goldenFilesAreCheckedByTheirSelfTests() throws {
  let data = try Data(contentsOf: folder.appendingPathComponent("v1-lstm-decimal.json"))
  var object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  var parameters = try #require(object["parameters"] as? [[String: Any]])
  var values = try #require(parameters[0]["data"] as? [Double])
  values[0] += 0.01
  parameters[0]["data"] = values
  object["parameters"] = parameters
  let changed = try JSONSerialization.data(withJSONObject: object)
  let error = try #require(throws: RillError.self) { _ = try changed.withUnsafeBytes { try ModelReader.read($0) } }
  #expect(error.message.hasPrefix("self_test.outputs"), "\(error.message)")
}
