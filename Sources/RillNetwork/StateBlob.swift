import CPlatform
import CVector
import RillBase

/// The state as bytes, little-endian:
///
///     0   8 bytes  "rillstat"
///     8   u32      version of this layout: 1
///     12  u32      batch_size
///     16  u64      hash of the recurrent layers' kinds and sizes
///     24  u64      number of floats
///     32  u64      FNV-1a of the 32 bytes above and the floats' bytes
///     40  float32  for each unit with memory: hidden [batch_size][hidden_size], then cell; no padding
enum StateBlob {
  static var headerBytes: Int { 40 }
  static var version: UInt32 { 1 }
  /// "rillstat" as a little-endian number.
  static var magic: UInt64 { 0x7461_7473_6c6c_6972 }
}

extension Stream {
  package var blobBytes: Int { StateBlob.headerBytes + 4 * valueCount }

  /// Values of the whole state without padding.
  private var valueCount: Int {
    network.units.reduce(0) { $0 + $1.memory.vectors * $1.outputSize * batchSize }
  }

  /// Writes `blobBytes` bytes.
  package func saveState(_ bytes: UnsafeMutableRawPointer) {
    let body = bytes + StateBlob.headerBytes
    var place = body
    forEachRow { row, count in
      place.copyMemory(from: row, byteCount: 4 * count)
      place += 4 * count
    }
    put(StateBlob.magic, bytes)
    put(UInt64(StateBlob.version) | UInt64(batchSize) << 32, bytes + 8)
    put(network.stateHash, bytes + 16)
    put(UInt64(valueCount), bytes + 24)
    put(checksum(bytes, 4 * valueCount), bytes + 32)
  }

  /// Checks everything before it changes anything. Messages are literals: nothing here may allocate.
  package func loadState(_ bytes: UnsafeRawPointer, _ length: Int) throws(RillError) {
    guard length >= StateBlob.headerBytes, get(bytes) == StateBlob.magic else { throw .format("data: is not a saved state") }
    let versionAndBatch = get(bytes + 8)
    let version = UInt32(truncatingIfNeeded: versionAndBatch)
    guard version == StateBlob.version else {
      throw .format("data: is a saved state of another version than this library's")
    }
    let floatBytes = length - StateBlob.headerBytes
    guard floatBytes % 4 == 0, get(bytes + 24) == UInt64(floatBytes / 4) else {
      throw .format("data: is truncated, or longer than it says")
    }
    // Before what the bytes say is compared with the stream: otherwise one flipped bit looks like the state of another model.
    guard get(bytes + 32) == checksum(bytes, floatBytes) else {
      throw .format("data: is corrupted, the checksum does not match")
    }
    guard get(bytes + 16) == network.stateHash else { throw .argument("data: is the state of a model with other recurrent layers") }
    let savedBatch = versionAndBatch >> 32
    guard savedBatch == UInt64(batchSize) else { throw .argument("data: has another batch_size than the stream") }
    guard get(bytes + 24) == UInt64(valueCount), length == blobBytes else {
      throw .format("data: its length is not that of a state of this stream")
    }
    let body = bytes + StateBlob.headerBytes
    for i in 0..<valueCount {
      guard body.loadUnaligned(fromByteOffset: 4 * i, as: Float.self).isFinite else { throw .format("data: a value is not finite") }
    }
    // The padding too: a diverged step may have left NaN in it.
    forEachState { part in
      hidden(part).clear(part.slotCount)
      part.frame.c?.clear(part.slotCount)
    }
    var place = body
    forEachRow { row, count in
      UnsafeMutableRawPointer(row).copyMemory(from: place, byteCount: 4 * count)
      place += 4 * count
    }
    needsReset = false
  }

  /// Of the header before it, and of the floats behind it.
  private func checksum(_ bytes: UnsafeRawPointer, _ floatBytes: Int) -> UInt64 {
    rill__hash(bytes + StateBlob.headerBytes, floatBytes, rill__hash(bytes, 32, 0))
  }

  @inline(always) private func forEachRow(_ body: (UnsafeMutablePointer<Float>, Int) -> Void) {
    forEachState { part in
      let size = part.frame.output_size
      for lane in 0..<batchSize { body(hidden(part) + lane * part.width, size) }
      if let cell = part.frame.c {
        for lane in 0..<batchSize { body(cell + lane * part.width, size) }
      }
    }
  }

  private func put(_ value: UInt64, _ bytes: UnsafeMutableRawPointer) { bytes.storeBytes(of: value.littleEndian, as: UInt64.self) }

  private func get(_ bytes: UnsafeRawPointer) -> UInt64 { UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self)) }
}
