import CPlatform

/// Runs body with round-to-nearest and with denormals kept, whatever the host has set: text and numbers convert to the same bits then.
package func withExactFloatMode<Result>(_ body: () throws(RillError) -> Result) throws(RillError) -> Result {
  let saved = rill__enter_exact_float_mode()
  defer { rill__leave_exact_float_mode(saved) }
  return try body()
}
