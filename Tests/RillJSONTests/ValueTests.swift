import RillBase
import RillJSON
import Testing

@Suite struct ValueTests {
  /// The message with which reading a value fails.
  func message<Result>(_ text: String, _ read: (JSONValue) throws(RillError) -> Result) throws -> String? {
    let root = try document(text).root
    let error = failure { () throws(RillError) in _ = try read(root) }
    #expect(error == nil || error?.kind == .format)
    return error?.message
  }

  @Test func unknownKeysAreNamedWithTheirPath() throws {
    let text = #"{"layers": [{"type": "lstm", "hiden_size": 3}]}"#
    let found = try message(text) { (root) throws(RillError) in
      try root.requireObject(keys: "layers")
      try root.required("layers").element(0).requireObject(keys: "type hidden_size")
    }
    #expect(found == "layers[0].hiden_size: unknown key")
    #expect(try message(text) { (root) throws(RillError) in try root.requireObject(keys: "") } == "layers: unknown key")
    #expect(try message("{\"ab\": 1}") { (root) throws(RillError) in try root.requireObject(keys: "a abc") } == "ab: unknown key")
    for key in ["a abc", " ", "abc "] {
      #expect(try message("{\"\(key)\": 1}") { (root) throws(RillError) in try root.requireObject(keys: "a abc") } == "\(key): unknown key")
    }
    try document("{\"abc\": 1, \"a\": 2}").root.requireObject(keys: "a abc")
    try document("{\"abc\": 1, \"a\": 2}").root.requireObject(keys: "x a", and: "abc y")
  }

  @Test func missingKeysAreNamedWithTheirPath() throws {
    let found = try message(#"{"layers": [{}]}"#) { (root) throws(RillError) in
      try root.required("layers").element(0).required("type")
    }
    #expect(found == "layers[0].type: missing")
    #expect(try message("{}") { (root) throws(RillError) in try root.required("type") } == "type: missing")
  }

  @Test func absentMembersAreNilAndNullIsNot() throws {
    let root = try document(#"{"a": null}"#).root
    #expect(try root.member("a") != nil)
    #expect(try root.member("b") == nil)
    #expect(try root.member("a" as String) != nil)
    #expect(try root.member("" as String) == nil)
  }

  @Test func messagesAtTheRootHaveNoPath() throws {
    #expect(try message("[1]") { (root) throws(RillError) in try root.requireObject() } == "expected an object")
    #expect(try message("[1]") { (root) throws(RillError) in try root.member("a") } == "expected an object")
    #expect(try message("null") { (root) throws(RillError) in try root.requireObject(keys: "a") } == "expected an object")
  }

  @Test func listLengthsAreChecked() throws {
    let text = #"{"a": [1, 2]}"#
    func read(_ range: ClosedRange<Int>) throws -> String? {
      try message(text) { (root) throws(RillError) in try root.required("a").requireArray(count: range) }
    }
    #expect(try read(2...2) == nil)
    #expect(try read(0...Int.max) == nil)
    #expect(try read(3...3) == "a: expected a list of 3 elements, found 2")
    #expect(try read(3...64) == "a: expected a list of 3 to 64 elements, found 2")
    #expect(try read(3...Int.max) == "a: expected a list of at least 3 elements, found 2")
    #expect(try message("{}") { (root) throws(RillError) in try root.requireArray(count: 0...1) } == "expected a list of 0 to 1 elements")
  }

  @Test(arguments: ["0", "65537", "1.0", "1e2", "\"1\"", "true", "null", "[1]"])
  func integersOutsideTheirRangeAreRefused(text: String) throws {
    let found = try message("{\"n\": \(text)}") { (root) throws(RillError) in try root.required("n").integer(1...65536) }
    #expect(found == "n: expected an integer from 1 to 65536")
  }

  @Test func integersAtTheEdgesAreTaken() throws {
    let root = try document("[1, 65536, -1]").root
    #expect(try root.element(0).integer(1...65536) == 1)
    #expect(try root.element(1).integer(1...65536) == 65536)
    #expect(try root.element(2).integer(-1...0) == -1)
  }

  @Test func numbersOutsideTheirRangeAreRefused() throws {
    func read(_ text: String, _ range: ClosedRange<Double>) throws -> String? {
      try message("{\"p\": \(text)}") { (root) throws(RillError) in try root.required("p").number(range) }
    }
    #expect(try read("1.0000001", 0...1) == "p: expected a number from 0 to 1")
    #expect(try read("-0.1", 0...0.5) == "p: expected a number from 0 to 0.5")
    #expect(try read("-1", 0...Double.infinity) == "p: expected a number from 0")
    #expect(try read("true", -Double.infinity...Double.infinity) == "p: expected a number")
    #expect(try read("\"1\"", 0...1) == "p: expected a number from 0 to 1")
    #expect(try read("1", 0...1) == nil)
    #expect(try read("1e-300", 0...1) == nil)
  }

  @Test func floatsBeyondFloat32AreRefused() throws {
    func read(_ text: String) throws -> Float { try document("[\(text)]").root.element(0).float() }
    #expect(try read("3.4028234663852886e38") == Float.greatestFiniteMagnitude)
    #expect(try read("3.4028235677973362e38") == Float.greatestFiniteMagnitude)  // just below the middle to 2^128
    #expect(try read("16777217") == 16_777_216)
    #expect(try read("1e-60") == 0)
    for text in ["3.4028235677973366e38", "-1e39", "1e308", "\"1\"", "null"] {
      let error = failure { () throws(RillError) in _ = try document("[\(text)]").root.element(0).float() }
      #expect(error?.message == "[0]: expected a number within float32")
    }
  }

  @Test func booleansAreNotNumbers() throws {
    #expect(try message("[1]") { (root) throws(RillError) in try root.element(0).boolean() } == "[0]: expected true or false")
    #expect(try message("[null]") { (root) throws(RillError) in try root.element(0).boolean() } == "[0]: expected true or false")
  }

  @Test func textIsLimitedAndClean() throws {
    func read(_ text: String, _ limit: Int) throws -> String? {
      try message("{\"name\": \(text)}") { (root) throws(RillError) in try root.required("name").text(maximumBytes: limit) }
    }
    #expect(try read("\"\"", 0) == nil)
    #expect(try read("\"ä\"", 2) == nil)
    #expect(try read("\"ä\"", 1) == "name: expected text of at most 1 bytes, found 2")
    #expect(try read("\"\\u001f\"", 9) == "name: expected text without control characters")
    #expect(try read("\"\\u007f\"", 9) == "name: expected text without control characters")
    #expect(try read("5", 9) == "name: expected text")
  }

  @Test func choicesListTheirNames() throws {
    let root = try document(#"["gru", "GRU", 3, "gr"]"#).root
    #expect(try root.element(0).choice("rnn lstm gru") == 2)
    for i in 1...3 {
      let error = failure { () throws(RillError) in _ = try root.element(i).choice("rnn lstm gru") }
      #expect(error?.message == "[\(i)]: expected one of rnn, lstm, gru")
    }
  }

  @Test func listsOfIntegersAreReadWhole() throws {
    let values = try Buffer<Int32>(count: 4)
    let text = #"{"a": [3, -1, 2147483647, 0], "b": [0, 5, 0, 0], "c": [0, 0.5, 0, 0], "d": 4, "e": [4294967296, 0, 0, 0]}"#
    let root = try document(text).root
    try root.required("a").integers(into: values.pointer, count: 4, -1...Int.max)
    #expect(Array(UnsafeBufferPointer(start: values.pointer, count: 4)) == [3, -1, .max, 0])
    func read(_ key: String, _ count: Int, _ range: ClosedRange<Int>) throws -> String? {
      let list = try #require(try root.member(key))
      return failure { () throws(RillError) in try list.integers(into: values.pointer, count: count, range) }?.message
    }
    #expect(try read("b", 4, 0...4) == "b[1]: expected an integer from 0 to 4")
    #expect(try read("c", 4, 0...4) == "c[1]: expected an integer from 0 to 4")
    #expect(try read("d", 4, 0...4) == "d: expected a list of 4 integers")
    #expect(try read("e", 4, 0...Int.max) == "e[0]: expected an integer from 0 to \(Int.max)")
    #expect(try read("b", 3, 0...4) == "b: expected 3 integers, found 4")
  }

  @Test func valuesKeepTheirDocumentAlive() throws {
    var value: JSONValue? = try document(#"{"a": {"b": "text"}}"#).root.required("a").required("b")
    #expect(try value?.text(maximumBytes: 4).description == "text")
    #expect(value?.path.description == "a.b")
    value = nil
  }

  @Test func longKeysAreCutInPaths() throws {
    let key = String(repeating: "é", count: 1000)
    let found = try message("{\"\(key)\": 1}") { (root) throws(RillError) in try root.requireObject(keys: "a") }
    #expect(found == String(repeating: "é", count: 32) + "…: unknown key")
  }
}
