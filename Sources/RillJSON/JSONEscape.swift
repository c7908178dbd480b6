/// The UTF-16 code unit of the escape \uXXXX at index; nil if that is not there.
func codeUnit(_ bytes: UnsafePointer<UInt8>, at index: Int, count: Int) -> UInt32? {
  guard index + 6 <= count, bytes[index] == ASCII.backslash, bytes[index + 1] == UInt8(ascii: "u") else { return nil }
  var unit: UInt32 = 0
  for i in index + 2..<index + 6 {
    let digit: UInt8
    switch bytes[i] {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = bytes[i] - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = bytes[i] - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = bytes[i] - UInt8(ascii: "A") + 10
    default: return nil
    }
    unit = unit << 4 | UInt32(digit)
  }
  return unit
}

/// Whether the JSON text `bytes[range]` between two quotes means the `count` bytes of `meaning`. The range must be one that the scanner let
/// pass, or written by json-c: anything else compares unequal.
func means(_ bytes: UnsafePointer<UInt8>, _ range: Range<Int>, _ meaning: UnsafePointer<UInt8>, count: Int) -> Bool {
  var index = range.lowerBound
  var position = 0
  while index < range.upperBound {
    let byte = bytes[index]
    if byte != ASCII.backslash {
      guard position < count, meaning[position] == byte else { return false }
      index += 1
      position += 1
      continue
    }
    guard let (scalar, length) = unescaped(bytes, index..<range.upperBound) else { return false }
    index += length
    guard let encoded = UTF8.encode(scalar) else { return false }
    for unit in encoded {
      guard position < count, meaning[position] == unit else { return false }
      position += 1
    }
  }
  return position == count
}

/// The character that the escape at the start of the range stands for, and the length of the escape; nil if it is none.
func unescaped(_ bytes: UnsafePointer<UInt8>, _ range: Range<Int>) -> (Unicode.Scalar, length: Int)? {
  let start = range.lowerBound
  guard start + 1 < range.upperBound else { return nil }
  switch bytes[start + 1] {
  case ASCII.quote: return ("\"", 2)
  case ASCII.backslash: return ("\\", 2)
  case ASCII.slash: return ("/", 2)
  case UInt8(ascii: "b"): return ("\u{8}", 2)
  case UInt8(ascii: "f"): return ("\u{c}", 2)
  case UInt8(ascii: "n"): return ("\n", 2)
  case UInt8(ascii: "r"): return ("\r", 2)
  case UInt8(ascii: "t"): return ("\t", 2)
  default:
    guard let unit = codeUnit(bytes, at: start, count: range.upperBound) else { return nil }
    if let scalar = Unicode.Scalar(unit) { return (scalar, 6) }
    guard let low = codeUnit(bytes, at: start + 6, count: range.upperBound), unit < 0xdc00, low >= 0xdc00, low < 0xe000 else { return nil }
    return Unicode.Scalar(0x10000 + (unit - 0xd800) << 10 + (low - 0xdc00)).map { ($0, 12) }
  }
}
