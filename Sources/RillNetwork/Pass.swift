import RillBase

/// One of several equal parts of some work, which are done at the same time.
package struct Part {
  package let index: Int
  let count: Int

  package init(_ index: Int, of count: Int) {
    self.index = index
    self.count = count
  }

  package static var whole: Part { Part(0, of: 1) }
  package var isFirst: Bool { index == 0 }

  /// This part's share of `all` things.
  package func range(_ all: Int) -> Range<Int> { (all * index / count)..<(all * (index + 1) / count) }
}

/// What all units of one pass over a batch have in common, and the sequences that the caller computes. Sequences do not influence one another in forward
/// and backward, so several callers may work on different ones at the same time, with the same bits.
package struct Pass {
  package let kernels: Kernels
  /// B: sequences of the batch.
  package let rows: Int
  /// Valid steps of each sequence, or nil if all are full.
  package let lengths: UnsafePointer<Int32>?
  /// True if forward leaves what backward needs.
  package var isSaving: Bool
  /// True in an update: dropout is active.
  package let isTraining: Bool
  /// Addresses the random numbers of this pass.
  package let seed: UInt64
  /// The caller's sequences.
  package var range: Range<Int>

  package init(kernels: Kernels, rows: Int, lengths: UnsafePointer<Int32>?, isTraining: Bool, seed: UInt64) {
    self.kernels = kernels
    self.rows = rows
    self.lengths = lengths
    self.isSaving = isTraining
    self.isTraining = isTraining
    self.seed = seed
    range = 0..<rows
  }

  /// This pass for a part of the sequences.
  package func of(_ part: Part) -> Pass {
    var pass = self
    pass.range = part.range(rows)
    return pass
  }

  /// Calls body(first row, count) for each run of the caller's rows that are not yet over at a time step of the batch. Rows are independent, so a kernel
  /// that is called per run leaves the state of finished sequences as it was.
  @inline(always) func forEachActiveRun(_ time: Int, _ body: (Int, Int) -> Void) {
    guard let lengths else {
      if !range.isEmpty { body(range.lowerBound, range.count) }
      return
    }
    var first = range.lowerBound
    while first < range.upperBound {
      while first < range.upperBound, Int(lengths[first]) <= time { first += 1 }
      var end = first
      while end < range.upperBound, Int(lengths[end]) > time { end += 1 }
      if end > first { body(first, end - first) }
      first = end
    }
  }

  /// Calls body(first row, count) for each run of the caller's rows that are over at a time step of the batch.
  @inline(always) func forEachFinishedRun(_ time: Int, _ body: (Int, Int) -> Void) {
    guard lengths != nil else { return }
    var first = range.lowerBound
    forEachActiveRun(time) { start, count in
      if start > first { body(first, start - first) }
      first = start + count
    }
    if first < range.upperBound { body(first, range.upperBound - first) }
  }

  /// Calls body(first, count) for the caller's rows of an array [steps][B]: once if they are all of them, else once per time step.
  @inline(always) package func forEachRun(_ steps: Int, _ body: (Int, Int) -> Void) {
    if range.count == rows { return body(0, steps * rows) }
    if range.isEmpty { return }
    for t in 0..<steps { body(t * rows + range.lowerBound, range.count) }
  }
}
