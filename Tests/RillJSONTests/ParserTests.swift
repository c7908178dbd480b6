import RillBase
import RillJSON
import Testing

@Suite struct ParserTests {
  @Test func parserTakesEveryKindOfValue() throws {
    let root = try document(#" {"a": [1, -2.5e-1, true, false, null], "b": {"c": "d"}} "#).root
    let list = try root.required("a")
    #expect(try list.requireArray(count: 5...5) == 5)
    #expect(try list.element(0).integer(0...9) == 1)
    #expect(try list.element(1).number(-1...1) == -0.25)
    #expect(try list.element(2).boolean())
    #expect(try !list.element(3).boolean())
    #expect(!list.element(4).isText && !list.element(4).isArray && !list.element(4).isObject)
    #expect(try root.required("b").required("c").text(maximumBytes: 1).description == "d")
  }

  @Test(arguments: ["7", "-7.5", "true", "\"x\"", "null", "[]", "{}", " [ ] ", "\t{\r\n}"])
  func parserTakesAnyValueAtTheRoot(text: String) {
    #expect(refusal(text) == nil)
    #expect(failure { () throws(RillError) in _ = try document(text) } == nil)
  }

  @Test func parserDecodesEscapes() throws {
    let text = #"["\"\\\/\b\f\n\r\t", "\u00e4\u20AC\ud834\udd1e", "ä€𝄞"]"#
    let root = try document(text).root
    let escaped = failure { () throws(RillError) in _ = try root.element(0).text(maximumBytes: 100) }
    #expect(escaped?.message == "[0]: expected text without control characters")
    #expect(try root.element(1).text(maximumBytes: 9).description == "ä€𝄞")
    #expect(try root.element(2).text(maximumBytes: 9).description == "ä€𝄞")
  }

  /// json-c 0.16 garbles pairs whose character has low 16 bits in the range of surrogates, such as U+1D800.
  @Test func everyPairOfSurrogatesIsDecoded() throws {
    for value in stride(from: UInt32(0x10000), through: 0x10ffff, by: 0x3ff) {
      let scalar = try #require(Unicode.Scalar(value))
      let units = Array(String(Character(scalar)).utf16)
      let escape = "\\u" + String(units[0], radix: 16) + "\\u" + String(units[1], radix: 16)
      let root = try document("{\"a\(escape)\": \"\(escape)b\(escape)\"}").root
      let found = try root.member("a\(Character(scalar))")?.text(maximumBytes: 9).description
      #expect(found == "\(Character(scalar))b\(Character(scalar))")
    }
  }

  @Test(arguments: [
    ("{\"a\": 1,\n \"b\" 2}", "line 2, column 6: object property name separator ':' expected"),
    ("{\"a\": 1,\n  b: 2}", "line 2, column 3: quoted object property name expected"),
    ("{\"ä\": x}", "line 1, column 7: unexpected character"),
    ("[1 2]", "line 1, column 4: array value separator ',' expected"),
    ("[1, 2", "line 1, column 6: unexpected end of data"),
    ("{\"a\":", "line 1, column 6: unexpected end of data"),
    ("tru", "line 1, column 4: unexpected end of data"),
    ("{\"a\": 1} x", "line 1, column 10: unexpected character"),
    ("{}\n:", "line 2, column 1: more text behind the value"),
    ("[\"abc", "line 1, column 2: text without closing quote"),
  ])
  func syntaxErrorsNameLineAndColumn(text: String, message: String) {
    #expect(refusal(text) == message)
  }

  @Test func parserRefusesEmptyText() {
    #expect(refusal("") == "the text is empty")
    #expect(refusal(" \n") == "line 2, column 1: unexpected end of data")
  }

  @Test(arguments: [
    ("{\"a\": 1, \"a\": 1}", "a: stands twice"),
    ("{\"a\": {\"b\": [0, {\"k\": 1, \"l\": 2, \"k\": {}}]}}", "a.b[1].k: stands twice"),
    ("[{\"a\": 1}, {\"\\u0061\": 1, \"a\": 2}]", "[1].a: stands twice"),
    ("{\"\": 1, \"\": 2}", ": stands twice"),
  ])
  func parserRefusesDuplicateKeys(text: String, message: String) {
    #expect(refusal(text) == message)
  }

  @Test func equalKeysInDifferentObjectsAreNoDuplicates() {
    #expect(refusal(#"{"a": {"a": [{"a": 1}, {"a": 1}]}, "b": {"a": "a"}}"#) == nil)
  }

  @Test func keysLongerThanTheParsersFirstBufferAreCompared() {
    let key = String(repeating: "k", count: 5000)
    #expect(refusal("{\"\(key)\": 1, \"\(key)x\": 2}") == nil)
    let name = String(repeating: "k", count: 64)
    #expect(refusal("{\"\(key)\": 1, \"\(key)\": 2}") == "\(name)…: stands twice")
  }
}
