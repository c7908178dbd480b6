import Foundation
import RillTestSupport
import Testing

/// Saving and parsing keeps every bit.
@Suite struct ModelFileTests {
  @Test(arguments: NetworkCase.all.filter { $0.loss == .mse }, ["decimal", "base64"])
  func parsedModelsHaveTheSavedBits(_ testCase: NetworkCase, encoding: String) throws {
    var parameters = testCase.parameters
    let first = testCase.architecture.parameterShapes[0].name
    // Values that decimals lose easily: the extremes of float32, a denormal, and -0.
    for (index, value) in [Float.greatestFiniteMagnitude, .leastNormalMagnitude, .leastNonzeroMagnitude, -0.0, 0.1].enumerated()
    where index < parameters[first]!.count {
      parameters[first]![index] = value
    }
    let model = try TestModel(configuration: testCase.architecture.configuration)
    try model.setParameters(parameters)
    let text = try model.saveText(options: #"{"encoding": "\#(encoding)"}"#)
    let parsed = try TestModel(parsing: text)
    for (name, values) in parameters { #expect(bits(try parsed.parameter(name)) == bits(values), "\(name)") }
    #expect(try parsed.saveText(options: #"{"encoding": "\#(encoding)"}"#) == text)
  }

  @Test(arguments: ["decimal", "base64"])
  func parsedModelsGiveTheSameOutputs(encoding: String) throws {
    for testCase in StreamTests.cases {
      let model = try testCase.model()
      let parsed = try TestModel(parsing: try model.saveText(options: #"{"encoding": "\#(encoding)", "self_test": 5}"#))
      let isPerSequence = testCase.architecture.isPerSequence
      #expect(
        bits(try parsed.run(testCase.data, perSequence: isPerSequence)) == bits(try model.run(testCase.data, perSequence: isPerSequence)))
    }
  }

  /// A file that another program wrote from the description in docs/model-format.md, with keys and parameters in another order.
  @Test(arguments: try ForwardFixture.all())
  func aForeignFileLoads(_ fixture: ForwardFixture) throws {
    var file = try #require(try JSONSerialization.jsonObject(with: Data(fixture.configuration.configuration.utf8)) as? [String: Any])
    file["format"] = "rill"
    file["format_version"] = 1
    file["kind"] = "sequential"
    file["metadata"] = ["written_by": "a test", "list": [1, 2.5, NSNull()]] as [String: Any]
    file["parameters"] = fixture.parameters.reversed().map { ["name": $0.name, "shape": $0.shape, "data": $0.data] as [String: Any] }
    let model = try TestModel(parsing: Array(try JSONSerialization.data(withJSONObject: file, options: .prettyPrinted)))
    for (name, values) in fixture.parameters.values { #expect(bits(try model.parameter(name)) == bits(values), "\(name)") }
    let outputs = try model.run(fixture.data, perSequence: fixture.configuration.isPerSequence)
    #expect(scaledDifference(doubles(outputs), fixture.outputs) < 1e-6)
  }

  @Test func aSeedGivesTheSameParametersAndAnotherSeedOthers() throws {
    for testCase in StreamTests.cases {
      let configuration = testCase.architecture.configuration
      let first = try TestModel(configuration: configuration, seed: 42).parameters()
      #expect(try TestModel(configuration: configuration, seed: 42).parameters().mapValues(bits) == first.mapValues(bits))
      #expect(try TestModel(configuration: configuration, seed: 43).parameters().mapValues(bits) != first.mapValues(bits))
    }
  }
}
