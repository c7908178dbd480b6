import RillBase
import RillJSON

/// What a model reads at each time step: `size` floats, or one of `size` tokens.
package struct InputDescription {
  package let isToken: Bool
  package let size: Int
  /// The network sees (x − shift) / scale.
  package let scaling: Scaling?

  init(_ json: JSONValue) throws(RillError) {
    try json.requireObject(keys: "kind size shift scale")
    isToken = try json.required("kind").choice("vector token") == 1
    size = try json.required("size").integer(1...(isToken ? Limits.tokens : Limits.size))
    scaling = try Scaling(json, size: size)
    guard !isToken || scaling == nil else { throw .format("\(json.path): token input has no shift or scale") }
  }

  func json() throws(RillError) -> JSONNode {
    let node = try JSONNode.object()
    try node.set("kind", isToken ? "token" : "vector")
    try node.set("size", size)
    try scaling?.write(into: node)
    return node
  }
}

/// A fixed shift and scale for each element, so that hosts pass and read raw units.
package struct Scaling {
  package let shift: Buffer<Float>
  package let scale: Buffer<Float>
  /// Elements of the lists, or nil if both were numbers for all elements.
  private let listLength: Int?

  /// Reads "shift" and "scale" of an object; nil if it has neither. `size` nil: as long as the lists are, checked later.
  init?(_ json: JSONValue, size: Int?) throws(RillError) {
    let (first, second) = (try json.member("shift"), try json.member("scale"))
    guard first != nil || second != nil else { return nil }
    var length = size
    var listLength: Int?
    for case .some(let value) in [first, second] where value.isArray {
      let count = try value.requireArray(count: (size ?? 1)...(size ?? Limits.size))
      if let length, length != count { throw .format("\(value.path): has \(count) elements, but shift has \(length)") }
      length = count
      listLength = count
    }
    self.listLength = listLength
    shift = try Scaling.read(first, length ?? 1, fallback: 0)
    scale = try Scaling.read(second, length ?? 1, fallback: 1)
    // Denormals are zero in computation.
    for i in 0..<scale.count where !scale.pointer[i].isNormal {
      throw .format("\(json.path).scale: a scale is 0, or too small to divide by")
    }
  }

  private init(shift: Buffer<Float>, scale: Buffer<Float>) {
    self.shift = shift
    self.scale = scale
    listLength = shift.count
  }

  /// The same for `size` elements, where numbers stood for all of them.
  func spread(to size: Int, path: Text) throws(RillError) -> Scaling {
    if shift.count == size { return self }
    guard listLength == nil else { throw .format("\(path): shift and scale have \(shift.count) elements, but the output has \(size)") }
    return Scaling(shift: try Scaling.filled(shift.pointer[0], size), scale: try Scaling.filled(scale.pointer[0], size))
  }

  func write(into json: JSONNode) throws(RillError) {
    try json.set("shift", try JSONNode.floats(shift.pointer, count: shift.count))
    try json.set("scale", try JSONNode.floats(scale.pointer, count: scale.count))
  }

  private static func read(_ json: JSONValue?, _ count: Int, fallback: Float) throws(RillError) -> Buffer<Float> {
    guard let json else { return try filled(fallback, count) }
    guard json.isArray else { return try filled(try json.float(), count) }
    let buffer = try Buffer<Float>(count: count)
    try json.floats(into: buffer.pointer, count: count)
    return buffer
  }

  private static func filled(_ value: Float, _ count: Int) throws(RillError) -> Buffer<Float> {
    let buffer = try Buffer<Float>(count: count)
    for i in 0..<count { buffer.pointer[i] = value }
    return buffer
  }
}
