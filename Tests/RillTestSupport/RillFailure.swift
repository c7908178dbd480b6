import CRill

/// A failed call, with the library's message.
public struct RillFailure: Error, CustomStringConvertible {
  public let status: rill_status
  public let message: String

  public var description: String { "\(String(cString: rill_status_name(status))): \(message)" }
}

public func check(_ status: rill_status) throws {
  guard status == rill_status(RILL_OK) else {
    throw RillFailure(status: status, message: String(cString: rill_last_error_message()))
  }
}

typealias TwoCall = (_ buffer: UnsafeMutableRawPointer?, _ capacity: Int, _ length: UnsafeMutablePointer<Int>) -> rill_status

/// The two-call pattern: length first, then the bytes into exactly the room that they need; terminator: 1 for the NUL of text.
func bytes(terminator: Int, _ call: TwoCall) throws -> [UInt8] {
  var length = 0
  try check(call(nil, 0, &length))
  var result = [UInt8](repeating: 0xFF, count: length + terminator)
  try result.withUnsafeMutableBytes { try check(call($0.baseAddress, $0.count, &length)) }
  return Array(result.prefix(length))
}

func textBytes(_ call: (UnsafeMutablePointer<CChar>?, Int, UnsafeMutablePointer<Int>) -> rill_status) throws -> [UInt8] {
  try bytes(terminator: 1) { call($0?.assumingMemoryBound(to: CChar.self), $1, $2) }
}

/// What output arrays hold before a call: a value that no call writes, so that an element left out shows.
func unwritten(_ count: Int) -> [Float] {
  [Float](repeating: .nan, count: count)
}

extension Optional where Wrapped == String {
  /// The text as a C string, or NULL.
  func withOptionalCString<Result>(_ body: (UnsafePointer<CChar>?) throws -> Result) rethrows -> Result {
    guard let self else { return try body(nil) }
    return try self.withCString(body)
  }
}
