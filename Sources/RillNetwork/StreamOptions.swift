import RillBase
import RillJSON

/// What a host may choose of a stream.
package struct StreamOptions {
  package var precision = Precision.float32
  /// Input that is not finite counts as 0 instead of being refused.
  package var replacesNonFinite = false

  private static var table: OptionTable {
    OptionTable([
      Option("precision", .choice(Precision.names, fallback: 0)),
      Option("nonfinite", .choice("refuse zero", fallback: 0)),
    ])
  }

  package init() {}

  package init(_ json: JSONValue) throws(RillError) {
    try StreamOptions.table.requireKeys(json)
    let values = try StreamOptions.table.read(json)
    precision = Precision(rawValue: Int(values[0])) ?? .float32
    replacesNonFinite = values[1] == 1
  }
}
