import RillBase
import RillJSON
import RillNetwork

/// From models to JSON text. The caller holds the model's `access`.
package enum ModelWriter {
  private static var table: OptionTable {
    OptionTable([
      Option("encoding", .choice("auto decimal base64", fallback: 0)), Option("self_test", .integer(0...1000, fallback: 0)),
    ])
  }

  /// Up to this many values decimals are written by default: they can be read and compared by eye. A million would cost json-c 0.2 s and
  /// 118 MB to parse.
  private static var decimalLimit: Int { 100_000 }

  /// options: an object, or nil for the defaults.
  package static func write(_ model: Model, options: JSONValue?) throws(RillError) -> Buffer<UInt8> {
    if let options { try table.requireKeys(options) }
    let values = if let options { try table.read(options) } else { try table.defaults() }
    let total = model.network.parameters.reduce(0) { $0 + $1.count }
    let json = try json(model, isDecimal: values[0] == 1 || (values[0] == 0 && total <= decimalLimit))
    if values[1] > 0 { try json.set("self_test", try SelfTest.make(model, steps: Int(values[1]))) }
    return try json.serialized()
  }

  /// The file's content without a self-test.
  package static func json(_ model: Model, isDecimal: Bool) throws(RillError) -> JSONNode {
    let network = model.network
    guard network.kernels.table.all_finite(model.values.pointer, model.values.count) != 0 else {
      throw .diverged("a parameter is not finite, so nothing was saved")
    }
    let json = try network.architecture.json()
    let list = try JSONNode.array()
    for parameter in network.parameters {
      let data = UnsafePointer(model.values.pointer + parameter.offset)
      let node = try JSONNode.object()
      try node.set("name", parameter.name)
      try node.set("shape", try shape(parameter))
      try node.set(
        "data",
        isDecimal ? try JSONNode.floats(data, count: parameter.count) : try JSONNode.base64(data, count: parameter.count))
      try list.append(node)
    }
    try json.set("parameters", list)
    return json
  }

  static func shape(_ parameter: Parameter) throws(RillError) -> JSONNode {
    let shape = try JSONNode.array()
    try shape.append(parameter.rows)
    if let columns = parameter.columns { try shape.append(columns) }
    return shape
  }
}
