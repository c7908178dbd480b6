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

  public var loss: String?
  public var reduction: String?
  public var optimizer: Optimizer?
  public var clipNorm: Double?
  public var clipValue: Double?

  public init(_ objective: Objective, _ optimizer: Optimizer? = nil, clipNorm: Double? = nil, clipValue: Double? = nil) {
    loss = objective.loss.rawValue
    reduction = objective.reduction.rawValue
    self.optimizer = optimizer
    self.clipNorm = clipNorm
    self.clipValue = clipValue
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
