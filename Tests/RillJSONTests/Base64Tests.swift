import Testing

@testable import RillJSON

@Suite struct Base64Tests {
  func encode(_ bytes: [UInt8]) -> String? {
    guard let length = Base64.encodedLength(of: bytes.count) else { return nil }
    return String(unsafeUninitializedCapacity: length) { text in
      bytes.withUnsafeBytes { Base64.encode($0, into: text.baseAddress!) }
      return length
    }
  }

  func decode(_ text: String, count: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0xaa, count: count)
    var text = text
    let isSound = text.withUTF8 { text in
      bytes.withUnsafeMutableBytes { Base64.decode(UnsafeRawBufferPointer(text), into: $0) }
    }
    return isSound ? bytes : nil
  }

  /// RFC 4648, section 10.
  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
  ])
  func vectorsOfTheStandardAreMet(plain: String, encoded: String) {
    #expect(encode(Array(plain.utf8)) == encoded)
    #expect(decode(encoded, count: plain.utf8.count) == Array(plain.utf8))
  }

  @Test func everyByteAndLetterRoundTrips() {
    let bytes = (0..<256).map { UInt8($0) } + (0..<256).map { UInt8(truncatingIfNeeded: $0 &* 167) }
    for count in [0, 1, 2, 3, 255, 256, 510, 511, 512] {
      let part = Array(bytes[..<count])
      #expect(encode(part).flatMap { decode($0, count: count) } == part)
    }
    #expect(encode([0xfb, 0xff, 0xbf]) == "+/+/")  // RFC 4648, table 1: 62 is +, 63 is /
  }

  @Test(arguments: ["Zg=", "Zg", "Zg==\n", " Zg==", "Zg==Zg==", "Z===", "====", "Zg=A", "Z!==", "Zm8=", "Zm9v", "Zh==", "Z\u{0}=="])
  func otherTextsOfOneByteAreRefused(text: String) {
    #expect(decode(text, count: 1) == nil)
  }

  @Test func bitsBehindTheLastByteMustBeZero() {
    #expect(decode("Zm8=", count: 2) == Array("fo".utf8))
    #expect(decode("Zm9=", count: 2) == nil)
    #expect(decode("Zm8A", count: 2) == nil)
  }

  @Test func lengthsThatOverflowAreNil() {
    #expect(Base64.encodedLength(of: Int.max) == nil)
    #expect(Base64.encodedLength(of: 3 * (Int.max / 4)) == 4 * (Int.max / 4))
  }
}
