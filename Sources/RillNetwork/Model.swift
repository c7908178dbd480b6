import CVector
import RillBase
import Synchronization

/// Parameters packed for the kernels at one moment, immutable. Streams that compute from it are counted in `pins`.
package final class Snapshot {
  package let packed: Buffer<Float>
  let pins = Atomic<Int>(0)

  init(_ packed: Buffer<Float>) { self.packed = packed }

  convenience init(count: Int) throws(RillError) { self.init(try Buffer(count: count)) }
}

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
    snapshots.append(next)
    current.store(UnsafeRawPointer(Unmanaged.passUnretained(next).toOpaque()), ordering: .sequentiallyConsistent)
    // A stream that read the old address before the store has announced itself in `entering` until its pin counts. If one is under way, old
    // snapshots stay until the next publish.
    guard entering.load(ordering: .sequentiallyConsistent) == 0 else { return }
    snapshots.removeAll { $0 !== next && $0.pins.load(ordering: .sequentiallyConsistent) == 0 }
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
