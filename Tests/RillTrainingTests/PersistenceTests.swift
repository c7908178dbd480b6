import RillBase
import Testing

@testable import RillTraining

@Suite struct PersistenceTests {
  static let options = [
    #"{"optimizer": {"type": "sgd", "momentum": 0.9, "nesterov": true}}"#, #"{"optimizer": {"type": "adagrad", "lr_decay": 0.1}}"#,
    #"{"optimizer": {"type": "rmsprop", "momentum": 0.5}}"#, #"{"optimizer": {"type": "adam", "weight_decay": 0.1}}"#,
    #"{"optimizer": {"type": "nadam"}, "average": {}, "keep_best": true, "patience": 3, "schedule": {"type": "cosine", "t_max": 9, "warmup": 2}}"#,
    #"{"optimizer": {"type": "adamw"}, "schedule": {"type": "plateau", "patience": 1, "factor": 0.5, "cooldown": 1}}"#,
  ]

  private static func advance(_ descent: Descent, _ updates: Range<Int>) throws {
    for index in updates {
      try descent.update()
      let loss = Double((index * 5) % 7)
      descent.optimizer.validation.add(loss, descent.parameters.pointer)
      descent.optimizer.schedule.observe(loss, descent.optimizer.learningRate, descent.optimizer.updateCount)
    }
  }

  /// All that is kept, read into a new optimizer, goes on with the same bits; nothing else is needed.
  @Test(arguments: options)
  func aRestoredOptimizerGoesOnAlike(_ options: String) throws {
    let whole = try Descent(options)
    let first = try Descent(options)
    try Self.advance(whole, 0..<6)
    try Self.advance(first, 0..<6)
    first.optimizer.learningRate = 0.25
    whole.optimizer.learningRate = 0.25
    let saved = try first.state()

    let second = try Descent(options)
    for _ in 0..<6 { _ = second.gradient() }
    second.parameters.pointer.copy(first.parameters.pointer, first.parameters.count)
    var names: [String] = []
    try second.optimizer.forEachNumber { name, _ in
      names.append(name.description)
      return saved.numbers[name.description]!
    }
    #expect(Set(names).count == names.count && names.count == saved.numbers.count)
    try second.optimizer.forEachBuffer { name, buffer in
      for (index, value) in saved.buffers[name.description]!.enumerated() { buffer.pointer[index] = Float(bitPattern: value) }
    }
    try Self.advance(whole, 6..<14)
    try Self.advance(second, 6..<14)
    #expect(whole.bits == second.bits)
    let (a, b) = (try whole.state(), try second.state())
    #expect(a.numbers == b.numbers)
    #expect(a.buffers == b.buffers)
    #expect(a.numbers["update_count"] == 14)
    #expect(whole.optimizer.rate == second.optimizer.rate)
    #expect(whole.optimizer.validation.shouldStop == second.optimizer.validation.shouldStop)
  }

  /// What a file may say instead of a number of this kind.
  @Test(arguments: [-1, 0.5, 1e300, .nan, .infinity])
  func numbersThatCannotBeAreRefused(_ wrong: Double) throws {
    let descent = try Descent(#"{"average": {}, "schedule": {"type": "plateau"}}"#)
    let losses = ["best_validation_loss", "plateau_best", "momentum_product"]
    for name in try descent.state().numbers.keys where wrong.isNaN || wrong == .infinity || !losses.contains(name) {
      if name == "learning_rate", wrong == 0.5 { continue }
      #expect(throws: RillError.self, "\(name)") {
        try descent.optimizer.forEachNumber { $0.description == name ? wrong : $1 }
      }
    }
  }
}
