/// A loss as include/rill.h describes it: its name alone, or an object. Options that are nil are left to their defaults and not written.
public struct LossOptions: Sendable, Equatable {
  public var type: String
  public var delta: Double?
  public var preEmphasis: Double?
  public var epsilon: Double?
  public var labelSmoothing: Double?
  public var classWeights: [Float]?
  public var positiveWeights: [Float]?

  public init(_ type: String) { self.type = type }
}

extension LossOptions: Codable {
  private var isName: Bool { self == LossOptions(type) }

  private enum Key: String, CodingKey { case type, delta, preEmphasis, epsilon, labelSmoothing, classWeights, positiveWeights }

  public func encode(to encoder: any Encoder) throws {
    if isName {
      var container = encoder.singleValueContainer()
      return try container.encode(type)
    }
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(type, forKey: .type)
    try container.encodeIfPresent(delta, forKey: .delta)
    try container.encodeIfPresent(preEmphasis, forKey: .preEmphasis)
    try container.encodeIfPresent(epsilon, forKey: .epsilon)
    try container.encodeIfPresent(labelSmoothing, forKey: .labelSmoothing)
    try container.encodeIfPresent(classWeights, forKey: .classWeights)
    try container.encodeIfPresent(positiveWeights, forKey: .positiveWeights)
  }

  public init(from decoder: any Decoder) throws {
    if let name = try? decoder.singleValueContainer().decode(String.self) {
      self.init(name)
      return
    }
    let container = try decoder.container(keyedBy: Key.self)
    self.init(try container.decode(String.self, forKey: .type))
    delta = try container.decodeIfPresent(Double.self, forKey: .delta)
    preEmphasis = try container.decodeIfPresent(Double.self, forKey: .preEmphasis)
    epsilon = try container.decodeIfPresent(Double.self, forKey: .epsilon)
    labelSmoothing = try container.decodeIfPresent(Double.self, forKey: .labelSmoothing)
    classWeights = try container.decodeIfPresent([Float].self, forKey: .classWeights)
    positiveWeights = try container.decodeIfPresent([Float].self, forKey: .positiveWeights)
  }
}
