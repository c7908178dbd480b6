import CPlatform
import CRill
import RillBase

// Text of models and checkpoints between this library and files, or the host's memory.

/// Calls body with the content of a file.
func withFile(_ path: UnsafePointer<CChar>, _ body: (UnsafeRawBufferPointer) throws(RillError) -> Void) throws(RillError) {
  var data: UnsafeMutableRawPointer?
  var size = 0
  let error = rill__read_file(path, Int(Int32.max), &data, &size)
  guard error == 0, let data else { throw file(path, errno: error) }
  defer { rill__free(data) }
  try body(UnsafeRawBufferPointer(start: data, count: size))
}

/// Writes a file that appears whole or not at all.
func replaceFile(_ path: UnsafePointer<CChar>, _ text: Buffer<UInt8>) throws(RillError) {
  let error = withExtendedLifetime(text) { rill__replace_file(path, text.pointer, text.count) }
  guard error == 0 else { throw file(path, errno: error) }
}

/// Text that a host has in memory in place of a file.
func fileText(_ text: UnsafePointer<CChar>?, _ text_length: Int) throws(RillError) -> UnsafeRawBufferPointer {
  let text = try required(text, "text")
  try check(text_length, in: 0...Int(Int32.max), "text_length")
  return UnsafeRawBufferPointer(start: text, count: text_length)
}

/// A file's failure; memory has a status of its own.
private func file(_ path: UnsafePointer<CChar>, errno: Int32) -> RillError {
  errno == rill__out_of_memory() ? RillError(.memory, "could not allocate memory for the file") : .io(path, errno: errno)
}
