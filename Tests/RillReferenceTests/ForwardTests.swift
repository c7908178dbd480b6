import RillTestSupport
import Testing

/// Outputs of the library in float32 against float64: 1e-6, relative for outputs beyond 1, is about ten times the spacing of float32.
private let tolerance = 1e-6

@Suite struct ForwardTests {
  @Test(arguments: NetworkCase.all)
  func runMatchesReference(_ testCase: NetworkCase) throws {
    let outputs = try testCase.model().run(testCase.data, perSequence: testCase.architecture.isPerSequence)
    #expect(scaledDifference(doubles(outputs), testCase.reference.outputs(for: testCase.data)) < tolerance)
  }

  /// A stream knows no lengths and, of a model with one output per sequence, gives the answer as if the sequence ended at each step.
  @Test(arguments: NetworkCase.all)
  func streamMatchesReference(_ testCase: NetworkCase) throws {
    var data = testCase.data
    data.lengths = nil
    let expected = ReferenceNetwork(testCase.architecture.withOutputAtEveryStep, doubles(testCase.parameters)).outputs(for: data)
    let model = try testCase.model()
    let stream = try TestStream(model, batchSize: data.batchSize)
    let stepped = try stream.run(data, blocks: Array(repeating: 1, count: data.sequenceLength))
    #expect(scaledDifference(doubles(stepped), expected) < tolerance)
    try stream.reset()
    let run = try stream.run(data, blocks: [data.sequenceLength])
    #expect(scaledDifference(doubles(run), expected) < tolerance)
  }

  @Test(arguments: try ForwardFixture.all())
  func runMatchesPyTorch(_ fixture: ForwardFixture) throws {
    let model = try TestModel(fixture.configuration, fixture.parameters.values)
    let outputs = try model.run(fixture.data, perSequence: fixture.configuration.isPerSequence)
    #expect(scaledDifference(doubles(outputs), fixture.outputs) < tolerance)
  }

  @Test(arguments: NetworkCase.all)
  func parametersHaveTheNamesAndShapesOfTheArchitecture(_ testCase: NetworkCase) throws {
    let model = try TestModel(configuration: testCase.architecture.configuration)
    let expected = testCase.architecture.parameterShapes
    #expect(Set(try model.parameterNames()) == Set(expected.map(\.name)))
    for (name, shape) in expected { #expect(try model.shape(name) == shape, "\(name)") }
  }

  @Test(arguments: NetworkCase.all.filter { $0.lengths != nil && !$0.architecture.isPerSequence })
  func paddedStepsGiveZero(_ testCase: NetworkCase) throws {
    let data = testCase.data
    let model = try testCase.model()
    let outputs = try model.run(data, perSequence: false)
    for b in 0..<data.batchSize {
      let padding = data.part(of: outputs, sequence: b, steps: data.sequenceLength).dropFirst(data.length(of: b) * model.outputSize)
      #expect(padding.allSatisfy { $0 == 0 })
    }
  }
}
