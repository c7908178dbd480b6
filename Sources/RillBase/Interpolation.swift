import CPlatform

/// Builds a text from a literal with values in it. Every piece is one call, which only names what it adds.
package struct TextInterpolation: StringInterpolationProtocol {
  fileprivate let memory = TextMemory()

  package init(literalCapacity: Int, interpolationCount: Int) {}

  @inline(always) package func appendLiteral(_ literal: StaticString) { memory.append(literal.utf8Start) }
  @inline(always) package func appendInterpolation(_ literal: StaticString) { appendLiteral(literal) }
  @_disfavoredOverload @inline(never) package func appendInterpolation(_ text: Text) { text.withCString { memory.append($0) } }
  @inline(never) package func appendInterpolation(_ value: Int) { rill__text_append_integer(&memory.text, value) }
  package func appendInterpolation(_ value: Int32) { appendInterpolation(Int(value)) }
  @inline(never) package func appendInterpolation(_ value: UInt) { rill__text_append_unsigned(&memory.text, value) }
  @inline(never) package func appendInterpolation(_ value: Float) { memory.append(value.description) }
  @inline(never) package func appendInterpolation(_ value: Double) { memory.append(value.description) }
}

/// What a text's own bytes stand in.
final class TextMemory {
  fileprivate(set) var text = rill__text()

  deinit { rill__text_free(&text) }

  @inline(never) fileprivate func append(_ literal: UnsafePointer<UInt8>) {
    rill__text_append_literal(&text, UnsafeRawPointer(literal).assumingMemoryBound(to: CChar.self))
  }

  fileprivate func append(_ literal: UnsafePointer<CChar>) { rill__text_append_literal(&text, literal) }

  fileprivate func append(_ digits: String) { withDigits(digits) { append($0) } }
}

/// Runs body with the NUL-terminated digits of a number, which is all that String is used for: at most 32 bytes.
package func withDigits<Result>(_ digits: String, _ body: (UnsafePointer<CChar>) -> Result) -> Result {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 33) { buffer in
    let start = buffer.baseAddress!
    start.clear(buffer.count)
    _ = digits.utf8.withContiguousStorageIfAvailable { rill__copy(start, $0.baseAddress, min($0.count, buffer.count - 1)) }
    return body(start)
  }
}

extension Text {
  @inline(never) package init(stringInterpolation pieces: TextInterpolation) { self.init(pieces.memory) }

  /// The bytes, cut to maximumBytes so that the size is bounded; broken UTF-8 is repaired. A cut falls where a character begins, and is marked
  /// by "…".
  @inline(never) package init(_ bytes: UnsafeRawBufferPointer, maximumBytes: Int) {
    let memory = TextMemory()
    let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
    var count = min(bytes.count, maximumBytes)
    if count < bytes.count {
      while count > 0, bytes[count] & 0xc0 == 0x80 { count -= 1 }
    }
    rill__text_append_repaired(&memory.text, start, count)
    if bytes.count > maximumBytes { memory.append(("…" as StaticString).utf8Start) }
    self.init(memory)
  }
}
