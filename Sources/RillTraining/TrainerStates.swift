import RillBase
import RillNetwork

/// The states that lead through a batch of B sequences, and from one batch to the next.
final class TrainerStates {
  let rows: Int
  /// In which the last batch ended, or that the host has given.
  let carried: NetworkState
  /// 1 for lanes that begin the next batch with the model's initial state all the same, else 0. (Floats, as everything that checkpoints keep.)
  private let isFresh: Buffer<Float>
  /// Whether `carried` has been written.
  private(set) var hasCarried = false
  /// Whether the host has given a state, which holds for the next batch even if nothing is carried otherwise.
  private(set) var isGiven = false
  /// Where the segments of the window at hand begin, one after another; the first one is the window's start.
  private(set) var starts: NetworkState
  /// Where the next window begins, or the batch ends.
  let next: NetworkState
  /// Lanes whose window begins with the model's initial state, which has a gradient then.
  let isInitial: Buffer<Bool>

  convenience init(_ network: Network, rows: Int) throws(RillError) {
    self.init(
      rows, try NetworkState(network, rows: rows), try Buffer(count: rows), try NetworkState(network, rows: rows),
      try NetworkState(network, rows: rows), try Buffer(count: rows))
  }

  private init(
    _ rows: Int, _ carried: NetworkState, _ isFresh: Buffer<Float>, _ starts: NetworkState, _ next: NetworkState, _ isInitial: Buffer<Bool>
  ) {
    self.rows = rows
    self.carried = carried
    self.isFresh = isFresh
    self.starts = starts
    self.next = next
    self.isInitial = isInitial
    resetAll()
  }

  /// Room for a window of so many segments.
  func reserve(segments: Int, _ network: Network) throws(RillError) {
    if starts.rows < segments * rows { starts = try NetworkState(network, rows: segments * rows) }
  }

  // MARK: between batches

  func resetAll() {
    for row in 0..<rows { isFresh.pointer[row] = 1 }
    isGiven = false
  }

  func reset(_ row: Int) { isFresh.pointer[row] = 1 }

  /// After the host has written `carried`.
  func give() {
    for row in 0..<rows { isFresh.pointer[row] = 0 }
    hasCarried = true
    isGiven = true
  }

  // MARK: through a batch

  /// Sets the start of the first window, apart from lanes that begin with the initial state.
  func begin(isStateful: Bool) {
    let isCarried = isStateful || isGiven
    starts.copy(carried)
    for row in 0..<rows { isInitial.pointer[row] = !isCarried || isFresh.pointer[row] != 0 }
  }

  /// Sets these.
  func restart(_ network: Network, packed: UnsafePointer<Float>) {
    for row in 0..<rows where isInitial.pointer[row] { starts.reset(row, network, packed: packed) }
  }

  /// The start is some steps into the batch: no gradient reaches the initial state from there.
  func leaveInitial() { isInitial.pointer.clear(rows) }

  /// Goes on to the next window, which begins at that step of the batch.
  func advance(to step: Int) {
    starts.copy(next)
    if step > 0 { leaveInitial() }
  }

  /// The batch is done: it ended where the last window would have gone on.
  func commit() {
    carried.copy(starts)
    for row in 0..<rows { isFresh.pointer[row] = 0 }
    hasCarried = true
    isGiven = false
  }

  // MARK: checkpoints

  func forEachNumber(_ body: NumberVisitor) throws(RillError) {
    hasCarried = try visit("states_carried", hasCarried, body)
    isGiven = try visit("states_given", isGiven, body)
  }

  func forEachBuffer(_ body: BufferVisitor) throws(RillError) {
    try body("states_fresh", isFresh)
    try carried.forEachBuffer { hidden, cell throws(RillError) in
      try body("states_hidden", hidden)
      if let cell { try body("states_cell", cell) }
    }
  }
}
