import CJSON
import RillBase

/// One value in a document, which it keeps alive. Every error names the value's path. A class for size: a struct of these would be two references for every
/// holder to release on every way out.
package final class JSONValue {
  let document: JSONDocument
  let node: OpaquePointer?  // NULL is the JSON value null

  /// "" at the root, then "layers[1].hidden_size".
  package let path: Text

  init(document: JSONDocument, node: OpaquePointer?, path: Text) {
    self.document = document
    self.node = node
    self.path = path
  }

  package var isArray: Bool { type == json_type_array }
  package var isObject: Bool { type == json_type_object }
  package var isText: Bool { type == json_type_string }

  var type: json_type { json_object_get_type(node) }

  func fault(_ reason: Text) -> RillError { .format(path.isEmpty ? reason : "\(path): \(reason)") }

  // MARK: objects

  @inline(never) package func requireObject() throws(RillError) {
    if !isObject { throw fault("expected an object") }
  }

  /// An object whose keys are all listed.
  @inline(never) package func requireObject(keys: Words, and others: Words = "") throws(RillError) {
    try requireObject { keys.contains($0) || others.contains($0) }
  }

  /// An object with no keys but those that body knows.
  @inline(never) package func requireObject(_ isKnown: (UnsafePointer<CChar>) -> Bool) throws(RillError) {
    try requireObject()
    var member = json_object_iter_begin(node)
    var end = json_object_iter_end(node)
    while json_object_iter_equal(&member, &end) == 0 {
      guard let key = json_object_iter_peek_name(&member) else { throw .internalDefect("a member without a key") }
      if !isKnown(key) {
        let name = boundedText(key, maximumBytes: JSONPath.maximumKeyBytes)
        throw .format("\(JSONPath.member(path, name)): unknown key")
      }
      json_object_iter_next(&member)
    }
  }

  /// nil when absent.
  @inline(always) package func member(_ key: StaticString) throws(RillError) -> JSONValue? { try member(Text.cString(key)) }

  @_disfavoredOverload @inline(never) package func member(_ key: UnsafePointer<CChar>) throws(RillError) -> JSONValue? {
    try requireObject()
    var found: OpaquePointer?
    guard json_object_object_get_ex(node, key, &found) != 0 else { return nil }
    let name = boundedText(key, maximumBytes: JSONPath.maximumKeyBytes)
    return JSONValue(document: document, node: found, path: JSONPath.member(path, name))
  }

  @inline(always) package func required(_ key: StaticString) throws(RillError) -> JSONValue { try required(Text.cString(key)) }

  @_disfavoredOverload @inline(never) package func required(_ key: UnsafePointer<CChar>) throws(RillError) -> JSONValue {
    guard let value = try member(key) else { throw missing(key) }
    return value
  }

  package func missing(_ key: UnsafePointer<CChar>) -> RillError {
    .format("\(JSONPath.member(path, boundedText(key, maximumBytes: JSONPath.maximumKeyBytes))): missing")
  }

  // MARK: lists

  /// The number of elements of a list.
  package func requireArray(count: ClosedRange<Int>) throws(RillError) -> Int {
    let found = isArray ? json_object_array_length(node) : -1
    guard count.contains(found) else {
      let expected: Text =
        count.lowerBound == count.upperBound
        ? "\(count.lowerBound)"
        : count.upperBound == Int.max ? "at least \(count.lowerBound)" : "\(count.lowerBound) to \(count.upperBound)"
      throw fault("expected a list of \(expected) elements\(isArray ? Text(", found \(found)") : "")")
    }
    return found
  }

  /// An element of a list; null if there is none.
  @inline(never) package func element(_ index: Int) -> JSONValue {
    let found = isArray && index >= 0 ? json_object_array_get_idx(node, index) : nil
    return JSONValue(document: document, node: found, path: JSONPath.element(path, index))
  }
}
