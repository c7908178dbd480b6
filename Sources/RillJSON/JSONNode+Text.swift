import CJSON
import RillBase

extension JSONNode {
  /// The text, laid out for people and ending in a newline.
  package func serialized() throws(RillError) -> Buffer<UInt8> {
    var length = 0
    guard let start = json_object_to_json_string_length(node, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length) else {
      throw .memory
    }
    let text = try start.withMemoryRebound(to: UInt8.self, capacity: length) { (start) throws(RillError) in
      var sizing = JSONLayout(start, count: length, output: nil)
      sizing.layOut()
      let text = try Buffer<UInt8>(count: sizing.length)
      var writing = JSONLayout(start, count: length, output: text.pointer)
      writing.layOut()
      return text
    }
    // json-c's printer drops what it finds no memory for and goes on.
    var agreement = JSONAgreement(text.pointer, count: text.count, maximumDepth: Int.max)
    do throws(JSONFault) { try agreement.check(node) } catch { throw .memory }
    return text
  }
}
