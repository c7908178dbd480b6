import CJSON
import RillBase

// Lists of numbers go straight into memory that the caller has allocated: they are as large as a file wants them to be. After an error the
// memory holds a part of them.

extension JSONValue {
  /// A list of count numbers, each rounded to float32, or {"base64": "…"} of as many little-endian float32.
  package func floats(into destination: UnsafeMutablePointer<Float>, count: Int) throws(RillError) {
    if isObject {
      try base64(into: destination, count: count)
    } else if isArray {
      try requireCount(count, of: "numbers")
      try withExactFloatMode { () throws(RillError) in
        for i in 0..<count {
          let element = json_object_array_get_idx(node, i)
          let type = json_object_get_type(element)
          guard type == json_type_double || type == json_type_int else { throw self.element(i).fault("expected a number") }
          destination[i] = Float(type == json_type_double ? json_object_get_double(element) : Double(json_object_get_int64(element)))
          if !destination[i].isFinite { throw self.element(i).fault("expected a number within float32") }
        }
      }
    } else {
      throw fault("expected a list of \(count) numbers or an object with base64")
    }
  }

  /// Base64 text of up to `maximum` bytes.
  package func bytes(maximum: Int) throws(RillError) -> Buffer<UInt8> {
    let text = try textBytes()
    var count = text.count / 4 * 3
    for place in text.indices.suffix(2) where text[place] == UInt8(ascii: "=") { count -= 1 }
    guard count >= 0, count <= maximum else { throw fault("expected base64 of at most \(maximum) bytes") }
    let bytes = try Buffer<UInt8>(count: count)
    guard Base64.decode(text, into: UnsafeMutableRawBufferPointer(start: bytes.pointer, count: count)) else {
      throw fault("expected base64")
    }
    return bytes
  }

  /// A list of count integers.
  package func integers(into destination: UnsafeMutablePointer<Int32>, count: Int, _ range: ClosedRange<Int>) throws(RillError) {
    guard isArray else { throw fault("expected a list of \(count) integers") }
    try requireCount(count, of: "integers")
    for i in 0..<count {
      let element = json_object_array_get_idx(node, i)
      guard json_object_get_type(element) == json_type_int,
        let value = Int32(exactly: json_object_get_int64(element)), range.contains(Int(value))
      else {
        throw self.element(i).fault("expected an integer from \(range.lowerBound) to \(range.upperBound)")
      }
      destination[i] = value
    }
  }

  private func requireCount(_ count: Int, of things: StaticString) throws(RillError) {
    let found = json_object_array_length(node)
    if found != count { throw fault("expected \(count) \(things), found \(found)") }
  }

  private func base64(into destination: UnsafeMutablePointer<Float>, count: Int) throws(RillError) {
    try requireObject(keys: "base64")
    let data = try required("base64")
    let text = try data.textBytes()
    guard let size = product(count, 4) else { throw .memory }
    let bytes = UnsafeMutableRawBufferPointer(start: destination, count: size)
    guard Base64.decode(text, into: bytes) else { throw data.fault("expected base64 of \(count) float32 values, \(size) bytes") }
    for i in 0..<count {
      destination[i] = Float(bitPattern: UInt32(littleEndian: destination[i].bitPattern))
      if !destination[i].isFinite { throw data.fault("value \(i) is not finite") }
    }
  }
}
