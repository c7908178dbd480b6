/// What a model may ask for. Every size from a file or a host is held against these before it is used.
package enum Limits {
  package static var size: Int { 65_536 }
  package static var tokens: Int { 1_048_576 }
  package static var layers: Int { 64 }
  package static var cellsPerLayer: Int { 16 }
  package static var parameterValues: Int { 1 << 28 }
  package static var batchSize: Int { 65_536 }
  package static var nameBytes: Int { 64 }
}

/// n rounded up to a whole number of vectors: rows of hidden state, outputs and inputs are padded to this.
package func padded(_ n: Int) -> Int { (n + 15) & ~15 }

/// n rounded up to a multiple of `chains`.
func padded(_ n: Int, to chains: Int) -> Int { (n + chains - 1) / chains * chains }
