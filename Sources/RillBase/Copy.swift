import CPlatform

// Pointer's own update(from:count:) and update(repeating:count:) become a call per element when a module is optimized for size.

extension UnsafeMutablePointer where Pointee: BitwiseCopyable {
  /// Copies `count` elements; the regions may overlap.
  @inline(always) package func copy(_ source: UnsafePointer<Pointee>, _ count: Int) {
    rill__copy(self, source, count &* MemoryLayout<Pointee>.stride)
  }

  /// Sets `count` elements to all-zero bits.
  @inline(always) package func clear(_ count: Int) { rill__clear(self, count &* MemoryLayout<Pointee>.stride) }
}
