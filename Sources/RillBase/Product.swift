/// a · b for sizes; nil if it overflows or a factor is negative.
package func product(_ a: Int, _ b: Int) -> Int? {
  let (result, overflow) = a.multipliedReportingOverflow(by: b)
  return overflow || a < 0 || b < 0 ? nil : result
}

package func product(_ a: Int, _ b: Int, _ c: Int) -> Int? {
  guard c >= 0, let ab = product(a, b) else { return nil }
  return product(ab, c)
}
