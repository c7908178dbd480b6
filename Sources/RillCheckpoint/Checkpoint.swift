import RillBase
import RillFormat
import RillJSON
import RillNetwork
import RillTraining

/// A model and its trainer as one JSON text:
///
///     {"format": "rill", "format_version": 1, "kind": "checkpoint", "model": {as a model file, base64},
///      "trainer": {"seed": [high, low], "options": {…}, "numbers": {name: number, …}, "buffers": [{"name": …, "data": {"base64": …}}, …],
///                  "data": base64 of the host's bytes}}
package enum Checkpoint {
  /// Bytes that a host may keep in one.
  package static var maximumData: Int { 1 << 20 }

  /// The caller holds the model's `access`.
  package static func write(_ trainer: Trainer) throws(RillError) -> Buffer<UInt8> {
    let json = try JSONNode.object()
    try json.set("format", "rill")
    try json.set("format_version", ModelReader.formatVersion)
    try json.set("kind", "checkpoint")
    try json.set("model", try ModelWriter.json(trainer.model, isDecimal: false))
    try json.set("trainer", try node(trainer))
    return try json.serialized()
  }

  /// What rill_trainer_describe says.
  package static func describe(_ trainer: Trainer) throws(RillError) -> Buffer<UInt8> {
    let json = try head(trainer)
    try json.set("update_count", trainer.optimizer.updateCount)
    try json.set("lanes", trainer.lanes)
    try json.set("workspace_bytes", trainer.workspaceBytes)
    return try json.serialized()
  }

  private static func head(_ trainer: Trainer) throws(RillError) -> JSONNode {
    let json = try JSONNode.object()
    let seed = try JSONNode.array()
    try seed.append(Int(trainer.seed >> 32))
    try seed.append(Int(trainer.seed & 0xffff_ffff))
    try json.set("seed", seed)
    try json.set("options", trainer.optionsJSON)
    return json
  }

  private static func node(_ trainer: Trainer) throws(RillError) -> JSONNode {
    let json = try head(trainer)
    let numbers = try JSONNode.object()
    try trainer.forEachNumber { name, value throws(RillError) in
      try numbers.set(Text(name), try JSONNode.number(value))
      return value
    }
    try json.set("numbers", numbers)
    let buffers = try JSONNode.array()
    let table = trainer.model.network.kernels.table
    try trainer.forEachBuffer { name, buffer throws(RillError) in
      guard table.all_finite(buffer.pointer, buffer.count) != 0 else { throw .diverged("\(name): is not finite, so nothing was saved") }
      let entry = try JSONNode.object()
      try entry.set("name", Text(name))
      try entry.set("data", try JSONNode.base64(buffer.pointer, count: buffer.count))
      try buffers.append(entry)
    }
    try json.set("buffers", buffers)
    try json.set("data", try JSONNode.bytes(trainer.data.bytes))
    return json
  }

  /// Nothing is shared with whoever else reads the same text.
  package static func read(_ text: UnsafeRawBufferPointer) throws(RillError) -> Trainer {
    let root = try JSONDocument(parsing: text).root
    try root.requireObject()
    try ModelReader.checkHead(root, kind: .checkpoint, isRequired: true)
    try root.requireObject(keys: "format format_version kind model trainer")
    let json = try root.required("trainer")
    try json.requireObject(keys: "seed options numbers buffers data")
    let model = try ModelReader.read(try root.required("model"))
    let trainer = try Trainer(model, seed: try seed(try json.required("seed")), options: try json.required("options"))
    try readNumbers(try json.required("numbers"), trainer)
    try readBuffers(try json.required("buffers"), trainer)
    trainer.data = try json.required("data").bytes(maximum: maximumData)
    return trainer
  }

  private static func seed(_ json: JSONValue) throws(RillError) -> UInt64 {
    _ = try json.requireArray(count: 2...2)
    let range = 0...0xffff_ffff
    return UInt64(try json.element(0).integer(range)) << 32 | UInt64(try json.element(1).integer(range))
  }

  private static func readNumbers(_ json: JSONValue, _ trainer: Trainer) throws(RillError) {
    try trainer.forEachNumber { name, _ throws(RillError) in
      let largest = Double.greatestFiniteMagnitude
      return try json.required(name).number(-largest...largest)
    }
  }

  private static func readBuffers(_ json: JSONValue, _ trainer: Trainer) throws(RillError) {
    var next = 0
    let count = try json.requireArray(count: 0...1000)
    try trainer.forEachBuffer { name, buffer throws(RillError) in
      guard next < count else { throw .format("\(json.path): \(name) is missing") }
      let entry = json.element(next)
      next += 1
      try entry.requireObject(keys: "name data")
      _ = try entry.required("name").choice(Words(stringLiteral: name))
      try entry.required("data").floats(into: buffer.pointer, count: buffer.count)
    }
    guard next == count else { throw .format("\(json.path): there are \(count), but \(next) belong here") }
  }
}
