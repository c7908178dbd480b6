import CPlatform

/// Why a call failed: a status code of the C interface, and one line that names the parameter, shape or JSON path at fault.
///
/// The error itself is empty, and both stand in the calling thread's memory from when it is made, as errno does. So it costs nothing on the many ways out
/// that it takes, allocates nothing for a literal, and is to be asked before the thread makes another.
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

  package init(_ kind: Kind, _ text: Text) { text.withCString { rill__set_failure(kind.rawValue, $0) } }
  private init() {}

  package var kind: Kind { Kind(rawValue: rill__failure_kind()) ?? .internalDefect }
  package var text: Text { boundedText(rill__failure_text(), maximumBytes: 512) }

  /// For tests and debuggers.
  package var message: String { text.description }

  @inline(never) static package func argument(_ message: Text) -> RillError { RillError(.argument, message) }
  @inline(never) static package func state(_ message: Text) -> RillError { RillError(.state, message) }
  @inline(never) static package func format(_ message: Text) -> RillError { RillError(.format, message) }
  @inline(never) static package func io(_ message: Text) -> RillError { RillError(.io, message) }
  @inline(never) static package func unsupported(_ message: Text) -> RillError { RillError(.unsupported, message) }
  @inline(never) static package func diverged(_ message: Text) -> RillError { RillError(.diverged, message) }
  @inline(never) static package func internalDefect(_ message: Text) -> RillError { RillError(.internalDefect, message) }

  /// Leaves the thread's error text alone until a call fails with it: some go on without the memory.
  @inline(never) static package var memory: RillError {
    rill__set_failure(Kind.memory.rawValue, nil)
    return RillError()
  }

  /// An errno value about a file: "model.json: No such file or directory".
  static package func io(_ path: UnsafePointer<CChar>, errno: Int32) -> RillError {
    let capacity = 128
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { buffer in
      rill__errno_text(errno, buffer.baseAddress!, capacity)
      return .io("\(boundedText(path, maximumBytes: 256)): \(boundedText(buffer.baseAddress!, maximumBytes: capacity))")
    }
  }
}
