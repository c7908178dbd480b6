import CPlatform

/// Zeroed, 64-byte-aligned memory of fixed size whose failure is an error, not a trap.
///
/// The memory goes with the object: keep the object in a variable as long as pointer or bytes are in use. A temporary, as in
/// `make().bytes`, is gone before the bytes are read.
package final class Buffer<Element: BitwiseCopyable> {
  package let count: Int
  package let pointer: UnsafeMutablePointer<Element>

  private init(_ memory: UnsafeMutableRawPointer, count: Int) {
    self.count = count
    pointer = memory.bindMemory(to: Element.self, capacity: count)
  }

  /// A count of 0 is allowed; the pointer is then valid too, but nothing stands behind it. Out of line for size: buffers are made in rows.
  @inline(never) package convenience init(count: Int) throws(RillError) {
    // A convenience initializer: if a designated one throws, Embedded Swift leaks the object.
    guard let bytes = product(count, MemoryLayout<Element>.stride) else { throw .memory }
    guard let memory = rill__allocate(max(bytes, 1)) else { throw .memory }
    self.init(memory, count: count)
  }

  /// Of a × b × c elements.
  package convenience init(_ a: Int, _ b: Int, _ c: Int = 1) throws(RillError) {
    guard let count = product(a, b, c) else { throw .memory }
    try self.init(count: count)
  }

  deinit { rill__free(pointer) }

  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: pointer, count: count * MemoryLayout<Element>.stride) }
}
