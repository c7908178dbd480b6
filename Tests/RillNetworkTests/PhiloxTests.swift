import Testing

@testable import RillNetwork

/// The known answers that the authors of Philox publish with their library (Random123, kat_vectors, philox4x32 10).
@Test func philoxGivesThePublishedAnswers() {
  #expect(Philox(key: 0).words(0, 0, 0, 0) == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
  let ones = UInt32.max
  #expect(Philox(key: .max).words(ones, ones, ones, ones) == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
  #expect(
    Philox(key: 0x299f_31d0_a409_3822).words(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344)
      == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
}

@Test func initialValuesFollowTheirDistributions() {
  let count = 40_000
  var values = [Float](repeating: 0, count: count)
  values.withUnsafeMutableBufferPointer { InitialValue.normal.fill($0.baseAddress!, count: count, seed: 7, index: 0) }
  let mean = values.reduce(0) { $0 + Double($1) } / Double(count)
  let variance = values.reduce(0) { $0 + Double($1) * Double($1) } / Double(count) - mean * mean
  // Standard errors are 1/200 and √2/200; five of them.
  #expect(abs(mean) < 0.025)
  #expect(abs(variance - 1) < 0.036)
  values.withUnsafeMutableBufferPointer { InitialValue.uniform(0.5).fill($0.baseAddress!, count: count, seed: 7, index: 0) }
  #expect(values.allSatisfy { abs($0) <= 0.5 })
  // The variance of a uniform in ±½ is 1/12; its standard error here is 0.0004.
  #expect(abs(values.reduce(0) { $0 + Double($1) * Double($1) } / Double(count) - 1.0 / 12) < 0.002)
}
