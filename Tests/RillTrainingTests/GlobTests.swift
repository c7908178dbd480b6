import Testing

@testable import RillTraining

@Suite struct GlobTests {
  @Test(arguments: [
    ("", "", true), ("", "a", false), ("a", "", false), ("abc", "abc", true), ("abc", "abcd", false), ("abcd", "abc", false),
    ("*", "", true), ("*", "anything", true), ("**", "x", true), ("?", "", false), ("?", "x", true), ("?", "xy", false),
    ("head.*", "head.weight", true), ("head.*", "head.", true), ("head.*", "ahead.weight", false), ("head.*", "headxweight", false),
    ("*.bias*", "0.bias_ih_l0", true), ("*.bias*", "bias", false), ("*.bias", "0.bias_ih_l0", false),
    ("a*b*c", "axxbyybzc", true), ("a*b*c", "axxbyybz", false), ("*ab", "aab", true), ("*aab", "aaaab", true), ("a*a", "a", false),
    ("?*?", "x", false), ("?*?", "xy", true), ("*?", "", false), ("l?", "l0", true),
    // One character, whatever its bytes.
    ("?", "é", true), ("??", "é", false), ("?", "€", true), ("*??", "€", false), ("*??*", "a€", true), ("?é", "éé", true),
    ("*é", "aé", true),
    ("[ab]", "a", false), ("[ab]", "[ab]", true), ("A", "a", false),
  ])
  func matchesWholeNames(_ pattern: String, _ name: String, _ expected: Bool) {
    #expect(matches(pattern, name) == expected)
  }

  /// With nested searches this would take longer than the universe has.
  @Test func manyStarsTakeNoLonger() {
    #expect(!matches(String(repeating: "*a", count: 60) + "b", String(repeating: "a", count: 127)))
  }
}
