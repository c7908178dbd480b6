import RillBase
import RillJSON
import RillNetwork

/// What `rill_model_describe` tells.
package enum ModelDescription {
  package static func write(_ network: Network, libraryVersion: StaticString) throws(RillError) -> Buffer<UInt8> {
    let json = try JSONNode.object()
    try json.set("library_version", Text(libraryVersion))
    try json.set("format_version", ModelReader.formatVersion)
    try json.set("configuration", try network.architecture.json())
    try json.set("input_size", network.input.size)
    try json.set("output_size", network.outputSize)
    try json.set("output_per_sequence", network.isPerSequence)
    let parameters = try JSONNode.array()
    for parameter in network.parameters {
      let node = try JSONNode.object()
      try node.set("name", parameter.name)
      try node.set("shape", try ModelWriter.shape(parameter))
      try parameters.append(node)
    }
    try json.set("parameters", parameters)
    try json.set("parameter_values", network.parameters.reduce(0) { $0 + $1.count })
    let states = try JSONNode.array()
    for state in network.states {
      let shape = try JSONNode.array()
      try shape.append(state.units.count)
      try shape.append(state.hiddenSize)
      let node = try JSONNode.object()
      try node.set("name", state.name)
      try node.set("shape", shape)
      try states.append(node)
    }
    try json.set("states", states)
    try json.set("multiply_adds", network.multiplyAdds)
    let bytes = try JSONNode.object()
    for precision in [Precision.float32, .bfloat16, .int8] {
      try bytes.set(Precision.names[precision.rawValue], network.weightBytes(precision))
    }
    try json.set("weight_bytes", bytes)
    try json.set("instruction_set", Text(network.kernels.name))
    return try json.serialized()
  }
}
