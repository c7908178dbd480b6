import CPlatform

/// Zeroed, 64-byte-aligned memory of fixed size whose failure is an error, not a trap.
///
/// The memory goes with the object: keep the object in a variable as long as pointer or bytes are in use. A temporary, as in
/// `make().bytes`, is gone before the bytes are read.
package final class Buffer<Element: BitwiseCopyable> {
  package let count: Int
  package let pointer: UnsafeMutablePointer<Element>

  /// A count of 0 is allowed; the pointer is then valid too, but nothing stands behind it.
  package init(count: Int) throws(RillError) {
    guard let bytes = product(count, MemoryLayout<Element>.stride) else { throw .memory(bytes: Int.max) }
    guard let memory = rill__allocate(max(bytes, 1)) else { throw .memory(bytes: bytes) }
    self.count = count
    pointer = memory.bindMemory(to: Element.self, capacity: count)
  }

  deinit { rill__free(pointer) }

  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: pointer, count: count * MemoryLayout<Element>.stride) }
}
