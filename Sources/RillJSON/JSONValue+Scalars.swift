import CJSON
import RillBase

extension JSONValue {
  package func boolean() throws(RillError) -> Bool {
    guard type == json_type_boolean else { throw fault("expected true or false") }
    return json_object_get_boolean(node) != 0
  }

  package func integer(_ range: ClosedRange<Int>) throws(RillError) -> Int {
    guard type == json_type_int, let value = Int(exactly: json_object_get_int64(node)), range.contains(value) else {
      let isAny = range.lowerBound == Int.min && range.upperBound == Int.max
      throw fault(isAny ? "expected an integer" : "expected an integer from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// A finite number; integers are numbers too.
  package func number(_ range: ClosedRange<Double>) throws(RillError) -> Double {
    guard let value, value.isFinite, range.contains(value) else {
      let largest = Double.greatestFiniteMagnitude
      let lower = range.lowerBound >= -largest ? Text(" from \(readable(range.lowerBound))") : ""
      let upper = range.upperBound <= largest ? Text(" to \(readable(range.upperBound))") : ""
      throw fault("expected a number\(lower)\(upper)")
    }
    return value
  }

  /// The nearest float32 of a number, which must be finite.
  package func float() throws(RillError) -> Float {
    try withExactFloatMode { () throws(RillError) in
      guard let value, Float(value).isFinite else { throw fault("expected a number within float32") }
      return Float(value)
    }
  }

  /// Text without control characters.
  package func text(maximumBytes: Int) throws(RillError) -> Text {
    let bytes = try textBytes()
    guard bytes.count <= maximumBytes else { throw fault("expected text of at most \(maximumBytes) bytes, found \(bytes.count)") }
    if bytes.contains(where: { $0 < 0x20 || $0 == 0x7f }) { throw fault("expected text without control characters") }
    return Text(bytes, maximumBytes: maximumBytes)
  }

  /// The index of the text among the names.
  package func choice(_ names: Words) throws(RillError) -> Int {
    if isText, let start = json_object_get_string(node) {
      if let index = names.firstIndex(of: start) { return index }
    }
    var list = names[0]
    var index = 1
    while true {
      let name = names[index]
      if name.isEmpty { throw fault("expected one of \(list)") }
      list = "\(list), \(name)"
      index += 1
    }
  }

  /// nil for what is no number. Numbers are finite: the document was checked.
  var value: Double? {
    switch type {
    case json_type_int: Double(json_object_get_int64(node))
    case json_type_double: json_object_get_double(node)
    default: nil
    }
  }

  /// The UTF-8 of text, valid as long as the document.
  func textBytes() throws(RillError) -> UnsafeRawBufferPointer {
    guard isText, let start = json_object_get_string(node) else { throw fault("expected text") }
    return UnsafeRawBufferPointer(start: start, count: Int(json_object_get_string_len(node)))
  }

  /// Bounds in messages: 1 and not 1.0.
  private func readable(_ bound: Double) -> Text {
    if let integer = Int(exactly: bound), abs(bound) < 1e15 { "\(integer)" } else { "\(bound)" }
  }
}
