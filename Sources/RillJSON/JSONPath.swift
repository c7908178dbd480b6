import RillBase

/// Paths such as "layers[1].hidden_size", as messages give them.
enum JSONPath {
  /// Longer keys are cut in messages.
  static let maximumKeyBytes = 64

  static func member(_ path: Text, _ key: Text) -> Text { path.isEmpty ? key : "\(path).\(key)" }
  static func element(_ path: Text, _ index: Int) -> Text { "\(path)[\(index)]" }

  /// The path of something inside what stands at outer.
  static func joined(_ outer: Text, _ inner: Text) -> Text {
    let opens = inner.withCString { $0[0] == 0 || UInt8(bitPattern: $0[0]) == ASCII.openBracket }
    return opens ? "\(outer)\(inner)" : member(outer, inner)
  }
}
