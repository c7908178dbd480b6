import RillBase

// What a checkpoint keeps of an object, named: numbers, and buffers of floats whose content is written and read in place. One walk over both serves
// saving and restoring, so that the two cannot differ.

/// Is given a name and the value, and gives the value to have from now on: the same when saving, the saved one when restoring.
package typealias NumberVisitor = (StaticString, Double) throws(RillError) -> Double

package typealias BufferVisitor = (StaticString, Buffer<Float>) throws(RillError) -> Void

/// A finite number.
func visit(_ name: StaticString, _ value: Double, _ body: NumberVisitor) throws(RillError) -> Double {
  let result = try body(name, value)
  guard result.isFinite else { throw .format("\(name): is not finite") }
  return result
}

/// A count. Doubles hold those up to 2⁵³.
func visit(_ name: StaticString, _ value: Int, _ body: NumberVisitor) throws(RillError) -> Int {
  guard let result = Int(exactly: try body(name, Double(value))), result >= 0, result <= 1 << 53 else {
    throw .format("\(name): is not a count")
  }
  return result
}

func visit(_ name: StaticString, _ value: Bool, _ body: NumberVisitor) throws(RillError) -> Bool {
  try visit(name, value ? 1 : 0, body) != 0
}
