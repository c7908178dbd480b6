import CPlatform

/// Why a call failed: a status code of the C interface, and one line that names the parameter, shape or JSON path at fault.
package struct RillError: Error {
  /// The raw values are those of rill.h.
  package enum Kind: Int32 {
    case argument = -1
    case state = -2
    case format = -3
    case io = -4
    case memory = -5
    case unsupported = -6
    case diverged = -7
    case internalDefect = -8
  }

  package let kind: Kind
  package let message: String

  package init(_ kind: Kind, _ message: Text) {
    self.kind = kind
    self.message = message.string
  }

  static package func argument(_ message: Text) -> RillError { RillError(.argument, message) }
  /// Of a message at hand; literals are Text.
  static package func state(_ message: Text) -> RillError { RillError(.state, message) }
  static package func format(_ message: Text) -> RillError { RillError(.format, message) }
  static package func io(_ message: Text) -> RillError { RillError(.io, message) }
  static package func unsupported(_ message: Text) -> RillError { RillError(.unsupported, message) }
  static package func diverged(_ message: Text) -> RillError { RillError(.diverged, message) }
  static package func internalDefect(_ message: Text) -> RillError { RillError(.internalDefect, message) }

  /// The message is a literal: forming one would allocate, and trap, when memory is out.
  static package var memory: RillError { RillError(.memory, "could not allocate memory") }

  /// An errno value about a file: "model.json: No such file or directory".
  static package func io(_ path: UnsafePointer<CChar>, errno: Int32) -> RillError {
    let capacity = 128
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { buffer in
      rill__errno_text(errno, buffer.baseAddress!, capacity)
      return .io("\(boundedText(path, maximumBytes: 256)): \(boundedText(buffer.baseAddress!, maximumBytes: capacity))")
    }
  }
}
