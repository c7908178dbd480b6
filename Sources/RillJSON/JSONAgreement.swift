import CJSON
import RillBase

/// Why a text and a tree do not agree: a fault of the text with its path; or, with an empty reason, something was lost on the way
/// between them, which is json-c's way of running out of memory.
struct JSONFault: Error {
  var path: Text = ""
  var reason: Text = ""

  static let lost = JSONFault()

  func inside(_ outer: Text) -> JSONFault { JSONFault(path: JSONPath.joined(outer, path), reason: reason) }
  var message: Text { path.isEmpty ? reason : "\(path): \(reason)" }
}

/// Reads a JSON text and json-c's tree of it side by side.
///
/// This finds what json-c drops silently when an allocation fails, while parsing and while printing, and what it takes though it is no
/// JSON: NaN, Infinity, numbers beyond double or 64 bits, "1.", "-01".
struct JSONAgreement {
  private let bytes: UnsafePointer<UInt8>
  private let count: Int
  private let maximumDepth: Int
  private var index = 0
  private var depth = 0

  init(_ bytes: UnsafePointer<UInt8>, count: Int, maximumDepth: Int) {
    self.bytes = bytes
    self.count = count
    self.maximumDepth = maximumDepth
  }

  mutating func check(_ tree: OpaquePointer?) throws(JSONFault) {
    try value(tree)
    skipSpace()
    if index != count { throw .lost }
  }

  private mutating func value(_ node: OpaquePointer?) throws(JSONFault) {
    skipSpace()
    switch json_object_get_type(node) {
    case json_type_boolean: try literal(json_object_get_boolean(node) != 0 ? "true" : "false")
    case json_type_int: try integer(node)
    case json_type_double: try decimal(node)
    case json_type_string: try string(json_object_get_string(node), length: Int(json_object_get_string_len(node)))
    case json_type_array: try list(node)
    case json_type_object: try object(node)
    default: try literal("null")
    }
  }

  private mutating func list(_ node: OpaquePointer?) throws(JSONFault) {
    try enter(ASCII.openBracket)
    for i in 0..<json_object_array_length(node) {
      if i > 0 { try expect(ASCII.comma) }
      do throws(JSONFault) {
        try value(json_object_array_get_idx(node, i))
      } catch {
        throw error.inside(JSONPath.element("", i))
      }
    }
    try leave(ASCII.closeBracket)
  }

  private mutating func object(_ node: OpaquePointer?) throws(JSONFault) {
    try enter(ASCII.openBrace)
    var member = json_object_iter_begin(node)
    var end = json_object_iter_end(node)
    var isFirst = true
    while json_object_iter_equal(&member, &end) == 0 {
      if !isFirst { try expect(ASCII.comma) }
      isFirst = false
      guard let key = json_object_iter_peek_name(&member) else { throw .lost }
      var length = 0
      while key[length] != 0 { length += 1 }
      skipSpace()
      try string(key, length: length)
      try expect(ASCII.colon)
      do throws(JSONFault) {
        try value(json_object_iter_peek_value(&member))
      } catch {
        throw error.inside(boundedText(key, maximumBytes: JSONPath.maximumKeyBytes))
      }
      json_object_iter_next(&member)
    }
    try leave(ASCII.closeBrace)
  }

  // MARK: numbers

  private mutating func integer(_ node: OpaquePointer?) throws(JSONFault) {
    let digits = try number()
    var value: Int64 = 0
    let isNegative = bytes[digits.lowerBound] == UInt8(ascii: "-")
    for i in (isNegative ? digits.lowerBound + 1 : digits.lowerBound)..<digits.upperBound {
      let digit = Int64(bytes[i]) - 0x30
      let (tens, overflowed) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflowedToo) = isNegative ? tens.subtractingReportingOverflow(digit) : tens.addingReportingOverflow(digit)
      if overflowed || overflowedToo { throw JSONFault(reason: "an integer beyond 64 bits") }
      value = sum
    }
    if json_object_get_int64(node) != value { throw .lost }
  }

  private mutating func decimal(_ node: OpaquePointer?) throws(JSONFault) {
    let digits = try number()
    if !json_object_get_double(node).isFinite { throw JSONFault(reason: "a number beyond double precision") }
    // json-c keeps the text of a decimal with its value.
    guard let kept = json_object_get_userdata(node)?.assumingMemoryBound(to: UInt8.self) else { throw .lost }
    for i in 0..<digits.count where kept[i] != bytes[digits.lowerBound + i] { throw .lost }
    if kept[digits.count] != 0 { throw .lost }
  }

  /// The number at index, checked against the grammar of JSON.
  private mutating func number() throws(JSONFault) -> Range<Int> {
    let start = index
    skip(UInt8(ascii: "-"))
    if index < count, bytes[index] == UInt8(ascii: "N") || bytes[index] == UInt8(ascii: "I") {
      throw JSONFault(reason: "NaN and Infinity are not JSON")
    }
    let first = index
    var isSound = skipDigits() > 0 && (bytes[first] != UInt8(ascii: "0") || index == first + 1)
    if skip(UInt8(ascii: ".")) { isSound = skipDigits() > 0 && isSound }
    if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
      if !skip(UInt8(ascii: "-")) { skip(UInt8(ascii: "+")) }
      isSound = skipDigits() > 0 && isSound
    }
    if !isSound { throw JSONFault(reason: "not a number as JSON writes it") }
    return start..<index
  }

  @discardableResult private mutating func skip(_ byte: UInt8) -> Bool {
    guard index < count, bytes[index] == byte else { return false }
    index += 1
    return true
  }

  private mutating func skipDigits() -> Int {
    let start = index
    while index < count, bytes[index] >= 0x30, bytes[index] <= 0x39 { index += 1 }
    return index - start
  }

  // MARK: text

  private mutating func string(_ meaning: UnsafePointer<CChar>?, length: Int) throws(JSONFault) {
    let start = index + 1
    guard let meaning, skip(ASCII.quote) else { throw .lost }
    while index < count, bytes[index] != ASCII.quote { index += bytes[index] == ASCII.backslash ? 2 : 1 }
    guard index < count else { throw .lost }
    let isSame = meaning.withMemoryRebound(to: UInt8.self, capacity: length) { means(bytes, start..<index, $0, count: length) }
    if !isSame { throw .lost }
    index += 1
  }

  private mutating func literal(_ word: StaticString) throws(JSONFault) {
    for i in 0..<word.utf8CodeUnitCount {
      if !skip(word.utf8Start[i]) { throw .lost }
    }
  }

  // MARK: punctuation

  private mutating func enter(_ bracket: UInt8) throws(JSONFault) {
    try expect(bracket)
    depth += 1
    if depth > maximumDepth { throw JSONFault(reason: "nesting too deep") }
  }

  private mutating func leave(_ bracket: UInt8) throws(JSONFault) {
    depth -= 1
    try expect(bracket)
  }

  private mutating func expect(_ byte: UInt8) throws(JSONFault) {
    skipSpace()
    if !skip(byte) { throw .lost }
  }

  private mutating func skipSpace() {
    while index < count {
      switch bytes[index] {
      case ASCII.space, ASCII.newline, UInt8(ascii: "\t"), UInt8(ascii: "\r"): index += 1
      default: return
      }
    }
  }
}
