import CVector
import RillBase
import Synchronization

/// A network with parameters. The parameters have one user at a time; snapshots of them are read by any number of threads.
package final class Model {
  package let network: Network
  /// The flat array of parameters, in the layout of `network.parameters`. Only for whoever holds `access`.
  package let values: Buffer<Float>
  package let access = Access()

  /// The newest snapshot's address. Streams take it without a lock; `entering` tells publishers that one is about to.
  private let current: Atomic<UnsafeRawPointer>
  private let entering = Atomic<Int>(0)
  /// Keeps snapshots alive: the current one and those that a stream may still use. Changed only under `access`.
  private var snapshots: [Snapshot]
  package var snapshotCount: Int { snapshots.count }
  /// Precisions (bits 1 << raw value) that streams were made with: every snapshot has its weights in these too.
  private let precisions = Atomic<Int>(0)

  /// A model with random parameters, or without a seed with zeros, for a file's to be read over them.
  package convenience init(_ network: Network, seed: UInt64?) throws(RillError) {
    let values = try Buffer<Float>(count: network.valueCount)
    for (index, parameter) in network.parameters.enumerated() {
      guard let seed else { break }
      parameter.initial.fill(values.pointer + parameter.offset, count: parameter.count, seed: seed, index: index)
    }
    let first = try Snapshot(count: network.packedCount)
    network.pack(values.pointer, first.packed.pointer)
    self.init(network, values, first)
  }

  private init(_ network: Network, _ values: Buffer<Float>, _ first: Snapshot) {
    self.network = network
    self.values = values
    snapshots = [first]
    current = Atomic(UnsafeRawPointer(Unmanaged.passUnretained(first).toOpaque()))
  }

  /// Packs `values` again, after a file's parameters were read and before anything else knows the model.
  package func publishFirst() {
    let first = snapshots[0].packed
    first.pointer.clear(first.count)
    network.pack(values.pointer, first.pointer)
  }

  /// Packs the current parameters into a new snapshot. The caller holds `access`.
  package func publish() throws(RillError) {
    guard network.kernels.table.all_finite(values.pointer, values.count) != 0 else {
      throw .diverged("a parameter is not finite, so nothing was published")
    }
    let next = try Snapshot(count: network.packedCount)
    network.pack(values.pointer, next.packed.pointer)
    try shrink(next)
    snapshots.append(next)
    current.store(UnsafeRawPointer(Unmanaged.passUnretained(next).toOpaque()), ordering: .sequentiallyConsistent)
    // A stream of another precision may just have been made, on the older snapshot. It stays there, for want of memory, until the next publish.
    do throws(RillError) { try shrink(next) } catch {}
    // A stream that read the old address before the store has announced itself in `entering` until its pin counts. If one is under way, old
    // snapshots stay until the next publish.
    guard entering.load(ordering: .sequentiallyConsistent) == 0 else { return }
    snapshots.removeAll { $0 !== next && $0.pins.load(ordering: .sequentiallyConsistent) == 0 }
  }

  private func shrink(_ snapshot: Snapshot) throws(RillError) {
    let wanted = precisions.load(ordering: .sequentiallyConsistent)
    for precision in [Precision.bfloat16, .int8] where wanted & (1 << precision.rawValue) != 0 {
      try snapshot.shrink(network, precision)
    }
  }

  /// Pins the newest snapshot, with its weights in that precision. May allocate.
  package func pinNewest(_ precision: Precision) throws(RillError) -> Unmanaged<Snapshot> {
    // Announced first: a publish from now on makes these weights, and an earlier one is what is pinned here.
    precisions.bitwiseOr(1 << precision.rawValue, ordering: .sequentiallyConsistent)
    let newest = pinNewest()
    do throws(RillError) {
      try newest.takeUnretainedValue().shrink(network, precision)
    } catch {
      unpin(newest)
      throw error
    }
    return newest
  }

  /// Pins the newest snapshot. Wait-free, allocates nothing.
  package func pinNewest() -> Unmanaged<Snapshot> {
    entering.add(1, ordering: .sequentiallyConsistent)
    let newest = Unmanaged<Snapshot>.fromOpaque(current.load(ordering: .sequentiallyConsistent))
    _ = newest._withUnsafeGuaranteedRef { $0.pins.add(1, ordering: .sequentiallyConsistent) }
    entering.subtract(1, ordering: .sequentiallyConsistent)
    return newest
  }

  package func unpin(_ snapshot: Unmanaged<Snapshot>) {
    _ = snapshot._withUnsafeGuaranteedRef { $0.pins.subtract(1, ordering: .sequentiallyConsistent) }
  }

  /// True if `snapshot` is the newest.
  func isNewest(_ snapshot: Unmanaged<Snapshot>) -> Bool {
    UnsafeRawPointer(snapshot.toOpaque()) == current.load(ordering: .acquiring)
  }
}

/// Lets one thread at a time at a model's parameters, and tells the others instead of making them wait.
package final class Access {
  private let isTaken = Atomic<Bool>(false)

  package func take() throws(RillError) {
    guard isTaken.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged else {
      throw .state("the model's parameters are in use by another thread")
    }
  }

  package func release() { isTaken.store(false, ordering: .releasing) }
}
