/// Some time steps of a batch that one gradient reaches through.
struct Window {
  /// Where backpropagation ends: the state at this step counts as given.
  let start: Int
  let end: Int
  /// The first step that counts in the loss.
  let firstCounted: Int
  /// Where the next window starts; the end, if it is the last one.
  let next: Int
}

extension TrainerOptions {
  /// The window after another, or the first one, of a batch of so many steps; nil: there is none.
  ///
  /// Truncated backpropagation through time with k1 and k2: windows end every k1 steps, and reach k2 steps back. Where k2 is larger, windows overlap: the
  /// steps before the counted ones are computed again with the parameters of now, from the state that the window before left there, so that a gradient is
  /// always exactly that of its window's loss. (Williams and Peng 1990 call this BPTT(h; h').)
  func window(after last: Window?, steps: Int) -> Window? {
    let counted = last?.end ?? burnIn
    let start = last?.next ?? burnIn
    guard counted < steps else { return nil }
    guard let truncation else { return Window(start: start, end: steps, firstCounted: counted, next: steps) }
    let end = min(counted + truncation.every, steps)
    let next = end == steps ? steps : max(start, min(end + truncation.every, steps) - truncation.back)
    return Window(start: start, end: end, firstCounted: counted, next: next)
  }

  /// Time steps of the longest window of such a batch.
  func longestWindow(steps: Int) -> Int { min(steps - burnIn, truncation?.back ?? steps) }
}

/// The parts of some time steps that are computed one at a time, `most` steps each.
struct Segments {
  let steps: Range<Int>
  let most: Int

  var count: Int { (steps.count + most - 1) / most }

  subscript(index: Int) -> Range<Int> {
    let first = steps.lowerBound + index * most
    return first..<min(first + most, steps.upperBound)
  }
}
