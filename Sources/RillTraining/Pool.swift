import CPlatform
import RillBase
import RillNetwork

/// The threads of a trainer. Work is divided in ways that do not change its results: sequences of a batch, blocks of a parameter, slices of all parameters.
final class Pool {
  let count: Int
  private let pool: OpaquePointer
  private let verdicts: Buffer<Bool>

  convenience init(threads: Int) throws(RillError) {
    let verdicts = try Buffer<Bool>(count: threads)
    guard let pool = rill__pool_create(threads) else { throw .memory }
    self.init(pool, threads, verdicts)
  }

  private init(_ pool: OpaquePointer, _ count: Int, _ verdicts: Buffer<Bool>) {
    self.pool = pool
    self.count = count
    self.verdicts = verdicts
  }

  deinit { rill__pool_destroy(pool) }

  /// Calls body for each part, all at the same time, in the floating-point mode of computation.
  func run(_ body: (Part) -> Void) {
    if count == 1 { return body(.whole) }
    withoutActuallyEscaping(body) { body in
      var work = Work(count: count, body: body)
      withUnsafeMutablePointer(to: &work) { work in
        rill__pool_run(
          pool,
          { context, index in
            let mode = rill__enter_float_mode()
            let work = context!.assumingMemoryBound(to: Work.self)
            work.pointee.body(Part(index, of: work.pointee.count))
            rill__leave_float_mode(mode)
          }, work)
      }
    }
  }

  /// Whether body says so for every part.
  func allSatisfy(_ body: (Part) -> Bool) -> Bool {
    run { verdicts.pointer[$0.index] = body($0) }
    return (0..<count).allSatisfy { verdicts.pointer[$0] }
  }

  private struct Work {
    let count: Int
    let body: (Part) -> Void
  }
}
