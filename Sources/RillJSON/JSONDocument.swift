import CJSON
import RillBase

/// The tree of one JSON text.
package final class JSONDocument {
  private let tree: OpaquePointer?  // NULL is the JSON value null

  private init(owning tree: OpaquePointer?) { self.tree = tree }

  /// Parses one JSON text. maximumDepth: how deep objects and lists may nest.
  package convenience init(parsing bytes: UnsafeRawBufferPointer, maximumDepth: Int = 32) throws(RillError) {
    guard let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count > 0 else { throw .format("the text is empty") }
    guard bytes.count <= Int(Int32.max) else { throw .format("the text is longer than \(Int32.max) bytes") }
    if bytes.count >= 3, start[0] == 0xef, start[1] == 0xbb, start[2] == 0xbf { throw .format("the text starts with a byte-order mark") }
    // A convenience initializer: if a designated one throws, Embedded Swift leaks the object.
    let tree = try withExactFloatMode { () throws(RillError) in
      var parser = try JSONParser(start, count: bytes.count, maximumDepth: maximumDepth)
      let tree = try parser.parse()
      var agreement = JSONAgreement(start, count: bytes.count, maximumDepth: maximumDepth)
      do throws(JSONFault) {
        try agreement.check(tree)
      } catch {
        json_object_put(tree)
        throw error.reason.isEmpty ? .memory : .format(error.message)
      }
      return tree
    }
    self.init(owning: tree)
  }

  deinit { json_object_put(tree) }

  package var root: JSONValue { root(named: "") }

  /// The root under a name that opens the paths of everything in it: "options.loss" instead of "loss".
  package func root(named name: Text) -> JSONValue { JSONValue(document: self, node: tree, path: name) }
}
