import RillBase

/// Looks at the characters of a JSON text, ahead of the parser, which in some versions lets them pass: NUL bytes, control characters,
/// broken UTF-8, lone surrogates, single quotes. Stops where the parser must be fed a piece.
struct JSONScanner {
  enum Stop {
    /// The ':' between a key and its value.
    case separator
    /// An escaped pair of surrogates, twelve bytes long, that json-c 0.16 takes for another half: the character's own low 16 bits look
    /// like one.
    case escapedPair(Unicode.Scalar)
    case end
  }

  let bytes: UnsafePointer<UInt8>
  let count: Int
  private var index = 0
  /// Behind the quote of the string that is being scanned.
  private var stringStart: Int?
  /// The string scanned last, without its quotes.
  private(set) var lastString = 0..<0

  init(_ bytes: UnsafePointer<UInt8>, count: Int) {
    self.bytes = bytes
    self.count = count
  }

  /// The next stop and its index.
  mutating func next() throws(RillError) -> (Stop, at: Int) {
    while index < count {
      if stringStart != nil {
        if let stop = try skipString() { return stop }
        continue
      }
      switch bytes[index] {
      case ASCII.quote:
        index += 1
        stringStart = index
      case ASCII.colon:
        index += 1
        return (.separator, index - 1)
      case 0:
        throw fault("a NUL byte")
      case ASCII.apostrophe:
        throw fault("a single quote; text stands in double quotes")
      default:
        index += 1
      }
    }
    if let stringStart { throw fault("text without closing quote", at: stringStart - 1) }
    return (.end, count)
  }

  /// Goes behind the closing quote, or to the end of the text, unless there is reason to stop before.
  private mutating func skipString() throws(RillError) -> (Stop, at: Int)? {
    while index < count {
      let byte = bytes[index]
      if byte == ASCII.quote {
        lastString = (stringStart ?? index)..<index
        stringStart = nil
        index += 1
        return nil
      } else if byte == ASCII.backslash {
        let start = index
        if let pair = try skipEscape() { return (.escapedPair(pair), start) }
      } else if byte < 0x20 {
        throw fault("a control character inside text; it must be escaped")
      } else if byte < 0x80 {
        index += 1
      } else {
        guard let length = sequenceLength() else { throw fault("invalid UTF-8") }
        index += length
      }
    }
    return nil
  }

  /// Gives back the character of a pair to stop at.
  private mutating func skipEscape() throws(RillError) -> Unicode.Scalar? {
    guard let (scalar, length) = unescaped(bytes, index..<count) else {
      throw fault(isSurrogate() ? "half of a surrogate pair" : "an unknown escape")
    }
    if scalar.value == 0 { throw fault("the character NUL") }
    index += length
    return length == 12 && scalar.value & 0xf800 == 0xd800 ? scalar : nil
  }

  private func isSurrogate() -> Bool {
    guard let unit = codeUnit(bytes, at: index, count: count) else { return false }
    return unit & 0xf800 == 0xd800
  }

  /// The length of the multi-byte character at index; nil if it is not one of table 3-7 of the Unicode standard.
  private func sequenceLength() -> Int? {
    let length: Int
    var second: ClosedRange<UInt8> = 0x80...0xbf
    switch bytes[index] {
    case 0xc2...0xdf: length = 2
    case 0xe0: (length, second) = (3, 0xa0...0xbf)
    case 0xed: (length, second) = (3, 0x80...0x9f)
    case 0xe1...0xef: length = 3
    case 0xf0: (length, second) = (4, 0x90...0xbf)
    case 0xf1...0xf3: length = 4
    case 0xf4: (length, second) = (4, 0x80...0x8f)
    default: return nil
    }
    guard index + length <= count, second.contains(bytes[index + 1]) else { return nil }
    for i in index + 2..<max(index + length, index + 2) where bytes[i] & 0xc0 != 0x80 { return nil }
    return length
  }

  func fault(_ reason: Text) -> RillError { fault(reason, at: index) }

  /// An error with line and column, both counted from 1, columns in characters.
  func fault(_ reason: Text, at offset: Int) -> RillError {
    var line = 1
    var column = 1
    for i in 0..<min(offset, count) {
      if bytes[i] == ASCII.newline {
        line += 1
        column = 1
      } else if bytes[i] & 0xc0 != 0x80 {
        column += 1
      }
    }
    return .format("line \(line), column \(column): \(reason)")
  }
}

/// The characters that mean something in JSON.
enum ASCII {
  static let quote = UInt8(ascii: "\"")
  static let apostrophe = UInt8(ascii: "'")
  static let backslash = UInt8(ascii: "\\")
  static let slash = UInt8(ascii: "/")
  static let colon = UInt8(ascii: ":")
  static let comma = UInt8(ascii: ",")
  static let newline = UInt8(ascii: "\n")
  static let space = UInt8(ascii: " ")
  static let openBrace = UInt8(ascii: "{")
  static let closeBrace = UInt8(ascii: "}")
  static let openBracket = UInt8(ascii: "[")
  static let closeBracket = UInt8(ascii: "]")
}
