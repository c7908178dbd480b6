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
    guard let from = text.baseAddress?.assumingMemoryBound(to: UInt8.self), let to = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    else { return true }
    let whole = bytes.count / 3
    // Letters of a model file are as good as random: looked up in a table they cost a tenth of what deciding by ranges costs.
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { table in
      let sextets = UnsafePointer(table.baseAddress!)
      for letter in 0..<256 { table[letter] = value(UInt8(letter)) }
      var seen: UInt8 = 0
      for group in 0..<whole {
        let (text, bytes) = (from + 4 * group, to + 3 * group)
        let (a, b, c, d) = (sextets[Int(text[0])], sextets[Int(text[1])], sextets[Int(text[2])], sextets[Int(text[3])])
        seen |= a | b | c | d
        bytes[0] = a << 2 | b >> 4
        bytes[1] = b << 4 | c >> 2
        bytes[2] = c << 6 | d
      }
      return seen & invalid == 0 && decodeRest(from + 4 * whole, sextets, to + 3 * whole, count: bytes.count - 3 * whole)
    }
  }

  /// The last group, of 1 or 2 bytes; or nothing.
  private static func decodeRest(
    _ text: UnsafePointer<UInt8>, _ sextets: UnsafePointer<UInt8>, _ bytes: UnsafeMutablePointer<UInt8>, count: Int
  ) -> Bool {
    if count == 0 { return true }
    let (a, b) = (sextets[Int(text[0])], sextets[Int(text[1])])
    guard (a | b) & invalid == 0, text[3] == padding else { return false }
    bytes[0] = a << 2 | b >> 4
    // The bits behind the last byte are zero.
    if count == 1 { return text[2] == padding && b & 15 == 0 }
    let c = sextets[Int(text[2])]
    bytes[1] = b << 4 | c >> 2
    return c & invalid == 0 && c & 3 == 0
  }

  /// What no sextet has.
  private static var invalid: UInt8 { 0x80 }

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

  /// The sextet of a letter; `invalid` for what is none.
  private static func value(_ letter: UInt8) -> UInt8 {
    switch letter {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): return letter - UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): return letter - UInt8(ascii: "a") + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): return letter - UInt8(ascii: "0") + 52
    case UInt8(ascii: "+"): return 62
    case UInt8(ascii: "/"): return 63
    default: return invalid
    }
  }
}
