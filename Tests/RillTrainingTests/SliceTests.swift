import RillBase
import RillNetwork
import Testing

@testable import RillTraining

@Suite struct SliceTests {
  @Test(arguments: [
    "{}", #"{"groups": [{"parameters": "head.*"}]}"#, #"{"groups": [{"parameters": "*bias*"}, {"parameters": "*"}]}"#,
    #"{"groups": [{"parameters": "body.weight_hh_l0", "frozen": true}]}"#,
  ])
  func slicesCoverEverythingOnce(_ options: String) throws {
    let network = try network()
    let groups = try ParameterGroups(json(options), network, weightDecay: 0)
    let slices = try Slice.all(network, groups)
    var end = 0
    for index in 0..<slices.count {
      let slice = slices.pointer[index]
      #expect(slice.offset == end && slice.offset % 16 == 0 && slice.count % 16 == 0 && 1...4096 ~= slice.count)
      end += slice.count
    }
    #expect(end == network.valueCount)
    // Every value is in a slice of its parameter's group.
    for (index, parameter) in network.parameters.enumerated() {
      for value in [parameter.offset, parameter.offset + parameter.count - 1] {
        let slice = (0..<slices.count).map { slices.pointer[$0] }.first { $0.offset <= value && value < $0.offset + $0.count }
        #expect(slice?.group == groups.indices.pointer[index], "\(parameter.name)")
      }
    }
  }

  /// Without groups the blocks of the norm do not depend on where tensors begin.
  @Test func oneGroupIsCutEvery4096() throws {
    let network = try network()
    let slices = try Slice.all(network, try ParameterGroups(json("{}"), network, weightDecay: 0))
    #expect((0..<slices.count).map { slices.pointer[$0].count } == [4096, network.valueCount - 4096])
  }

  @Test func theFirstPatternThatMatchesWins() throws {
    let network = try network()
    let options = """
      {"groups": [{"parameters": ["*.bias_ih*", "head.bias"]}, {"parameters": "head.*"}, {"parameters": ["*bias*", "*hh*"]}]}
      """
    let groups = try ParameterGroups(json(options), network, weightDecay: 0)
    let found = Dictionary(uniqueKeysWithValues: network.parameters.enumerated().map { ($1.name.description, groups.indices.pointer[$0]) })
    #expect(
      found == [
        "body.weight_ih_l0": 0, "body.weight_hh_l0": 3, "body.bias_ih_l0": 1, "body.bias_hh_l0": 3, "head.weight": 2, "head.bias": 1,
      ])
  }

  /// Any order of slices gives the bits of the serial update, moments and average included.
  @Test(arguments: ["sgd", "adagrad", "rmsprop", "adam", "adamw", "nadam"])
  func orderOfSlicesDoesNotMatter(_ kind: String) throws {
    let options = """
      {"optimizer": {"type": "\(kind)", "weight_decay": 0.1}, "average": {"decay": 0.5},
       "groups": [{"parameters": "*bias*", "learning_rate_factor": 2}, {"parameters": "head.*", "frozen": true}]}
      """
    let serial = try Descent(options)
    let apart = try Descent(options)
    for _ in 0..<4 {
      let serialNorm = try serial.update()

      let optimizer = apart.optimizer
      let gradient = apart.gradient()
      for index in (0..<optimizer.sliceCount).reversed() { optimizer.measure(gradient, slice: index) }
      #expect(optimizer.sumOfSquares().squareRoot() == serialNorm)
      let update = optimizer.prepare(apart.parameters.pointer, gradient, scale: 0.5, limit: 0.4)
      let before = apart.bits
      for index in (0..<optimizer.sliceCount).reversed() { #expect(optimizer.check(update, slice: index)) }
      #expect(apart.bits == before)
      for index in (0..<optimizer.sliceCount).reversed() { optimizer.commit(update, slice: index) }
      optimizer.finish(update)
      #expect(apart.bits == serial.bits)
      #expect(apart.bits != before)
    }
    let (a, b) = (try serial.state(), try apart.state())
    #expect(a.numbers == b.numbers)
    #expect(a.buffers == b.buffers)
  }
}
