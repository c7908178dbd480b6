import RillBase
import RillJSON

/// What a configuration says: input, layers with every option filled in, output, name and metadata.
package struct Architecture {
  package let name: Text?
  package let metadata: JSONNode?
  package let input: InputDescription
  package let layers: [Layer]
  package private(set) var output: Scaling?

  /// Keys of a configuration; a model file has more.
  package static var keys: Words { "format format_version kind name metadata input layers output" }

  /// Reads an object whose keys have been checked. givesInitialStates: to every recurrent layer, whatever it says.
  package init(_ json: JSONValue, givesInitialStates: Bool = false) throws(RillError) {
    name = if let value = try json.member("name") { try value.text(maximumBytes: Limits.nameBytes) } else { nil }
    if let value = try json.member("metadata") {
      try value.requireObject()
      metadata = try JSONNode.copy(of: value)
    } else {
      metadata = nil
    }
    input = try InputDescription(try json.required("input"))
    let list = try json.required("layers")
    let count = try list.requireArray(count: 1...Limits.layers)
    var layers: [Layer] = []
    for index in 0..<count {
      var layer = try Layer(list.element(index), index: index, isLast: index == count - 1)
      if givesInitialStates { layer.giveInitialState() }
      for other in layers where sameBytes(other.name, layer.name) {
        throw .format("layers[\(index)].name: layers[\(other.index)] has the same name, \(layer.name)")
      }
      layers.append(layer)
    }
    self.layers = layers
    if let value = try json.member("output") {
      try value.requireObject(keys: "shift scale")
      output = try Scaling(value, size: nil)
    } else {
      output = nil
    }
  }

  /// Numbers in "output" stand for all elements; now their count is known.
  mutating func spreadOutput(size: Int) throws(RillError) {
    output = try output?.spread(to: size, path: "output")
  }

  /// The configuration, with defaults filled in.
  package func json() throws(RillError) -> JSONNode {
    let json = try JSONNode.object()
    try json.set("format", "rill")
    try json.set("format_version", 1)
    try json.set("kind", "sequential")
    if let name { try json.set("name", name) }
    if let metadata { try json.set("metadata", metadata) }
    try json.set("input", try input.json())
    let list = try JSONNode.array()
    for layer in layers { try list.append(try layer.json()) }
    try json.set("layers", list)
    if let output {
      let node = try JSONNode.object()
      try output.write(into: node)
      try json.set("output", node)
    }
    return json
  }
}

/// One entry of "layers".
package struct Layer {
  package let index: Int
  package let isLast: Bool
  /// Place in LayerKind.all.
  package let kind: Int
  package let name: Text
  /// Whether the name was given; a default name is not written.
  private let isNamed: Bool
  package let inputSize: Int?
  /// In the order of the kind's options.
  package private(set) var values: [Double]

  mutating func giveInitialState() {
    if LayerKind.all[kind].isRecurrent { values[RecurrentOption.initialState] = 1 }
  }

  init(_ json: JSONValue, index: Int, isLast: Bool) throws(RillError) {
    try json.requireObject()
    self.index = index
    self.isLast = isLast
    kind = try json.required("type").choice(LayerKind.names)
    let table = LayerKind.all[kind].table
    try table.requireKeys(json, and: "type name input_size")
    if let value = try json.member("name") {
      name = try value.text(maximumBytes: Limits.nameBytes)
      isNamed = true
      guard Layer.isName(name) else {
        throw .format("\(value.path): expected 1 to \(Limits.nameBytes) letters, digits, _ or -")
      }
    } else {
      name = "\(index)"
      isNamed = false
    }
    inputSize = if let value = try json.member("input_size") { try value.integer(1...Limits.tokens) } else { nil }
    values = try table.read(json)
  }

  private static func isName(_ name: Text) -> Bool {
    name.withCString { bytes in
      var index = 0
      while isNameByte(UInt8(bitPattern: bytes[index])) { index += 1 }
      return index > 0 && bytes[index] == 0
    }
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
    case UInt8(ascii: "_"), UInt8(ascii: "-"): true
    default: false
    }
  }

  func json() throws(RillError) -> JSONNode {
    let node = try JSONNode.object()
    try node.set("type", LayerKind.names[kind])
    if isNamed { try node.set("name", name) }
    if let inputSize { try node.set("input_size", inputSize) }
    try LayerKind.all[kind].table.write(values, into: node)
    return node
  }
}
