import RillBase
import RillJSON
import RillNetwork

/// What a file holds.
package enum FileKind: Int {
  case sequential
  case checkpoint

  static var names: Words { "sequential checkpoint" }
}

/// From JSON text to models.
package enum ModelReader {
  /// Version of the files that this library writes, and the oldest that it reads.
  package static var formatVersion: Int { 1 }
  package static var oldestFormatVersion: Int { 1 }

  /// A configuration: a model with random parameters.
  package static func create(_ text: UnsafeRawBufferPointer, seed: UInt64) throws(RillError) -> Model {
    let root = try JSONDocument(parsing: text).root
    try root.requireObject()
    try checkHead(root, kind: .sequential, isRequired: false)
    try root.requireObject(keys: Architecture.keys)
    return try Model(try Network(try Architecture(root)), seed: seed)
  }

  /// A model file. givesInitialStates: to every recurrent layer, zero where the file has none.
  package static func read(_ text: UnsafeRawBufferPointer, givesInitialStates: Bool = false) throws(RillError) -> Model {
    try read(try JSONDocument(parsing: text).root, givesInitialStates: givesInitialStates)
  }

  /// The content of a model file, which may stand in another.
  package static func read(_ root: JSONValue, givesInitialStates: Bool = false) throws(RillError) -> Model {
    try root.requireObject()
    try checkHead(root, kind: .sequential, isRequired: true)
    try root.requireObject(keys: Architecture.keys, and: "parameters self_test")
    let parameters = try root.required("parameters")
    let model = try Model(try Network(try Architecture(root, givesInitialStates: givesInitialStates)), seed: nil)
    try readParameters(parameters, model, areInitialStatesOptional: givesInitialStates)
    model.publishFirst()
    if let test = try root.member("self_test") { try SelfTest.check(test, model) }
    return model
  }

  /// What kind of file this is comes first: a newer file is called newer, whatever else is new in it.
  package static func checkHead(_ root: JSONValue, kind expected: FileKind, isRequired: Bool) throws(RillError) {
    if let format = try head("format", root, isRequired) { _ = try format.choice("rill") }
    if let json = try head("format_version", root, isRequired) {
      let version = try json.integer(1...Int(Int32.max))
      guard version <= formatVersion else {
        throw .format("format_version: the file has version \(version), which is newer than this library reads (\(formatVersion))")
      }
    }
    guard let kind = try head("kind", root, isRequired) else { return }
    let found = try kind.choice(FileKind.names)
    guard found == expected.rawValue else {
      throw .format("\(kind.path): is \(FileKind.names[found]), where \(FileKind.names[expected.rawValue]) is wanted")
    }
  }

  private static func head(_ key: StaticString, _ root: JSONValue, _ isRequired: Bool) throws(RillError) -> JSONValue? {
    isRequired ? try root.required(key) : try root.member(key)
  }

  private static func readParameters(_ list: JSONValue, _ model: Model, areInitialStatesOptional: Bool) throws(RillError) {
    let parameters = model.network.parameters
    let count = try list.requireArray(count: 0...100_000)
    var isRead = [Bool](repeating: false, count: parameters.count)
    for entry in 0..<count {
      let json = list.element(entry)
      try json.requireObject(keys: "name shape data")
      let name = try json.required("name")
      let text = try name.text(maximumBytes: 127)
      guard let index = parameters.firstIndex(where: { sameBytes($0.name, text) }) else {
        throw .format("\(name.path): the architecture has no parameter \(text)")
      }
      guard !isRead[index] else { throw .format("\(name.path): \(text) stands twice") }
      isRead[index] = true
      let parameter = parameters[index]
      try checkShape(try json.required("shape"), parameter)
      try json.required("data").floats(into: model.values.pointer + parameter.offset, count: parameter.count)
    }
    for index in parameters.indices where areInitialStatesOptional && parameters[index].isInitialState { isRead[index] = true }
    if let missing = isRead.firstIndex(of: false) { throw .format("parameters: \(parameters[missing].name) is missing") }
  }

  private static func checkShape(_ json: JSONValue, _ parameter: Parameter) throws(RillError) {
    let dimensions = [parameter.rows] + (parameter.columns.map { [$0] } ?? [])
    let rank = try json.requireArray(count: 1...2)
    var isRight = rank == dimensions.count
    for index in 0..<rank {
      let dimension = try json.element(index).integer(0...Int.max)
      if isRight, dimension != dimensions[index] { isRight = false }
    }
    guard isRight else {
      let expected = parameter.columns.map { Text("[\(parameter.rows), \($0)]") } ?? "[\(parameter.rows)]"
      throw .format("\(json.path): \(parameter.name) must have shape \(expected)")
    }
  }
}
