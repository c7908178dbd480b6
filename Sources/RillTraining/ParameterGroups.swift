import RillBase
import RillJSON
import RillNetwork

/// Parameters that are treated alike.
struct ParameterGroup: BitwiseCopyable {
  let learningRateFactor: Double
  let weightDecay: Double
  let isFrozen: Bool

  /// json: an element of "groups". weightDecay: the optimizer's.
  @inline(never) init(_ json: JSONValue, weightDecay: Double) throws(RillError) {
    let table = OptionTable([
      Option("learning_rate_factor", .number(0...largestNumber, fallback: 1)),
      Option("weight_decay", .number(0...largestNumber, fallback: weightDecay)), Option("frozen", .boolean(fallback: false)),
    ])
    try table.requireKeys(json, and: "parameters")
    let values = try table.read(json)
    self.init(factor: values[0], weightDecay: values[1], isFrozen: values[2] == 1)
  }

  init(factor: Double, weightDecay: Double, isFrozen: Bool) {
    learningRateFactor = factor
    self.weightDecay = weightDecay
    self.isFrozen = isFrozen
  }
}

/// Which parameter belongs to which group.
struct ParameterGroups {
  /// The first is that of parameters which no pattern matches.
  let groups: Buffer<ParameterGroup>
  /// The group of each of the network's parameters.
  let indices: Buffer<Int>

  /// json: all options of a trainer.
  init(_ json: JSONValue, _ network: Network, weightDecay: Double) throws(RillError) {
    let list = try json.member("groups")
    let count = try list?.requireArray(count: 0...64) ?? 0
    groups = try Buffer(count: 1 + count)
    indices = try Buffer(count: network.parameters.count)
    groups.pointer[0] = ParameterGroup(factor: 1, weightDecay: weightDecay, isFrozen: false)
    guard let list else { return }
    for index in 0..<count {
      let element = list.element(index)
      groups.pointer[1 + index] = try ParameterGroup(element, weightDecay: weightDecay)
      try assign(try element.required("parameters"), network, 1 + index)
    }
  }

  /// Puts the parameters that a pattern matches, or one of a list of patterns, into a group, unless they have one.
  private func assign(_ json: JSONValue, _ network: Network, _ group: Int) throws(RillError) {
    guard json.isText else {
      for place in 0..<(try json.requireArray(count: 1...64)) {
        let pattern = json.element(place)
        guard pattern.isText else { throw .format("\(pattern.path): expected text") }
        try assign(pattern, network, group)
      }
      return
    }
    let pattern = try json.text(maximumBytes: 128)
    var matchesAny = false
    for index in 0..<indices.count {
      let name = network.parameters[index].name
      guard pattern.withCString({ pattern in name.withCString { matches(pattern, $0) } }) else { continue }
      matchesAny = true
      if indices.pointer[index] == 0 { indices.pointer[index] = group }
    }
    guard matchesAny else { throw .format("\(json.path): matches no parameter of the model") }
  }
}

/// Whether the whole name matches the pattern: * stands for any characters, also none, ? for one. Both are UTF-8, NUL-terminated.
///
/// When the rest does not match, only the last * has to take one character more: what earlier ones took, it could have taken. So the time is at most
/// the product of the lengths.
func matches(_ pattern: UnsafePointer<CChar>, _ name: UnsafePointer<CChar>) -> Bool {
  let (star, question) = (CChar(UInt8(ascii: "*")), CChar(UInt8(ascii: "?")))
  var (p, n) = (0, 0)
  /// Behind the last * and where its characters end.
  var retry: (p: Int, n: Int)?
  while name[n] != 0 {
    if pattern[p] == star {
      p += 1
      retry = (p, n)
    } else if pattern[p] == question {
      p += 1
      n = nextCharacter(name, n)
    } else if pattern[p] == name[n] {
      p += 1
      n += 1
    } else if let last = retry {
      p = last.p
      n = nextCharacter(name, last.n)
      retry = (p, n)
    } else {
      return false
    }
  }
  while pattern[p] == star { p += 1 }
  return pattern[p] == 0
}

/// Where the character after the one at index begins.
private func nextCharacter(_ text: UnsafePointer<CChar>, _ index: Int) -> Int {
  var next = index + 1
  while UInt8(bitPattern: text[next]) & 0xc0 == 0x80 { next += 1 }
  return next
}
