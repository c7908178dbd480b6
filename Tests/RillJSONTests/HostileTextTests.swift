import RillBase
import RillJSON
import Testing

@Suite struct HostileTextTests {
  @Test(arguments: ["NaN", "Infinity", "-Infinity"])
  func valuesThatAreNoNumbersAreRefusedEverywhere(word: String) {
    #expect(refusal("{\"metadata\": {\"x\": [0, \(word)]}}") == "metadata.x[1]: NaN and Infinity are not JSON")
  }

  @Test(arguments: ["1e999", "-1e999", "1.8e308"])
  func numbersBeyondDoubleAreRefused(number: String) {
    #expect(refusal("{\"x\": \(number)}") == "x: a number beyond double precision")
  }

  @Test(arguments: ["9223372036854775808", "-9223372036854775809", "18446744073709551616", "123456789012345678901234567890123456789012"])
  func integersBeyond64BitsAreRefused(number: String) {
    #expect(refusal("[\(number)]") == "[0]: an integer beyond 64 bits")
  }

  @Test func integersOf64BitsAreTaken() throws {
    let root = try document("[9223372036854775807, -9223372036854775808]").root
    #expect(try root.element(0).integer(Int.min...Int.max) == Int.max)
    #expect(try root.element(1).integer(Int.min...Int.max) == Int.min)
  }

  @Test(arguments: ["01", "-01", "00", "1.", ".5", "+1", "1e", "1e+", "-", "--1", "1.e5", "1.5.5", "0x10", "1f", "1_000", "1,5,"])
  func numbersThatAreNotJSONAreRefused(number: String) {
    #expect(refusal("[\(number)]") != nil)
    #expect(refusal("{\"a\": \(number)}") != nil)
  }

  @Test(arguments: ["0", "-0", "0.0", "-0.5E+10", "1e5", "1E-05", "0.1000000000000000055511151231257827021181583404541015625"])
  func numbersOfJSONAreTaken(number: String) {
    #expect(failure { () throws(RillError) in _ = try document("[\(number)]") } == nil)
  }

  @Test(arguments: [
    "[1,]", "{\"a\": 1,}", "[,1]", "// c\n1", "[1 /* c */]", "True", "nUll", "{'a': 1}", "['a']", "{a: 1}", "[1]]", "[}", "{]", ":", ",",
  ])
  func textThatIsAlmostJSONIsRefused(text: String) {
    #expect(refusal(text) != nil)
  }

  @Test func nestingIsLimited() {
    func nested(_ depth: Int, _ inner: String = "") -> String {
      String(repeating: "[", count: depth) + inner + String(repeating: "]", count: depth)
    }
    #expect(failure { () throws(RillError) in _ = try document(nested(32, "1")) } == nil)
    #expect(refusal(nested(33))?.hasSuffix("nesting too deep") == true)
    #expect(refusal(nested(33, "1"))?.hasSuffix("nesting too deep") == true)
    #expect(refusal(nested(100_000)) == "line 1, column 34: nesting too deep")
    let objects = String(repeating: "{\"a\":", count: 100_000)
    #expect(refusal(objects)?.hasSuffix("nesting too deep") == true)
  }

  @Test func byteOrderMarkIsRefused() {
    #expect(refusal([0xef, 0xbb, 0xbf] + Array("{}".utf8)) == "the text starts with a byte-order mark")
  }

  @Test func charactersBelowSpaceAreRefused() {
    #expect(refusal("{}\0") == "line 1, column 3: a NUL byte")
    #expect(refusal("[\"a\0b\"]") == "line 1, column 4: a control character inside text; it must be escaped")
    #expect(refusal("[\"a\nb\"]") == "line 1, column 4: a control character inside text; it must be escaped")
    #expect(refusal("[1\u{b}]") != nil)
    #expect(refusal("[\"a\\u0000b\"]") == "line 1, column 4: the character NUL")
    #expect(refusal("{\"a\\u0000b\": 1}") == "line 1, column 4: the character NUL")
  }

  /// One of each kind that table 3-7 of the Unicode standard excludes.
  @Test(
    arguments: [
      [0x80], [0xbf], [0xc0, 0x80], [0xc1, 0xbf], [0xc3], [0xc3, 0x28], [0xe0, 0x9f, 0xbf], [0xe2, 0x82], [0xe2, 0x28, 0xa1],
      [0xe2, 0x82, 0x28], [0xed, 0xa0, 0x80], [0xed, 0xbf, 0xbf], [0xf0, 0x8f, 0xbf, 0xbf], [0xf0, 0x90, 0x80], [0xf0, 0x90, 0x28, 0x80],
      [0xf0, 0x90, 0x80, 0x28], [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xfe], [0xff],
    ] as [[UInt8]])
  func brokenUTF8IsRefused(bytes: [UInt8]) {
    let quote = UInt8(ascii: "\"")
    #expect(refusal([quote] + bytes + [quote]) == "line 1, column 2: invalid UTF-8")
    #expect(refusal([quote] + bytes) == "line 1, column 2: invalid UTF-8")
    #expect(refusal(Array("{\"".utf8) + bytes + Array("\": 1}".utf8)) == "line 1, column 3: invalid UTF-8")
    #expect(refusal(bytes) != nil)
  }

  @Test(arguments: ["\u{80}", "\u{7ff}", "\u{800}", "\u{d7ff}", "\u{e000}", "\u{ffff}", "\u{10000}", "\u{10ffff}"])
  func edgesOfUTF8AreTaken(text: String) throws {
    #expect(try document("[\"\(text)\"]").root.element(0).text(maximumBytes: 4).description.utf8.elementsEqual(text.utf8))
  }

  @Test(arguments: [#"\ud800"#, #"\udc00"#, #"\ud800x"#, #"\ud800\n"#, #"\ud800\ud800"#, #"\udc00\ud800"#, #"\uDBFF\u0041"#])
  func halvesOfSurrogatePairsAreRefused(escape: String) {
    #expect(refusal("[\"\(escape)\"]") == "line 1, column 3: half of a surrogate pair")
  }

  @Test(arguments: [#"\x41"#, #"\u12"#, #"\u12g4"#, #"\'"#, #"\U0041"#, "\\"])
  func unknownEscapesAreRefused(escape: String) {
    #expect(refusal("[\"\(escape)\"]") != nil)
  }

  @Test func everyTruncationIsRefused() {
    let text = Array(#"{"a": [1, 2.5e3, "x\u00e4\ud834\udd1e𝄞\n", true, null, {"b": {}}], "c": false}"#.utf8)
    #expect(failure { () throws(RillError) in _ = try document(text) } == nil)
    for length in 0..<text.count { #expect(refusal(Array(text[..<length])) != nil, "of \(length) bytes") }
  }

  /// Whatever the parser makes of a damaged text, it must be an answer: a tree, or a message.
  @Test func damagedTextNeverCrashes() {
    let text = Array(#"{"a": [1, -2.5e3, "x\u00e4\ud834\udd1e𝄞\n", true, null, {"b": {}}], "cc": false, "d": "e"}"#.utf8)
    var generator = Generator(state: 1)
    var refused = 0
    for _ in 0..<20_000 {
      var damaged = text
      for _ in 0...Int.random(in: 0..<4, using: &generator) {
        let index = Int.random(in: 0..<damaged.count, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: damaged[index] = UInt8.random(in: 0...255, using: &generator)
        case 1: damaged.remove(at: index)
        default: damaged.insert(text.randomElement(using: &generator)!, at: index)
        }
      }
      if let error = failure({ () throws(RillError) in _ = try document(damaged) }) {
        refused += 1
        if error.kind != .format || error.message.isEmpty { Issue.record("\(error) of \(String(decoding: damaged, as: UTF8.self))") }
      }
    }
    #expect(refused > 10_000)
  }
}
