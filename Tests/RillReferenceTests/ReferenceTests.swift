import RillTestSupport
import Testing

/// The oracle is held against PyTorch before anything is held against the oracle.
@Suite struct ReferenceTests {
  /// Both compute in float64 from the same numbers; 1e-10 leaves room for another order of summation only.
  @Test(arguments: try ForwardFixture.all())
  func outputsAreThoseOfPyTorch(fixture: ForwardFixture) {
    let network = ReferenceNetwork(fixture.configuration, doubles(fixture.parameters.values))
    #expect(maximumDifference(network.outputs(for: fixture.data), fixture.outputs) < 1e-10)
  }

  @Test(arguments: try ForwardFixture.all())
  func namesAndShapesAreThoseOfPyTorch(fixture: ForwardFixture) {
    let expected = Dictionary(uniqueKeysWithValues: fixture.parameters.map { ($0.name, $0.shape) })
    let actual = Dictionary(uniqueKeysWithValues: fixture.configuration.parameterShapes.map { ($0.name, $0.shape) })
    #expect(actual == expected)
  }

  @Test(arguments: try TrainingFixture.all())
  func lossIsThatOfPyTorch(fixture: TrainingFixture) {
    let network = ReferenceNetwork(fixture.configuration, doubles(fixture.parameters.values))
    for run in fixture.runs {
      #expect(relativeDifference(network.loss(of: fixture.data, fixture.objective), run.losses[0]) < 1e-10)
    }
  }

  /// A loss near 1 is rounded at 1e-16, which a step of 6e-6 turns into up to 5e-11 in each element of a gradient; the faintest tensors
  /// here have elements near 1e-3. So 1e-7, a hundredth of what the differences decide.
  @Test(arguments: try TrainingFixture.all())
  func centralDifferencesAreTheGradientOfPyTorch(fixture: TrainingFixture) {
    let network = ReferenceNetwork(fixture.configuration, doubles(fixture.parameters.values))
    let gradient = network.gradient(of: fixture.data, fixture.objective)
    #expect(gradient.count == fixture.gradient.count)
    for (name, expected) in fixture.gradient {
      #expect(normwiseDifference(gradient[name] ?? [], expected) < 1e-7, "\(name)")
    }
  }

  /// The first three outputs for seed 1234567, as published with the algorithm's reference implementation.
  @Test func generatorIsSplitMix64() {
    var generator = SplitMix64(seed: 1_234_567)
    #expect((0..<3).map { _ in generator.next() } == [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423])
  }

  @Test func distancesNoticeWhatIsNotANumber() {
    #expect(maximumDifference([1, .nan, 2], [1, 1, 2]) == .infinity)
    #expect(scaledDifference([1, 2], [.nan, 2]) == .infinity)
    #expect(normwiseDifference([.nan], [1]) == .infinity)
    #expect(normwiseDifference([.infinity], [.infinity]) == .infinity)
    #expect(maximumDifference([1], [1, 2]) == .infinity)
    #expect(normwiseDifference([3, 5], [3, 4]) == 0.2)
  }
}

func doubles(_ values: [Float]) -> [Double] {
  values.map { Double($0) }
}

func doubles(_ parameters: [String: [Float]]) -> [String: [Double]] {
  parameters.mapValues { doubles($0) }
}
