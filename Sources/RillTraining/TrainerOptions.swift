import RillBase
import RillJSON
import RillNetwork

/// What a host chooses of a trainer, apart from its loss and its optimizer.
struct TrainerOptions {
  /// Whether losses and gradients are divided by what they are sums over.
  let isMean: Bool
  /// 0: no clipping.
  let clipNorm: Double
  let clipValue: Double
  /// Windows that share an optimizer step.
  let accumulate: Int
  let isStateful: Bool
  let burnIn: Int
  /// k1 and k2; nil: whole batches.
  let truncation: (every: Int, back: Int)?
  /// Steps whose activations are kept; nil: of all.
  let checkpointEvery: Int?
  let threads: Int

  static var table: OptionTable {
    let steps = 0...Int(Int32.max)
    return OptionTable([
      Option("reduction", .choice("mean sum", fallback: 0)),
      Option("clip_norm", .positiveOrAbsent), Option("clip_value", .positiveOrAbsent),
      Option("accumulate", .integer(1...Int(Int32.max), fallback: 1)), Option("stateful", .boolean(fallback: false)),
      Option("burn_in", .integer(steps, fallback: 0)), Option("checkpoint_every", .integer(steps, fallback: 0)),
      Option("threads", .integer(1...64, fallback: 1)),
    ])
  }

  private static var truncationTable: OptionTable {
    let steps = 1...Int(Int32.max)
    return OptionTable([
      Option("update_every", .integer(steps, fallback: nil)), Option("backpropagate", .integer(steps, fallback: Int(Int32.max))),
    ])
  }

  /// From an object whose keys have been checked.
  init(_ json: JSONValue, _ network: Network, _ loss: Loss) throws(RillError) {
    let values = try TrainerOptions.table.read(json)
    isMean = values[0] == 0
    clipNorm = values[1]
    clipValue = values[2]
    accumulate = Int(values[3])
    isStateful = values[4] != 0
    burnIn = Int(values[5])
    checkpointEvery = values[6] == 0 ? nil : Int(values[6])
    threads = Int(values[7])
    guard checkpointEvery == nil || loss.kind != .esr else {
      throw .unsupported("checkpoint_every: is not offered with the loss esr, which looks at all steps at once")
    }
    truncation = try TrainerOptions.truncation(try json.member("truncation"), network)
  }

  private static func truncation(_ json: JSONValue?, _ network: Network) throws(RillError) -> (every: Int, back: Int)? {
    guard let json else { return nil }
    try truncationTable.requireKeys(json)
    guard !network.isPerSequence else {
      throw .unsupported("truncation: is not offered for a model that gives one output per sequence")
    }
    let every = Int(try truncationTable.read(json)[0])
    guard let back = try json.member("backpropagate") else { return (every, every) }
    return (every, try back.integer(every...Int(Int32.max)))
  }
}
