import CJSON
import CPlatform
import RillBase

/// A JSON value under construction.
package final class JSONNode {
  let node: OpaquePointer?  // NULL is the JSON value null
  /// A copy may be set into several trees by several threads at once. json-c counts references without locking, so each tree gets its own.
  private let isCopy: Bool

  private init(owning node: OpaquePointer?, isCopy: Bool = false) {
    self.node = node
    self.isCopy = isCopy
  }

  deinit { json_object_put(node) }

  /// Out of line for size: else the deinit of a new object is put at each way out of the function that made it.
  @inline(never) private convenience init(allocated node: OpaquePointer?) throws(RillError) {
    guard let node else { throw .memory }
    self.init(owning: node)
  }

  static package func object() throws(RillError) -> JSONNode { try JSONNode(allocated: json_object_new_object()) }
  static package func array() throws(RillError) -> JSONNode { try JSONNode(allocated: json_object_new_array()) }

  static package func boolean(_ value: Bool) throws(RillError) -> JSONNode {
    try JSONNode(allocated: json_object_new_boolean(value ? 1 : 0))
  }

  static package func integer(_ value: Int) throws(RillError) -> JSONNode {
    try JSONNode(allocated: json_object_new_int64(Int64(value)))
  }

  static package func text(_ value: Text) throws(RillError) -> JSONNode {
    try JSONNode(allocated: value.withCString { json_object_new_string($0) })
  }

  /// The shortest decimal that reads back to the same value.
  static package func number(_ value: Double) throws(RillError) -> JSONNode {
    try JSONNode(allocated: try newNumber(value, value.description))
  }

  /// The shortest decimal that reads back to the same float32.
  static package func number(_ value: Float) throws(RillError) -> JSONNode {
    try withExactFloatMode { () throws(RillError) in try JSONNode(allocated: try newNumber(Double(value), decimal(value))) }
  }

  /// A value of a document, which may go away then.
  static package func copy(of value: JSONValue) throws(RillError) -> JSONNode {
    JSONNode(owning: try deepCopy(value.node), isCopy: true)
  }

  /// A list of the shortest decimals.
  static package func floats(_ values: UnsafePointer<Float>, count: Int) throws(RillError) -> JSONNode {
    let list = try array()
    try withExactFloatMode { () throws(RillError) in
      for i in 0..<count {
        guard let element = try newNumber(Double(values[i]), decimal(values[i])) else { throw .memory }
        guard json_object_array_add(list.node, element) == 0 else {
          json_object_put(element)
          throw .memory
        }
      }
    }
    return list
  }

  /// Bytes as base64 text.
  static package func bytes(_ bytes: UnsafeRawBufferPointer) throws(RillError) -> JSONNode {
    guard let length = Base64.encodedLength(of: bytes.count) else { throw .memory }
    let text = try Buffer<UInt8>(count: length)
    Base64.encode(bytes, into: text.pointer)
    return try JSONNode(allocated: withExtendedLifetime(text) { newString(UnsafeBufferPointer(start: text.pointer, count: length)) })
  }

  /// {"base64": "…"}: the values as little-endian float32.
  static package func base64(_ values: UnsafePointer<Float>, count: Int) throws(RillError) -> JSONNode {
    guard let size = product(count, 4) else { throw .memory }
    let object = try object()
    #if _endian(little)
      try object.set("base64", try bytes(UnsafeRawBufferPointer(start: values, count: size)))
    #else
      let swapped = try Buffer<UInt32>(count: count)
      for i in 0..<count { swapped.pointer[i] = values[i].bitPattern.littleEndian }
      try object.set("base64", try bytes(swapped.bytes))
    #endif
    return object
  }

  /// Puts a member into an object, behind those that are there.
  package func set(_ key: Text, _ value: JSONNode) throws(RillError) {
    let member = try value.shared()
    guard key.withCString({ json_object_object_add(node, $0, member) }) == 0 else {
      json_object_put(member)
      throw .memory
    }
  }

  /// Puts an element behind the last of a list.
  package func append(_ value: JSONNode) throws(RillError) {
    let element = try value.shared()
    guard json_object_array_add(node, element) == 0 else {
      json_object_put(element)
      throw .memory
    }
  }

  // Out of line for size: they stand in rows, and each brings a way out when memory is.
  @inline(never) package func set(_ key: Text, _ value: Bool) throws(RillError) { try set(key, .boolean(value)) }
  @inline(never) package func set(_ key: Text, _ value: Int) throws(RillError) { try set(key, .integer(value)) }
  @inline(never) package func set(_ key: Text, _ value: Text) throws(RillError) { try set(key, .text(value)) }
  @inline(never) package func append(_ value: Int) throws(RillError) { try append(.integer(value)) }

  /// What goes into a tree, which then owns it.
  private func shared() throws(RillError) -> OpaquePointer? { isCopy ? try JSONNode.deepCopy(node) : json_object_get(node) }

  private static func deepCopy(_ node: OpaquePointer?) throws(RillError) -> OpaquePointer? {
    guard let node else { return nil }
    var copy: OpaquePointer?
    guard json_object_deep_copy(node, &copy, nil) == 0 else { throw .memory }
    return copy
  }

  private static func newString(_ text: UnsafeBufferPointer<UInt8>) -> OpaquePointer? {
    guard let length = Int32(exactly: text.count) else { return nil }
    guard let start = text.baseAddress else { return json_object_new_string("") }
    return start.withMemoryRebound(to: CChar.self, capacity: text.count) { json_object_new_string_len($0, length) }
  }

  private static func newNumber(_ value: Double, _ digits: String) throws(RillError) -> OpaquePointer? {
    guard value.isFinite else { throw .internalDefect("a number to be written is not finite") }
    return withDigits(digits) { json_object_new_double_s(value, $0) }
  }

  /// Shortest means: among the decimals that round to this float32. A reader rounds twice, to double first, so the result is tried.
  private static func decimal(_ value: Float) -> String {
    let text = value.description
    let back = withDigits(text) { Float(rill__parse_double($0)) }
    return back.bitPattern == value.bitPattern ? text : Double(value).description
  }
}
