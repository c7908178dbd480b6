import CJSON
import RillBase

/// Runs json-c's tokener over a text.
///
/// The text is fed in pieces that end behind each key, for two reasons: json-c keeps the last of two equal keys without a word, and
/// version 0.16 follows a NULL pointer when there is no memory for its copy of a key. Both can be seen only between key and value.
struct JSONParser: ~Copyable {
  private let tokener: UnsafeMutablePointer<json_tokener>
  private let bytes: UnsafePointer<UInt8>
  private let count: Int
  private var scanner: JSONScanner

  init(_ bytes: UnsafePointer<UInt8>, count: Int, maximumDepth: Int) throws(RillError) {
    // One level more, for the values in the innermost list.
    guard let tokener = json_tokener_new_ex(Int32(maximumDepth + 1)) else { throw .memory }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT)
    self.tokener = tokener
    self.bytes = bytes
    self.count = count
    scanner = JSONScanner(bytes, count: count)
  }

  deinit { json_tokener_free(tokener) }

  /// The tree, which the caller owns. What json-c could not notice is left to JSONAgreement.
  mutating func parse() throws(RillError) -> OpaquePointer? {
    var start = 0
    while true {
      let (stop, end) = try scanner.next()
      if let tree = try parse(start..<end) { return tree.value }
      start = end
      switch stop {
      case .separator:
        try checkKey()
      case .escapedPair(let scalar):
        try parse(scalar)
        start += 12
      case .end:
        return try finish()
      }
    }
  }

  /// A tree, which may be NULL: the value null.
  private struct Tree { let value: OpaquePointer? }

  /// Feeds a piece; gives the tree if the text ends with it.
  private func parse(_ piece: Range<Int>) throws(RillError) -> Tree? {
    let tree = feed(bytes + piece.lowerBound, piece.count)
    let offset = piece.lowerBound + json_tokener_get_parse_end(tokener)
    let error = json_tokener_get_error(tokener)
    if error == json_tokener_continue { return nil }
    guard error == json_tokener_success else { throw fault(error, at: offset) }
    guard offset == piece.upperBound, offset == count else {
      json_object_put(tree)
      // json-c reports no error when it runs out of memory; it only stops.
      throw offset < piece.upperBound ? .memory : scanner.fault("more text behind the value", at: offset)
    }
    return Tree(value: tree)
  }

  /// Feeds a character instead of its escape.
  private func parse(_ scalar: Unicode.Scalar) throws(RillError) {
    guard let encoded = UTF8.encode(scalar) else { throw .internalDefect("a character without UTF-8") }
    for unit in encoded {
      var unit = unit
      json_object_put(feed(&unit, 1))
      guard json_tokener_get_error(tokener) == json_tokener_continue else { throw .memory }
    }
  }

  private func feed(_ piece: UnsafePointer<UInt8>, _ length: Int) -> OpaquePointer? {
    piece.withMemoryRebound(to: CChar.self, capacity: length) { json_tokener_parse_ex(tokener, $0, Int32(length)) }
  }

  /// Tells json-c, by a NUL, that nothing follows; a number or literal at the root ends only then.
  private func finish() throws(RillError) -> OpaquePointer? {
    var end: UInt8 = 0
    let tree = feed(&end, 1)
    guard json_tokener_get_error(tokener) == json_tokener_success else { throw fault(json_tokener_error_parse_eof, at: count) }
    return tree
  }

  private func fault(_ error: json_tokener_error, at offset: Int) -> RillError {
    // Later versions of json-c have an error for memory; it stands between these two.
    if error.rawValue > json_tokener_error_parse_utf8_string.rawValue, error.rawValue < json_tokener_error_size.rawValue {
      return .memory
    }
    return scanner.fault(boundedText(json_tokener_error_desc(error), maximumBytes: 128), at: offset)
  }

  /// Whether json-c has the key that was just fed, whole and for the first time in its object.
  private func checkKey() throws(RillError) {
    let level = tokener.pointee.stack[Int(tokener.pointee.depth)]
    guard level.saved_state == json_tokener_state_object_field_end else { return }  // the ':' to come is a syntax error
    guard let key = level.obj_field_name else { throw .memory }
    var length = 0
    while key[length] != 0 { length += 1 }
    let isWhole = key.withMemoryRebound(to: UInt8.self, capacity: length) { means(bytes, scanner.lastString, $0, count: length) }
    guard isWhole else { throw .memory }
    guard json_object_object_get_ex(level.current, key, nil) == 0 else { throw .format("\(path): stands twice") }
  }

  /// Where in the tree the tokener is.
  private var path: Text {
    var path: Text = ""
    for depth in 0...Int(tokener.pointee.depth) {
      let level = tokener.pointee.stack[depth]
      if json_object_get_type(level.current) == json_type_array {
        path = JSONPath.element(path, json_object_array_length(level.current))
      } else if let key = level.obj_field_name {
        path = JSONPath.member(path, boundedText(key, maximumBytes: JSONPath.maximumKeyBytes))
      }
    }
    return path
  }
}
