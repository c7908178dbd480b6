import CPlatform
import Foundation
import RillBase
import Testing

@Suite struct PlatformTests {
  // MARK: error text

  func kept(_ text: String) -> String {
    rill__set_error(text, text.utf8.count)
    return String(cString: rill__get_error())
  }

  @Test func theErrorTextIsOneLine() {
    #expect(kept("a\nb\tc\u{1b}[0m\u{7f}ä") == "a b c [0m ä")
    #expect(kept("") == "")
    rill__set_error(nil, 0)
    #expect(rill__get_error().pointee == 0)
  }

  @Test func theErrorTextIsCutBetweenCharacters() {
    #expect(kept(String(repeating: "x", count: 511)).utf8.count == 511)
    #expect(kept(String(repeating: "x", count: 5000)) == String(repeating: "x", count: 511))
    #expect(kept("x" + String(repeating: "ä", count: 300)) == "x" + String(repeating: "ä", count: 255))
    #expect(kept(String(repeating: "ä", count: 300)) == String(repeating: "ä", count: 255))
    #expect(kept(String(repeating: "𝄞", count: 200)) == String(repeating: "𝄞", count: 127))
  }

  @Test func everyThreadHasItsOwnErrorText() {
    let semaphore = DispatchSemaphore(value: 0)
    nonisolated(unsafe) var other = "unset"
    _ = kept("mine")
    Thread {
      other = String(cString: rill__get_error())
      rill__set_error("theirs", 6)
      semaphore.signal()
    }.start()
    semaphore.wait()
    #expect(other == "")
    #expect(String(cString: rill__get_error()) == "mine")
  }

  // MARK: memory

  @Test func memoryIsZeroedAndAligned() throws {
    for bytes in [1, 63, 64, 65, 4097] {
      let memory = try #require(rill__allocate(bytes))
      defer { rill__free(memory) }
      #expect(Int(bitPattern: memory) % 64 == 0)
      #expect(UnsafeRawBufferPointer(start: memory, count: bytes).allSatisfy { $0 == 0 })
      memset(memory, 0xff, bytes)
    }
  }

  @Test func memoryThatCannotBeIsNULL() {
    #expect(rill__allocate(0) == nil)
    #expect(rill__allocate(Int(bitPattern: UInt.max)) == nil)
    #expect(rill__allocate(Int.max) == nil)
    rill__free(nil)
  }

  @Test func buffersFailWithAnError() {
    for count in [Int.max, Int.max / 4 + 1, Int.max / 8, -1, Int.min] {
      #expect(failure { () throws(RillError) in _ = try Buffer<Float>(count: count) }?.kind == .memory)
    }
    let error = failure { () throws(RillError) in _ = try Buffer<Float>(count: Int.max / 8) }
    #expect(error?.message == "could not allocate memory")
  }

  @Test func buffersMayBeEmpty() throws {
    let buffer = try Buffer<Double>(count: 0)
    #expect(buffer.count == 0)
    #expect(buffer.bytes.isEmpty)
  }

  @Test func productsThatOverflowAreNil() {
    #expect(product(6, 7) == 42)
    #expect(product(0, Int.max) == 0)
    #expect(product(Int.max, 1) == Int.max)
    #expect(product(Int.max / 2 + 1, 2) == nil)
    #expect(product(-1, 1) == nil)
    #expect(product(-1, -1) == nil)
    #expect(product(2, 3, 4) == 24)
    #expect(product(1 << 31, 1 << 31, 2) == nil)
    #expect(product(1, 1, -1) == nil)
    #expect(product(0, 0, Int.min) == nil)
  }

  // MARK: text

  @Test func bytesAreCompared() {
    let c = "c"
    #expect(sameBytes("abc" as Text, "abc"))
    #expect(sameBytes("abc" as Text, "ab\(Text(bytesOf: c))"))
    #expect(!sameBytes("abc" as Text, "abd"))
    #expect(!sameBytes("é" as Text, "e\u{301}"))  // canonically equal, and still other bytes
    let name: [CChar] = [97, 98, 0, 99, 0]
    for (text, isSame) in [("ab", true), ("a", false), ("abc", false)] { #expect(sameBytes(name, Text(bytesOf: text)) == isSame) }
    #expect(sameBytes(name, "ab" as StaticString))
    #expect(!sameBytes(name, "a" as StaticString))
    #expect(!sameBytes(name, "abc" as StaticString))
  }

  @Test func boundedTextIsCutBetweenCharacters() {
    #expect(boundedText("abc", maximumBytes: 3).description == "abc")
    #expect(boundedText("abcd", maximumBytes: 3).description == "abc…")
    #expect(boundedText("aäb", maximumBytes: 2).description == "a…")
    #expect(boundedText("", maximumBytes: 2).isEmpty)
  }

  /// One U+FFFD for each part of a character that is not all of one, as String does it.
  @Test func brokenTextIsRepaired() {
    var random = Generator(state: 7)
    let bytes: [UInt8] = [
      0x20, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff,
    ]
    for _ in 0..<20_000 {
      let text = (0..<Int.random(in: 1...6, using: &random)).map { _ in bytes.randomElement(using: &random)! }
      let expected = String(decoding: text, as: UTF8.self)
      let repaired = text.withUnsafeBytes { Text($0, maximumBytes: 6) }.description
      guard repaired.utf8.elementsEqual(expected.utf8) else {
        Issue.record("\(text): \(Array(repaired.utf8))")
        return
      }
    }
  }

  @Test func textsHoldNumbers() {
    for value in [0, 7, -7, 10, Int.max, Int.min] { #expect(("<\(value)>" as Text).description == "<\(value)>") }
    for value in [0, UInt.max] { #expect(("\(value)" as Text).description == "\(value)") }
    for value in [0, -0.1, 1e-300, 1e16, Double.greatestFiniteMagnitude, .leastNonzeroMagnitude, .infinity, .nan] {
      #expect(("\(value)" as Text).description == "\(value)")
    }
    for value in [0, -0.1, 1e-30, Float.greatestFiniteMagnitude, .leastNonzeroMagnitude] {
      #expect(("\(value)" as Text).description == "\(value)")
    }
  }

  @Test func errorsAboutFilesNameThePathAndTheReason() {
    #expect(RillError.io("model.json", errno: ENOENT).message == "model.json: No such file or directory")
    #expect(RillError.io("model.json", errno: EISDIR).message == "model.json: Is a directory")
    #expect(RillError.io("x", errno: 99_999).message == "x: Unknown error 99999")
    #expect(RillError.io("x", errno: EIO).kind == .io)
  }

  @Test func longErrorTextsAreCut() {
    var buffer = [CChar](repeating: 1, count: 8)
    rill__errno_text(ENOENT, &buffer, 8)
    #expect(buffer.contains(0))
  }

  // MARK: numbers

  /// From the reference code's test suite, http://www.isthe.com/chongo/src/fnv/test_fnv.c.
  @Test(arguments: [("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8)] as [(String, UInt64)])
  func hashesAreThoseOfTheReference(text: String, hash: UInt64) {
    #expect(rill__hash(text, text.utf8.count, 0) == hash)
  }

  @Test func hashesContinue() {
    let first = rill__hash("foo", 3, 0)
    #expect(rill__hash("bar", 3, first) == rill__hash("foobar", 6, 0))
  }

  @Test func doublesAreParsedToTheNearest() {
    #expect(rill__parse_double("0.1") == 0.1)
    #expect(rill__parse_double("-1e-5") == -1e-5)
    #expect(rill__parse_double("5e-324") == .leastNonzeroMagnitude)
    #expect(rill__parse_double("1e999") == .infinity)
  }

  @Test func theInstructionSetIsLoweredAndNeverRaised() {
    let best = rill__instruction_set()
    #expect([1, 3, 4].contains(best))
    for (name, level) in [("baseline", 1), ("v3", 3), ("v4", 4), ("other", 4), ("", 4)] as [(String, Int32)] {
      setenv("RILL_ISA", name, 1)
      #expect(rill__instruction_set() == min(best, level))
    }
    unsetenv("RILL_ISA")
    #expect(rill__instruction_set() == best)
  }

  // MARK: floating-point mode

  @Test func computationFlushesDenormalsAndRoundsToNearest() {
    #expect(fesetround(otherDirections[2]) == 0)  // toward zero: 0.1 would be 0x3dcccccc
    #if arch(x86_64)
      rill__write_float_mode(rill__read_float_mode() & ~0x3f)  // no exception so far
    #endif
    let host = rill__read_float_mode()
    let saved = rill__enter_float_mode()
    let inside = rill__read_float_mode()
    var tiny = Float.leastNormalMagnitude
    var ten: Float = 10
    withUnsafeMutablePointer(to: &tiny) { $0.pointee = volatile($0.pointee) * 0.5 }
    withUnsafeMutablePointer(to: &ten) { $0.pointee = 1 / volatile($0.pointee) }
    rill__leave_float_mode(saved)
    let after = rill__read_float_mode()
    fesetround(toNearest)
    #expect(saved == host)
    #expect(after == host)  // with the exception flags that the division has raised put back
    #expect(inside != host)
    #expect(ten.bitPattern == 0x3dcc_cccd)
    #if arch(x86_64) || arch(arm64)
      #expect(tiny == 0)
    #endif
  }

  @Test func conversionKeepsDenormals() {
    let computing = rill__enter_float_mode()
    defer { rill__leave_float_mode(computing) }
    let saved = rill__enter_exact_float_mode()
    var tiny = Float.leastNormalMagnitude
    withUnsafeMutablePointer(to: &tiny) { $0.pointee = volatile($0.pointee) * 0.5 }
    rill__leave_float_mode(saved)
    #expect(tiny.bitPattern == 0x0040_0000)
  }

  /// A value that the compiler must not compute with beforehand.
  @inline(never) func volatile(_ value: Float) -> Float { value }
}
