/// Lays JSON out for people: objects and lists that hold no other stand on one line, all others are indented.
/// So a layer or a list of numbers is one line, where json-c's own layout would give every number a line.
struct JSONLayout {
  private let bytes: UnsafePointer<UInt8>
  private let count: Int
  private let output: UnsafeMutablePointer<UInt8>?
  /// Bytes put out so far.
  private(set) var length = 0
  private var indentation = 0

  /// bytes: JSON without spaces. output: nil to find the length.
  init(_ bytes: UnsafePointer<UInt8>, count: Int, output: UnsafeMutablePointer<UInt8>?) {
    self.bytes = bytes
    self.count = count
    self.output = output
  }

  mutating func layOut() {
    var index = 0
    while index < count {
      switch bytes[index] {
      case ASCII.openBrace, ASCII.openBracket:
        if let end = flatEnd(index) {
          putFlat(index..<end)
          index = end
          continue
        }
        put(bytes[index])
        indentation += 2
        putLine()
      case ASCII.closeBrace, ASCII.closeBracket:
        indentation = max(indentation - 2, 0)
        putLine()
        put(bytes[index])
      case ASCII.comma:
        put(ASCII.comma)
        putLine()
      case ASCII.colon:
        put(ASCII.colon)
        put(ASCII.space)
      default:
        let end = tokenEnd(index)
        for i in index..<end { put(bytes[i]) }
        index = end
        continue
      }
      index += 1
    }
    put(ASCII.newline)
  }

  /// Behind the bracket that closes the one at index, if no other opens before it.
  private func flatEnd(_ index: Int) -> Int? {
    var index = index + 1
    while index < count {
      switch bytes[index] {
      case ASCII.openBrace, ASCII.openBracket: return nil
      case ASCII.closeBrace, ASCII.closeBracket: return index + 1
      default: index = tokenEnd(index)
      }
    }
    return nil
  }

  private mutating func putFlat(_ range: Range<Int>) {
    var index = range.lowerBound
    while index < range.upperBound {
      let end = tokenEnd(index)
      for i in index..<end { put(bytes[i]) }
      if bytes[index] == ASCII.comma || bytes[index] == ASCII.colon { put(ASCII.space) }
      index = end
    }
  }

  /// Behind the text in quotes that starts at index, or else behind this one byte.
  private func tokenEnd(_ index: Int) -> Int {
    guard bytes[index] == ASCII.quote else { return index + 1 }
    var index = index + 1
    while index < count, bytes[index] != ASCII.quote { index += bytes[index] == ASCII.backslash ? 2 : 1 }
    return min(index + 1, count)
  }

  private mutating func putLine() {
    put(ASCII.newline)
    for _ in 0..<indentation { put(ASCII.space) }
  }

  private mutating func put(_ byte: UInt8) {
    output?[length] = byte
    length += 1
  }
}
