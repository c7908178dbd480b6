import CPlatform

/// Text that does not change, in UTF-8 without NUL: a literal, which allocates nothing, or bytes of its own, as messages and names are.
///
/// Why not String: its loops and appends bring code for strings of other encodings, which do not occur here, and a literal costs twice the instructions.
package struct Text: ExpressibleByStringInterpolation, CustomStringConvertible, @unchecked Sendable {
  /// NUL-terminated. Valid as long as memory is.
  private let start: UnsafePointer<CChar>
  /// nil: a literal.
  private let memory: TextMemory?

  init(_ memory: TextMemory) {
    start = memory.text.start.map { UnsafePointer($0) } ?? Text.cString("")
    self.memory = memory
  }

  @inline(always) package init(_ literal: StaticString) {
    start = Text.cString(literal)
    memory = nil
  }
  @inline(always) package init(stringLiteral literal: StaticString) { self.init(literal) }

  /// A literal's bytes, which are NUL-terminated and live as long as the library.
  @inline(always) package static func cString(_ literal: StaticString) -> UnsafePointer<CChar> {
    UnsafeRawPointer(literal.utf8Start).assumingMemoryBound(to: CChar.self)
  }

  package var isEmpty: Bool { withCString { $0[0] == 0 } }

  /// Runs body with the NUL-terminated bytes.
  @inline(always)
  package func withCString<Result, Failure: Error>(_ body: (UnsafePointer<CChar>) throws(Failure) -> Result) throws(Failure) -> Result {
    defer { withExtendedLifetime(memory) {} }
    return try body(start)
  }

  /// For tests and debuggers.
  package var description: String { withCString { String(cString: $0) } }
}

// Comparing text byte by byte.

package func sameBytes(_ a: Text, _ b: Text) -> Bool { b.withCString { sameBytes($0, a) } }

/// Whether the NUL-terminated text a is b.
@_disfavoredOverload package func sameBytes(_ a: UnsafePointer<CChar>, _ b: Text) -> Bool { b.withCString { rill__same_text(a, $0) != 0 } }

package func sameBytes(_ a: UnsafePointer<CChar>, _ b: StaticString) -> Bool { rill__same_text(a, Text.cString(b)) != 0 }

/// The NUL-terminated text, cut to maximumBytes so that its size is bounded; broken UTF-8 is repaired.
package func boundedText(_ bytes: UnsafePointer<CChar>, maximumBytes: Int) -> Text {
  Text(UnsafeRawBufferPointer(start: bytes, count: rill__text_length(bytes)), maximumBytes: maximumBytes)
}
