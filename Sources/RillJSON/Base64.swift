/// Base64 with padding: RFC 4648, section 4. Of the texts that could decode to the same bytes, only the one that encode gives is accepted.
enum Base64 {
  /// nil if it overflows.
  static func encodedLength(of byteCount: Int) -> Int? {
    let groups = byteCount / 3 + (byteCount % 3 == 0 ? 0 : 1)
    let (length, overflow) = groups.multipliedReportingOverflow(by: 4)
    return overflow ? nil : length
  }

  /// text: encodedLength(of: bytes.count) bytes.
  static func encode(_ bytes: UnsafeRawBufferPointer, into text: UnsafeMutablePointer<UInt8>) {
    var from = 0
    var to = 0
    while from < bytes.count {
      let left = min(bytes.count - from, 3)
      var group = UInt32(bytes[from]) << 16
      if left > 1 { group |= UInt32(bytes[from + 1]) << 8 }
      if left > 2 { group |= UInt32(bytes[from + 2]) }
      text[to] = letter(group >> 18)
      text[to + 1] = letter(group >> 12 & 63)
      text[to + 2] = left > 1 ? letter(group >> 6 & 63) : padding
      text[to + 3] = left > 2 ? letter(group & 63) : padding
      from += 3
      to += 4
    }
  }

  /// False unless text is the encoding of exactly bytes.count bytes.
  static func decode(_ text: UnsafeRawBufferPointer, into bytes: UnsafeMutableRawBufferPointer) -> Bool {
    guard encodedLength(of: bytes.count) == text.count else { return false }
    var from = 0
    var to = 0
    while to < bytes.count {
      let left = min(bytes.count - to, 3)
      var group: UInt32 = 0
      for i in 0...left {
        guard let sextet = value(text[from + i]) else { return false }
        group |= sextet << UInt32(18 - 6 * i)
      }
      for i in left + 1..<4 where text[from + i] != padding { return false }
      // The bits behind the last byte are zero.
      if group << UInt32(8 + 8 * left) != 0 { return false }
      for i in 0..<left { bytes[to + i] = UInt8(truncatingIfNeeded: group >> UInt32(16 - 8 * i)) }
      from += 4
      to += 3
    }
    return true
  }

  private static let padding = UInt8(ascii: "=")

  private static func letter(_ value: UInt32) -> UInt8 {
    let value = UInt8(truncatingIfNeeded: value)
    switch value {
    case 0..<26: return UInt8(ascii: "A") + value
    case 26..<52: return UInt8(ascii: "a") + value - 26
    case 52..<62: return UInt8(ascii: "0") + value - 52
    default: return value == 62 ? UInt8(ascii: "+") : UInt8(ascii: "/")
    }
  }

  private static func value(_ letter: UInt8) -> UInt32? {
    switch letter {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): return UInt32(letter - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): return UInt32(letter - UInt8(ascii: "a")) + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): return UInt32(letter - UInt8(ascii: "0")) + 52
    case UInt8(ascii: "+"): return 62
    case UInt8(ascii: "/"): return 63
    default: return nil
    }
  }
}
