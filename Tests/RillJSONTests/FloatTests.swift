import CPlatform
import Foundation
import RillBase
import RillJSON
import Testing

@Suite struct FloatTests {
  /// Zeros, the subnormals' and normals' first and last, neighbors of powers of two and ten, integers that float32 cannot hold, and
  /// 7.038531e-26, whose shortest decimal rounds to its neighbor when it is read as a double first.
  static let edges: [Float] =
    [
      0, -0.0, 1, -1, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .leastNormalMagnitude, .leastNormalMagnitude.nextDown,
      .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .greatestFiniteMagnitude.nextDown, 0.1, 0.3, .pi, 1e10, 1e-10, 1e7, 9_999_999,
      16_777_215, 16_777_216, 16_777_218, 33_554_436, 8_388_608.5, 5e-5, Float(bitPattern: 0x15ae_43fd), Float(1).nextUp, Float(1).nextDown,
    ] + (-149...127).map { Float(sign: .plus, exponent: $0, significand: 1) }

  static func random(_ count: Int) -> [Float] {
    var generator = Generator(state: 7)
    var values: [Float] = []
    while values.count < count {
      let value = Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &generator))
      if value.isFinite { values.append(value) }
    }
    return values
  }

  func roundTrip(_ values: [Float], _ encode: (UnsafePointer<Float>, Int) throws(RillError) -> JSONNode) throws -> [Float] {
    let text = try encode(values, values.count).serialized()
    let back = try Buffer<Float>(count: values.count)
    try JSONDocument(parsing: text.bytes).root.floats(into: back.pointer, count: values.count)
    return Array(UnsafeBufferPointer(start: back.pointer, count: values.count))
  }

  @Test func bothEncodingsKeepEveryBit() throws {
    let values = Self.edges + Self.random(30_000)
    let bits = values.map(\.bitPattern)
    let decimals = try roundTrip(values) { (p, n) throws(RillError) in try JSONNode.floats(p, count: n) }
    let base64 = try roundTrip(values) { (p, n) throws(RillError) in try JSONNode.base64(p, count: n) }
    #expect(decimals.map(\.bitPattern) == bits)
    #expect(base64.map(\.bitPattern) == bits)
  }

  @Test func singleNumbersKeepEveryBit() throws {
    for value in Self.edges + Self.random(500) {
      let text = try JSONNode.number(value).serialized()
      #expect(try JSONDocument(parsing: text.bytes).root.float().bitPattern == value.bitPattern)
    }
    var generator = Generator(state: 3)
    for _ in 0..<500 {
      let value = Double(bitPattern: generator.next())
      guard value.isFinite else { continue }
      let text = try JSONNode.number(value).serialized()
      let back = try JSONDocument(parsing: text.bytes).root.number(-Double.infinity...Double.infinity)
      #expect(back.bitPattern == value.bitPattern)
    }
  }

  @Test func listsOfEveryLengthAroundTheGroupsOfBase64RoundTrip() throws {
    for count in 0...9 {
      let values = Array(Self.random(9)[..<count])
      let bits = values.map(\.bitPattern)
      #expect(try roundTrip(values) { (p, n) throws(RillError) in try JSONNode.floats(p, count: n) }.map(\.bitPattern) == bits)
      #expect(try roundTrip(values) { (p, n) throws(RillError) in try JSONNode.base64(p, count: n) }.map(\.bitPattern) == bits)
    }
  }

  /// The oracle is printf: the fewest digits that the C library's strtof reads back to the same bits.
  @Test func decimalsAreTheShortest() throws {
    for value in Self.random(2000) + [0.1, 0.3, 1e10, 16_777_216, .leastNonzeroMagnitude] {
      let digits = try #require((1...9).first { strtof(String(format: "%.*e", $0 - 1, Double(value)), nil).bitPattern == value.bitPattern })
      let text = string(try JSONNode.number(value).serialized())
      let mantissa = text.split(separator: "e")[0].filter(\.isNumber)
      let significant = String(mantissa.drop { $0 == "0" }.reversed().drop { $0 == "0" })
      #expect(significant.count <= digits, "\(text)")
    }
  }

  @Test func aDecimalThatRoundsTwiceIsGivenMoreDigits() throws {
    let value = Float(bitPattern: 0x15ae_43fd)
    #expect(Float(strtod(value.description, nil)) != value)  // or the test would show nothing
    let text = string(try JSONNode.number(value).serialized())
    #expect(Float(strtod(text, nil)) == value)
  }

  @Test func decimalsReadAsFloat64AndThenFloat32() throws {
    let values = try Buffer<Float>(count: 5)
    try document("[16777217, 0.1, 1e-46, -0.0, 3.4028235677973362e38]").root.floats(into: values.pointer, count: 5)
    #expect(values.pointer[0] == 16_777_216)
    #expect(values.pointer[1].bitPattern == 0x3dcc_cccd)
    #expect(values.pointer[2] == 0)
    #expect(values.pointer[3].bitPattern == 0x8000_0000)
    #expect(values.pointer[4] == .greatestFiniteMagnitude)
  }

  @Test func base64IsLittleEndian() throws {
    let values = try Buffer<Float>(count: 2)
    // 1 is 00 00 80 3f and 0.1 is cd cc cc 3d; python3 -c "import base64, struct; print(base64.b64encode(struct.pack('<2f', 1, 0.1)))"
    try document(#"{"base64": "AACAP83MzD0="}"#).root.floats(into: values.pointer, count: 2)
    #expect(values.pointer[0] == 1)
    #expect(values.pointer[1] == 0.1)
    #expect(string(try JSONNode.base64(values.pointer, count: 2).serialized()) == "{\"base64\": \"AACAP83MzD0=\"}\n")
  }

  @Test(arguments: [
    ("[1]", "data: expected 2 numbers, found 1"),
    ("[1, 2, 3]", "data: expected 2 numbers, found 3"),
    ("[1, \"2\"]", "data[1]: expected a number"),
    ("[null, 2]", "data[0]: expected a number"),
    ("[1, [2]]", "data[1]: expected a number"),
    ("[1, 1e39]", "data[1]: expected a number within float32"),
    ("5", "data: expected a list of 2 numbers or an object with base64"),
    ("{}", "data.base64: missing"),
    ("{\"base64\": 5}", "data.base64: expected text"),
    ("{\"base64\": \"AACAPw==\", \"x\": 1}", "data.x: unknown key"),
    ("{\"base64\": \"\"}", "data.base64: expected base64 of 2 float32 values, 8 bytes"),
    ("{\"base64\": \"AACAPw==\"}", "data.base64: expected base64 of 2 float32 values, 8 bytes"),
    ("{\"base64\": \"AACAP83MzD0\"}", "data.base64: expected base64 of 2 float32 values, 8 bytes"),
    ("{\"base64\": \"AACAP83MzD0A\"}", "data.base64: expected base64 of 2 float32 values, 8 bytes"),
    ("{\"base64\": \"AACAP83M-D0=\"}", "data.base64: expected base64 of 2 float32 values, 8 bytes"),
    ("{\"base64\": \"AAAAAAAAgH8=\"}", "data.base64: value 1 is not finite"),
    ("{\"base64\": \"AADAfwAAAAA=\"}", "data.base64: value 0 is not finite"),
  ])
  func brokenListsOfFloatsAreRefused(text: String, message: String) throws {
    let values = try Buffer<Float>(count: 2)
    let data = try document("{\"data\": \(text)}").root.required("data")
    let error = failure { () throws(RillError) in try data.floats(into: values.pointer, count: 2) }
    #expect(error?.kind == .format)
    #expect(error?.message == message)
  }

  @Test func hugeCountsAreErrorsAndNotTraps() throws {
    let values = try Buffer<Float>(count: 1)
    let root = try document(#"{"base64": ""}"#).root
    #expect(failure { () throws(RillError) in try root.floats(into: values.pointer, count: Int.max) }?.kind == .memory)
    #expect(failure { () throws(RillError) in try root.floats(into: values.pointer, count: Int.max / 4) }?.kind == .format)
    #expect(failure { () throws(RillError) in _ = try JSONNode.base64(values.pointer, count: Int.max) }?.kind == .memory)
  }

  /// A host may round upward, flush denormals, or both.
  @Test func theHostsFloatModeDoesNotMatter() throws {
    let values: [Float] = [0.1, -0.1, .leastNonzeroMagnitude, -.leastNormalMagnitude.nextDown, 1.0000001, 16_777_216]
    let before = rill__enter_float_mode()
    defer { rill__leave_float_mode(before) }
    for direction in [toNearest] + otherDirections {
      #expect(fesetround(direction) == 0)
      let mode = rill__read_float_mode()
      let decimals = try roundTrip(values) { (p, n) throws(RillError) in try JSONNode.floats(p, count: n) }
      let single = try document("[1e-45, 0.1, 16777217]").root
      let singles = [try single.element(0).float(), try single.element(1).float(), try single.element(2).float()]
      let after = rill__read_float_mode()
      fesetround(toNearest)
      #expect(decimals.map(\.bitPattern) == values.map(\.bitPattern))
      #expect(singles.map(\.bitPattern) == [1, 0x3dcc_cccd, 0x4b80_0000])
      #expect(mode & ~0x3f == after & ~0x3f)
    }
  }
}
