/// Text made of a literal with values in it, as messages and names are. Every piece is a call here, where String's own interpolation expands to a
/// kilobyte at each place of use. A literal without values allocates nothing.
package struct Text: ExpressibleByStringInterpolation {
  package let string: String

  package init(_ string: String) { self.string = string }
  package init(stringLiteral literal: String) { string = literal }
  package init(stringInterpolation pieces: StringInterpolation) { string = pieces.string }

  package struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var string = ""

    package init(literalCapacity: Int, interpolationCount: Int) {}

    @inline(never) package mutating func appendLiteral(_ literal: String) { string += literal }
    package mutating func appendInterpolation(_ text: String) { appendLiteral(text) }
    package mutating func appendInterpolation(_ text: Text) { appendLiteral(text.string) }
    @inline(never) package mutating func appendInterpolation(_ literal: StaticString) { string += literal.description }
    @inline(never) package mutating func appendInterpolation(_ value: Int) { string += value.description }
    package mutating func appendInterpolation(_ value: Int32) { appendInterpolation(Int(value)) }
    @inline(never) package mutating func appendInterpolation(_ value: UInt) { string += value.description }
    @inline(never) package mutating func appendInterpolation(_ value: Float) { string += value.description }
    @inline(never) package mutating func appendInterpolation(_ value: Double) { string += value.description }
  }
}
