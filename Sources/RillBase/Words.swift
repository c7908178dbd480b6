import CPlatform

/// A literal of words with spaces between them: keys, or the names of choices. One pointer, where an array of literals is three words for each.
package struct Words: ExpressibleByStringLiteral, BitwiseCopyable, CustomStringConvertible {
  /// NUL-terminated.
  package let start: UnsafePointer<CChar>

  @inline(always) package init(stringLiteral literal: StaticString) { start = Text.cString(literal) }

  /// The place of a word; nil if there is none such.
  package func firstIndex(of word: UnsafePointer<CChar>) -> Int? {
    let index = rill__word_index(start, word)
    return index < 0 ? nil : index
  }

  package func contains(_ word: UnsafePointer<CChar>) -> Bool { rill__word_index(start, word) >= 0 }

  @inline(never) package subscript(index: Int) -> Text {
    var length = 0
    let word = rill__word(start, index, &length)
    return Text(UnsafeRawBufferPointer(start: word, count: length), maximumBytes: length)
  }

  /// For tests and debuggers.
  package var description: String { String(cString: start) }
}
