import RillBase
import Synchronization

/// Parameters packed for the kernels at one moment, immutable. Streams that compute from it are counted in `pins`.
package final class Snapshot {
  package let packed: Buffer<Float>
  let pins = Atomic<Int>(0)
  /// The same with smaller weights, made when a stream first asks for them: retained buffers.
  private let halves = Atomic<UnsafeRawPointer?>(nil)
  private let quarters = Atomic<UnsafeRawPointer?>(nil)

  init(_ packed: Buffer<Float>) { self.packed = packed }

  convenience init(count: Int) throws(RillError) { self.init(try Buffer(count: count)) }

  deinit {
    for place in [halves.load(ordering: .acquiring), quarters.load(ordering: .acquiring)] {
      if let place { Unmanaged<Buffer<Float>>.fromOpaque(place).release() }
    }
  }

  /// The packed parameters in a precision, nil if nobody made them.
  func weights(_ precision: Precision) -> UnsafePointer<Float>? {
    let place: UnsafeRawPointer?
    switch precision {
    case .float32: return UnsafePointer(packed.pointer)
    case .bfloat16: place = halves.load(ordering: .acquiring)
    case .int8: place = quarters.load(ordering: .acquiring)
    }
    guard let place else { return nil }
    return Unmanaged<Buffer<Float>>.fromOpaque(place)._withUnsafeGuaranteedRef { UnsafePointer($0.pointer) }
  }

  /// Makes them if nobody did. Any thread.
  func shrink(_ network: Network, _ precision: Precision) throws(RillError) {
    guard weights(precision) == nil else { return }
    let offsets = network.packedOffsets(precision)
    let buffer = try Buffer<Float>(count: offsets[offsets.count - 1])
    network.shrink(packed.pointer, precision, buffer.pointer)
    let made = Unmanaged.passRetained(buffer)
    let isFirst =
      precision == .bfloat16
      ? halves.compareExchange(expected: nil, desired: UnsafeRawPointer(made.toOpaque()), ordering: .acquiringAndReleasing).exchanged
      : quarters.compareExchange(expected: nil, desired: UnsafeRawPointer(made.toOpaque()), ordering: .acquiringAndReleasing).exchanged
    if !isFirst { made.release() }
  }
}
