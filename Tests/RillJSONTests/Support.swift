import Foundation
import RillBase
import RillJSON

func document(_ text: String) throws(RillError) -> JSONDocument { try document(Array(text.utf8)) }

func document(_ bytes: [UInt8]) throws(RillError) -> JSONDocument {
  let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
  defer { copy.deallocate() }  // exactly as long as the text: a read beyond it is found by AddressSanitizer
  copy.copyBytes(from: bytes)
  return try JSONDocument(parsing: UnsafeRawBufferPointer(copy))
}

/// The error that body ends with; nil if it succeeds.
func failure(_ body: () throws(RillError) -> Void) -> RillError? {
  do throws(RillError) {
    try body()
    return nil
  } catch {
    return error
  }
}

/// The message with which a text is refused as broken; nil if it is accepted or fails otherwise.
func refusal(_ text: String) -> String? { refusal(Array(text.utf8)) }

func refusal(_ bytes: [UInt8]) -> String? {
  let error = failure { () throws(RillError) in _ = try document(bytes) }
  return error?.kind == .format ? error?.message : nil
}

extension Text {
  init(bytesOf string: String) { self = Array(string.utf8).withUnsafeBytes { Text($0, maximumBytes: $0.count) } }
}

func string(_ buffer: Buffer<UInt8>) -> String { String(decoding: buffer.bytes, as: UTF8.self) }

/// Random numbers that are the same in every run: SplitMix64.
struct Generator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

/// Rounding directions as fesetround takes them: to nearest, and the three others.
#if arch(x86_64)
  let toNearest: Int32 = 0
  let otherDirections: [Int32] = [0x400, 0x800, 0xc00]
#else
  let toNearest: Int32 = 0
  let otherDirections: [Int32] = [1 << 22, 2 << 22, 3 << 22]
#endif

/// A directory that is removed with the object.
final class TemporaryDirectory {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "rill-tests-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  subscript(_ name: String) -> String { path + "/" + name }

  var names: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() } }
}
