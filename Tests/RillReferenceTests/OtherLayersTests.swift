import RillTestSupport
import Testing

/// A state fits every model with the same recurrent layers, wherever layers without a state stand in it.
@Suite struct OtherLayersTests {
  private static let bare: [Layer] = [.gru(5).with(\.initialState, true), .lstm(4).with(\.initialState, true)]
  private static let dressed: [Layer] = [
    .dense(3, "tanh"), .gru(5).with(\.initialState, true), .dropout(0.5), .dense(7), .dense(6, "relu"),
    .lstm(4).with(\.initialState, true), .dense(2),
  ]
  /// In one model and in the other.
  private static let names = [("0.hidden", "1.hidden", 5), ("1.hidden", "5.hidden", 4), ("1.cell", "5.cell", 4)]

  private let bareCase = NetworkCase("bare", Architecture(vector: 3, bare)).sized(steps: 6, batch: 2)
  private let dressedCase = NetworkCase("dressed", Architecture(vector: 3, dressed)).sized(steps: 6, batch: 2)

  private func expectTheSame(_ bare: TestStream, _ dressed: TestStream) throws {
    for (one, other, size) in Self.names {
      let state = try bare.state(one, count: 2 * size)
      #expect(bits(try dressed.state(other, count: 2 * size)) == bits(state))
      #expect(state.contains { $0 != 0 })
    }
  }

  /// Two streams in the middle of different sequences.
  private func streams() throws -> (bare: TestStream, dressed: TestStream) {
    let bare = try TestStream(try bareCase.model(), batchSize: 2)
    let dressed = try TestStream(try dressedCase.model(), batchSize: 2)
    _ = try bare.run(bareCase.data, blocks: [6])
    _ = try dressed.run(dressedCase.data, blocks: [5])
    return (bare, dressed)
  }

  @Test func copiesFindTheRecurrentLayers() throws {
    var (bare, dressed) = try streams()
    try bare.copy(to: dressed)
    try expectTheSame(bare, dressed)
    (bare, dressed) = try streams()
    try dressed.copy(to: bare)
    try expectTheSame(bare, dressed)
    (bare, dressed) = try streams()
    for lane in 0..<2 { try bare.copy(lane: lane, to: dressed, lane: lane) }
    try expectTheSame(bare, dressed)
    (bare, dressed) = try streams()
    try bare.loadState(try dressed.saveState())
    try expectTheSame(bare, dressed)
  }

  @Test func initialStatesFindTheRecurrentLayers() throws {
    for isBare in [true, false] {
      let (bare, dressed) = try streams()
      let (from, testCase) = isBare ? (bare, dressedCase) : (dressed, bareCase)
      let model = try testCase.model()
      try model.setInitialState(from, lane: 1)
      try model.publish()
      let fresh = try TestStream(model, batchSize: 2)
      try from.copy(lane: 1, to: from, lane: 0)
      try expectTheSame(isBare ? from : fresh, isBare ? fresh : from)
    }
  }
}
