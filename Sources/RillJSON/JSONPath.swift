import RillBase

/// Paths such as "layers[1].hidden_size", as messages give them.
enum JSONPath {
  /// Longer keys are cut in messages.
  static let maximumKeyBytes = 64

  static func member(_ path: String, _ key: String) -> String { path.isEmpty ? key : Text("\(path).\(key)").string }
  static func element(_ path: String, _ index: Int) -> String { Text("\(path)[\(index)]").string }

  /// The path of something inside what stands at outer.
  static func joined(_ outer: String, _ inner: String) -> String {
    outer.isEmpty || inner.isEmpty || inner.utf8.first == ASCII.openBracket ? outer + inner : member(outer, inner)
  }
}
