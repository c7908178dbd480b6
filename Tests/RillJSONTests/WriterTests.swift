import Foundation
import RillBase
import RillJSON
import Testing

@Suite struct WriterTests {
  @Test func layoutKeepsFlatValuesOnOneLine() throws {
    let layers = try JSONNode.array()
    for (name, size) in [("lstm", 32), ("dense", 1)] {
      let layer = try JSONNode.object()
      try layer.set("type", try JSONNode.text(Text(bytesOf: name)))
      try layer.set("size", try JSONNode.integer(size))
      try layers.append(layer)
    }
    let root = try JSONNode.object()
    try root.set("format", try JSONNode.text("rill"))
    try root.set("empty", try JSONNode.object())
    try root.set("layers", layers)
    try root.set("shift", try JSONNode.floats([0.5, -1, 3e20], count: 3))
    try root.set("on", try JSONNode.boolean(true))
    #expect(
      string(try root.serialized()) == """
        {
          "format": "rill",
          "empty": {},
          "layers": [
            {"type": "lstm", "size": 32},
            {"type": "dense", "size": 1}
          ],
          "shift": [0.5, -1.0, 3e+20],
          "on": true
        }

        """)
  }

  @Test func layoutLeavesTextAlone() throws {
    let list = try JSONNode.array()
    try list.append(try JSONNode.text("\",:{}[]\\"))
    try list.append(try JSONNode.array())
    #expect(string(try list.serialized()) == "[\n  \"\\\",:{}[]\\\\\",\n  []\n]\n")
  }

  @Test func textOfAnyKindRoundTrips() throws {
    for text in ["", "plain", "ä€𝄞", "quote \" and \\ and /", "{[,:]}", "\\\"", "ends in \\", "\\u0041", "\u{2028}"] {
      let node = try JSONNode.object()
      try node.set("text", try JSONNode.text(Text(bytesOf: text)))
      try node.set(Text(bytesOf: text.isEmpty ? "key" : text), try JSONNode.integer(1))
      let written = try node.serialized()
      let back = try JSONDocument(parsing: written.bytes).root
      #expect(try back.required("text").text(maximumBytes: 100).description.utf8.elementsEqual(text.utf8))
      #expect(try back.member(text.isEmpty ? "key" : text)?.integer(1...1) == 1)
    }
  }

  @Test func controlCharactersAreEscaped() throws {
    let node = try JSONNode.text("a\n\t\u{1}\u{7f}b")
    #expect(string(try node.serialized()) == "\"a\\n\\t\\u0001\u{7f}b\"\n")
  }

  /// Foundation's parser is the second opinion.
  @Test func anotherParserReadsTheSame() throws {
    let floats = FloatTests.edges
    let root = try JSONNode.object()
    try root.set("list", try JSONNode.floats(floats, count: floats.count))
    try root.set("bits", try JSONNode.base64(floats, count: floats.count))
    try root.set("text", try JSONNode.text("ä \" \\ /"))
    try root.set("least", try JSONNode.integer(Int.min))
    try root.set("number", try JSONNode.number(0.1 as Double))
    let text = try root.serialized()
    let back = try #require(try JSONSerialization.jsonObject(with: Data(text.bytes)) as? [String: Any])
    #expect((back["list"] as? [Double])?.map { Float($0) } == floats)
    #expect(back["text"] as? String == "ä \" \\ /")
    #expect(back["least"] as? Int == Int.min)
    #expect(back["number"] as? Double == 0.1)
    let data = try #require((back["bits"] as? [String: String])?["base64"].flatMap { Data(base64Encoded: $0) })
    var expected = Data()
    for value in floats { withUnsafeBytes(of: value.bitPattern.littleEndian) { expected.append(contentsOf: $0) } }
    #expect(data == expected)
  }

  @Test func copiesOutliveTheirDocumentAndKeepEveryDigit() throws {
    let metadata =
      #"{"digits": 0.1000000000000000055511151231257827, "e": 1E5, "none": null, "list": [[], {}, "ä"], "n": 9007199254740993}"#
    var source: JSONDocument? = try document(metadata)
    let copy = try JSONNode.copy(of: source!.root)
    source = nil
    let first = try JSONNode.object()
    let second = try JSONNode.object()
    try first.set("metadata", copy)
    try second.set("metadata", copy)
    try second.set("metadata", copy)
    let text = string(try first.serialized())
    #expect(text == string(try second.serialized()))
    #expect(text.filter { !" \n".contains($0) } == "{\"metadata\":\(metadata.filter { $0 != " " })}")
  }

  /// What several threads may read at once is not shared: json-c counts references without locking.
  @Test func everyTreeGetsItsOwnCopy() throws {
    let copy = try JSONNode.copy(of: try document(#"{"a": 1}"#).root)
    let object = try JSONNode.object()
    let list = try JSONNode.array()
    try object.set("m", copy)
    try list.append(copy)
    try copy.set("later", try JSONNode.integer(2))
    #expect(string(try object.serialized()) == "{\n  \"m\": {\"a\": 1}\n}\n")
    #expect(string(try list.serialized()) == "[\n  {\"a\": 1}\n]\n")
    #expect(string(try copy.serialized()) == "{\"a\": 1, \"later\": 2}\n")
  }

  @Test func nullIsCopied() throws {
    let copy = try JSONNode.copy(of: try document("null").root)
    let list = try JSONNode.array()
    try list.append(copy)
    #expect(string(try list.serialized()) == "[null]\n")
    #expect(string(try copy.serialized()) == "null\n")
  }

  @Test func settingAKeyAgainReplacesItsValue() throws {
    let node = try JSONNode.object()
    try node.set("a", try JSONNode.integer(1))
    try node.set("a", try JSONNode.integer(2))
    #expect(string(try node.serialized()) == "{\"a\": 2}\n")
  }

  @Test func aNodeMayBeUsedTwice() throws {
    let one = try JSONNode.integer(1)
    let list = try JSONNode.array()
    try list.append(one)
    try list.append(one)
    #expect(string(try list.serialized()) == "[1, 1]\n")
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func numbersThatAreNotFiniteAreNotWritten(value: Float) {
    #expect(failure { () throws(RillError) in _ = try JSONNode.number(value) }?.kind == .internalDefect)
    #expect(failure { () throws(RillError) in _ = try JSONNode.floats([0, value], count: 2) }?.kind == .internalDefect)
  }
}
