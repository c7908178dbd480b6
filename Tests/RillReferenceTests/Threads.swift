import Foundation
import Synchronization

/// Runs work on this thread and each of others on one of its own; they may ask whether work still goes on. Throws the first error of any.
func together(_ work: () throws -> Void, while others: (@Sendable (_ isRunning: () -> Bool) throws -> Void)...) throws {
  try together(work, while: others)
}

func together(_ work: () throws -> Void, while others: [@Sendable (_ isRunning: () -> Bool) throws -> Void]) throws {
  let shared = Shared()
  let started = DispatchSemaphore(value: 0)
  let ended = DispatchSemaphore(value: 0)
  for other in others {
    Thread.detachNewThread {
      started.signal()
      do {
        try other { shared.isRunning.load(ordering: .relaxed) }
      } catch {
        shared.failure.withLock { $0 = $0 ?? error }
      }
      ended.signal()
    }
  }
  for _ in others { started.wait() }
  let result = Result { try work() }
  shared.isRunning.store(false, ordering: .relaxed)
  for _ in others { ended.wait() }
  try result.get()
  if let error = shared.failure.withLock({ $0 }) { throw error }
}

private final class Shared: Sendable {
  /// Relaxed, so that it orders nothing: what the library leaves unordered must stay so for ThreadSanitizer.
  let isRunning = Atomic(true)
  let failure = Mutex<(any Error)?>(nil)
}
