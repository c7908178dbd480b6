import RillBase
import RillJSON

/// One option of a layer, a loss or an optimizer: declared once, and from that read, written, described and named in errors.
package struct Option {
  package enum Kind {
    /// An integer in a range; without a default it is required.
    case integer(ClosedRange<Int>, fallback: Int?)
    case boolean(fallback: Bool)
    /// One of several words; the value is its index.
    case choice(Words, fallback: Int?)
    /// A finite number in a range.
    case number(ClosedRange<Double>, fallback: Double?)
    /// 0 ≤ p < 1.
    case probability(fallback: Double?)
    /// A positive finite number; absent (value 0) means that it does not apply.
    case positiveOrAbsent
  }

  package let key: Words
  package let kind: Kind

  package init(_ key: Words, _ kind: Kind) {
    self.key = key
    self.kind = kind
  }
}

/// The options of one kind of thing. Values are doubles, in the order of the table: integers exactly, booleans 0 or 1, choices by index.
package struct OptionTable {
  package let options: [Option]

  package init(_ options: [Option]) { self.options = options }

  package func contains(_ key: UnsafePointer<CChar>) -> Bool {
    for option in options where option.key.contains(key) { return true }
    return false
  }

  /// That json is an object whose keys are those of the options and others, which are read elsewhere.
  @inline(never) package func requireKeys(_ json: JSONValue, and others: Words = "", _ more: Words = "") throws(RillError) {
    try json.requireObject { contains($0) || others.contains($0) || more.contains($0) }
  }

  /// Reads every option of a JSON object whose keys have been checked.
  @inline(never) package func read(_ json: JSONValue) throws(RillError) -> [Double] {
    var values: [Double] = []
    for option in options {
      guard let value = try OptionTable.value(of: option, try json.member(option.key.start)) else {
        throw json.missing(option.key.start)
      }
      values.append(value)
    }
    return values
  }

  /// Reads {"type": a name, options of that type}. The table holds the options of all types; masks has, of each type, a bit 1 << place for each
  /// that it has. Others keep their fallback.
  @inline(never) package func readTyped(
    _ json: JSONValue, _ names: Words, masks: [Int]
  ) throws(RillError) -> (type: Int, values: [Double]) {
    try requireKeys(json, and: "type")
    let type = try json.required("type").choice(names)
    for (place, option) in options.enumerated() where masks[type] & 1 << place == 0 {
      if let other = try json.member(option.key.start) { throw .format("\(other.path): is no option of \(names[type])") }
    }
    return (type, try read(json))
  }

  /// Every option at its default; required ones at 0.
  package func defaults() throws(RillError) -> [Double] {
    var values: [Double] = []
    for option in options { values.append(try OptionTable.value(of: option, nil) ?? 0) }
    return values
  }

  /// The given or default value; nil if neither exists.
  private static func value(of option: Option, _ value: JSONValue?) throws(RillError) -> Double? {
    switch option.kind {
    case .integer(let range, let fallback):
      if let value { return Double(try value.integer(range)) }
      return fallback.map { Double($0) }
    case .boolean(let fallback):
      if let value { return try value.boolean() ? 1 : 0 }
      return fallback ? 1 : 0
    case .choice(let names, let fallback):
      if let value { return Double(try value.choice(names)) }
      return fallback.map { Double($0) }
    case .number(let range, let fallback):
      if let value { return try value.number(range) }
      return fallback
    case .probability(let fallback):
      if let value {
        let p = try value.number(-Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude)
        guard p >= 0, p < 1 else { throw .format("\(value.path): expected a probability, 0 or more and less than 1") }
        return p
      }
      return fallback
    case .positiveOrAbsent:
      guard let value else { return 0 }
      let number = try value.number(0...Double.greatestFiniteMagnitude)
      guard number > 0 else { throw .format("\(value.path): expected a number greater than 0") }
      return number
    }
  }

  /// Writes every option with its value into a JSON object.
  package func write(_ values: [Double], into json: JSONNode) throws(RillError) {
    for (option, value) in zip(options, values) {
      let node: JSONNode
      switch option.kind {
      case .integer: node = try JSONNode.integer(Int(value))
      case .boolean: node = try JSONNode.boolean(value != 0)
      case .choice(let names, _): node = try JSONNode.text(names[Int(value)])
      case .number, .probability: node = try JSONNode.number(value)
      case .positiveOrAbsent:
        if value == 0 { continue }
        node = try JSONNode.number(value)
      }
      try json.set(option.key[0], node)
    }
  }
}
