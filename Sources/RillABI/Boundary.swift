import CPlatform
import CRill
import RillBase
import RillJSON

// The conventions of the border, once: a handle is a retained object's address, a body that throws becomes a status and a message, and every pointer,
// count and value from C is checked before anything uses it.

/// Runs body; turns what it throws into a status code and this thread's message. Rounding does not depend on the host's mode in it; what computes with
/// denormals flushed enters that mode by itself.
@inline(always)
func status(_ body: () throws(RillError) -> Void) -> rill_status {
  let mode = rill__enter_exact_float_mode()
  defer { rill__leave_exact_float_mode(mode) }
  do throws(RillError) {
    try body()
    return rill_status(RILL_OK)
  } catch {
    return fail(error)
  }
}

func fail(_ error: RillError) -> rill_status { rill__fail() }

// MARK: handles

func retained(_ object: AnyObject) -> OpaquePointer { OpaquePointer(Unmanaged.passRetained(object).toOpaque()) }

/// The object behind a handle, or an error that names the parameter.
@inline(always)
func object<Object: AnyObject>(_ handle: OpaquePointer?, _ name: StaticString) throws(RillError) -> Object {
  guard let handle else { throw null(name) }
  return Unmanaged<Object>.fromOpaque(UnsafeRawPointer(handle)).takeUnretainedValue()
}

func release<Object: AnyObject>(_ handle: OpaquePointer?, _: Object.Type) {
  if let handle { Unmanaged<Object>.fromOpaque(UnsafeRawPointer(handle)).release() }
}

// MARK: pointers and counts

/// Out of line, so that the paths that work stay short.
@inline(never)
func null(_ name: StaticString) -> RillError { .argument("\(name) is NULL") }

@inline(always)
func required<Pointer>(_ pointer: Pointer?, _ name: StaticString) throws(RillError) -> Pointer {
  guard let pointer else { throw null(name) }
  return pointer
}

/// A count from C against what the shape says. A count beyond Int.max arrives negative.
func check(_ count: Int, _ expected: Int, _ name: StaticString) throws(RillError) {
  guard count == expected else { throw .argument("\(name): is \(UInt(bitPattern: count)), but must be \(expected)") }
}

/// A size from C in a range.
func check(_ value: Int, in range: ClosedRange<Int>, _ name: StaticString) throws(RillError) {
  guard range.contains(value) else {
    throw .argument("\(name): is \(UInt(bitPattern: value)), but must be in \(range.lowerBound) ... \(range.upperBound)")
  }
}

func checkFinite(_ values: UnsafePointer<Float>, _ count: Int, _ name: StaticString) throws(RillError) {
  for i in 0..<count where !values[i].isFinite { throw .argument("\(name)[\(i)]: is not finite") }
}

func checkRange(_ values: UnsafePointer<Int32>, _ count: Int, _ range: ClosedRange<Int>, _ name: StaticString) throws(RillError) {
  for i in 0..<count where !range.contains(Int(values[i])) {
    throw .argument("\(name)[\(i)]: is \(values[i]), but must be in \(range.lowerBound) ... \(range.upperBound)")
  }
}

// MARK: text

/// A literal's bytes, which are NUL-terminated and live as long as the library.
func cString(_ text: StaticString) -> UnsafePointer<CChar> { Text.cString(text) }

/// A NUL-terminated text's bytes.
func bytes(_ text: UnsafePointer<CChar>) -> UnsafeRawBufferPointer {
  UnsafeRawBufferPointer(start: text, count: rill__text_length(text))
}

/// Options as a JSON object; NULL is {}.
func parseOptions(_ text: UnsafePointer<CChar>?) throws(RillError) -> JSONValue {
  let empty: StaticString = "{}"
  let given = text.map { bytes($0) } ?? UnsafeRawBufferPointer(start: empty.utf8Start, count: empty.utf8CodeUnitCount)
  do throws(RillError) {
    return try JSONDocument(parsing: given).root(named: "options")
  } catch {
    throw RillError(error.kind, "options: \(error.text)")
  }
}

/// For calls whose options have no keys yet.
func checkNoOptions(_ text: UnsafePointer<CChar>?) throws(RillError) {
  guard text != nil else { return }
  try parseOptions(text).requireObject(keys: "")
}

/// The two-call pattern for text: always the length; the bytes if they fit, with a NUL behind.
func give(
  _ text: UnsafeRawBufferPointer, _ buffer: UnsafeMutableRawPointer?, _ capacity: Int, _ length: UnsafeMutablePointer<Int>
) throws(RillError) {
  length.pointee = text.count
  guard try wantsBytes(text.count, isText: true, buffer, capacity), let buffer else { return }
  if let base = text.baseAddress { buffer.copyMemory(from: base, byteCount: text.count) }
  buffer.storeBytes(of: 0, toByteOffset: text.count, as: UInt8.self)
}

func give(
  _ text: Buffer<UInt8>, _ buffer: UnsafeMutableRawPointer?, _ capacity: Int, _ length: UnsafeMutablePointer<Int>
) throws(RillError) {
  // A pointer does not keep its owner alive.
  defer { withExtendedLifetime(text) {} }
  try give(text.bytes, buffer, capacity, length)
}

/// Whether the caller asked for the bytes; an error if they do not fit. Its messages are literals.
func wantsBytes(_ count: Int, isText: Bool, _ buffer: UnsafeMutableRawPointer?, _ capacity: Int) throws(RillError) -> Bool {
  if buffer == nil, capacity == 0 { return false }
  guard buffer != nil else { throw .argument("buffer is NULL, but capacity is not 0") }
  // Compared as unsigned: a capacity beyond Int.max holds everything.
  guard UInt(bitPattern: capacity) >= UInt(count + (isText ? 1 : 0)) else {
    throw .argument("capacity: the buffer is too small for the result")
  }
  return true
}
