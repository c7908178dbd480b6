import Foundation

/// Options of a trainer as include/rill.h describes them. Keys that are nil are left to their defaults and not written.
public struct TrainerOptions: Codable, Sendable {
  public struct Optimizer: Codable, Sendable {
    public var type: String
    public var learningRate: Double?
    public var momentum: Double?
    public var alpha: Double?
    public var beta1: Double?
    public var beta2: Double?
    public var epsilon: Double?

    public init(_ type: String, learningRate: Double? = nil) {
      self.type = type
      self.learningRate = learningRate
    }
  }

  public struct Truncation: Codable, Sendable {
    public var updateEvery: Int
    public var backpropagate: Int?

    public init(_ updateEvery: Int, _ backpropagate: Int? = nil) {
      self.updateEvery = updateEvery
      self.backpropagate = backpropagate
    }
  }

  public var loss: LossOptions?
  public var reduction: String?
  public var optimizer: Optimizer?
  public var clipNorm: Double?
  public var clipValue: Double?
  public var accumulate: Int?
  public var stateful: Bool?
  public var burnIn: Int?
  public var truncation: Truncation?
  public var checkpointEvery: Int?
  public var threads: Int?

  public init(_ objective: Objective, _ optimizer: Optimizer? = nil, clipNorm: Double? = nil, clipValue: Double? = nil) {
    loss = objective.options
    reduction = objective.reduction.rawValue
    self.optimizer = optimizer
    self.clipNorm = clipNorm
    self.clipValue = clipValue
  }

  /// The options with one thing changed: `.with(\.threads, 2)`.
  public func with<Value>(_ option: WritableKeyPath<TrainerOptions, Value?>, _ value: Value?) -> TrainerOptions {
    var options = self
    options[keyPath: option] = value
    return options
  }

  public var text: String { jsonText(self) }
}

/// JSON with snake_case keys, in one order.
func jsonText(_ value: some Encodable) -> String {
  let encoder = JSONEncoder()
  encoder.keyEncodingStrategy = .convertToSnakeCase
  encoder.outputFormatting = .sortedKeys
  do {
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  } catch {
    fatalError("\(error)")  // plain structs of finite numbers always encode
  }
}
