// Comparing text byte by byte: String's own == needs Unicode tables that an embedded build does not link.

package func sameBytes(_ a: String, _ b: String) -> Bool { a.utf8.elementsEqual(b.utf8) }

package func sameBytes(_ a: String, _ b: StaticString) -> Bool {
  a.utf8.elementsEqual(UnsafeBufferPointer(start: b.utf8Start, count: b.utf8CodeUnitCount))
}

/// Whether the NUL-terminated text a is b.
package func sameBytes(_ a: UnsafePointer<CChar>, _ b: String) -> Bool { same(a, b.utf8) }

package func sameBytes(_ a: UnsafePointer<CChar>, _ b: StaticString) -> Bool {
  same(a, UnsafeBufferPointer(start: b.utf8Start, count: b.utf8CodeUnitCount))
}

private func same(_ a: UnsafePointer<CChar>, _ b: some Sequence<UInt8>) -> Bool {
  var a = a
  for byte in b {
    // A NUL inside b must not lead behind the end of a.
    if a.pointee == 0 || UInt8(bitPattern: a.pointee) != byte { return false }
    a += 1
  }
  return a.pointee == 0
}

/// The NUL-terminated text, cut to maximumBytes so that its size is bounded; broken UTF-8 is repaired.
package func boundedText(_ bytes: UnsafePointer<CChar>, maximumBytes: Int) -> String {
  var count = 0
  while count <= maximumBytes, bytes[count] != 0 { count += 1 }
  return boundedText(UnsafeRawBufferPointer(start: bytes, count: count), maximumBytes: maximumBytes)
}

/// The same of counted bytes. A cut falls where a character begins, and is marked by "…".
package func boundedText(_ bytes: UnsafeRawBufferPointer, maximumBytes: Int) -> String {
  guard bytes.count > maximumBytes else { return String(decoding: bytes, as: UTF8.self) }
  var count = maximumBytes
  while count > 0, bytes[count] & 0xc0 == 0x80 { count -= 1 }
  return String(decoding: UnsafeRawBufferPointer(rebasing: bytes[..<count]), as: UTF8.self) + "…"
}
