import CPlatform
import Foundation
import RillBase
import RillJSON
import Testing

/// A locale with a decimal comma, made with localedef if the system has none installed; nil where that is not possible.
private nonisolated(unsafe) let commaLocale: locale_t? = {
  if let installed = newlocale(1 << LC_NUMERIC, "de_DE.UTF-8", nil) { return installed }
  guard let directory = try? TemporaryDirectory() else { return nil }
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/localedef")
  process.arguments = ["-i", "de_DE", "-f", "UTF-8", directory["de_DE.UTF-8"]]
  process.standardError = FileHandle.nullDevice
  guard (try? process.run()) != nil else { return nil }
  process.waitUntilExit()
  setenv("LOCPATH", directory.path, 1)
  defer { unsetenv("LOCPATH") }
  return newlocale(1 << LC_NUMERIC, "de_DE.UTF-8", nil)
}()

@Suite struct LocaleTests {
  @Test(.enabled(if: commaLocale != nil, "no locale with a decimal comma"))
  func theHostsDecimalCommaDoesNotMatter() throws {
    let host = uselocale(commaLocale)
    defer { uselocale(host) }
    #expect(strtod("1,5", nil) == 1.5)  // the locale is in force
    #expect(rill__parse_double("1.5") == 1.5)

    let root = try document("[1.5, 2.5e-3]").root
    #expect(try root.element(0).float() == 1.5)
    #expect(try root.element(1).number(0...1) == 2.5e-3)
    #expect(refusal("[1,5") != nil)
    #expect(string(try JSONNode.floats([1.5, 0.0025, 1e30], count: 3).serialized()) == "[1.5, 0.0025, 1e+30]\n")
    #expect(string(try JSONNode.number(1234.5 as Double).serialized()) == "1234.5\n")
    #expect(string(try JSONNode.copy(of: root).serialized()) == "[1.5, 2.5e-3]\n")
    #expect(uselocale(nil) == commaLocale)  // and is left in force
  }
}
