import RillBase
import RillJSON
import RillNetwork

/// What `rill_model_describe` tells.
package enum ModelDescription {
  package static func write(_ network: Network, libraryVersion: StaticString) throws(RillError) -> Buffer<UInt8> {
    let json = try JSONNode.object()
    try json.set("library_version", try JSONNode.text(libraryVersion.description))
    try json.set("format_version", try JSONNode.integer(ModelReader.formatVersion))
    try json.set("configuration", try network.architecture.json())
    try json.set("input_size", try JSONNode.integer(network.input.size))
    try json.set("output_size", try JSONNode.integer(network.outputSize))
    try json.set("output_per_sequence", try JSONNode.boolean(network.isPerSequence))
    let parameters = try JSONNode.array()
    for parameter in network.parameters {
      let node = try JSONNode.object()
      try node.set("name", try JSONNode.text(parameter.name))
      try node.set("shape", try ModelWriter.shape(parameter))
      try parameters.append(node)
    }
    try json.set("parameters", parameters)
    try json.set("parameter_values", try JSONNode.integer(network.parameters.reduce(0) { $0 + $1.count }))
    let states = try JSONNode.array()
    for state in network.states {
      let shape = try JSONNode.array()
      try shape.append(try JSONNode.integer(state.units.count))
      try shape.append(try JSONNode.integer(state.hiddenSize))
      let node = try JSONNode.object()
      try node.set("name", try JSONNode.text(state.name))
      try node.set("shape", shape)
      try states.append(node)
    }
    try json.set("states", states)
    try json.set("multiply_adds", try JSONNode.integer(network.multiplyAdds))
    let bytes = try JSONNode.object()
    for precision in [Precision.float32, .bfloat16, .int8] {
      try bytes.set(Precision.names[precision.rawValue].description, try JSONNode.integer(network.weightBytes(precision)))
    }
    try json.set("weight_bytes", bytes)
    try json.set("instruction_set", try JSONNode.text(network.kernels.name.description))
    return try json.serialized()
  }
}
