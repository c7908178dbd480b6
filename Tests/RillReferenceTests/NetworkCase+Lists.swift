import RillTestSupport

extension NetworkCase {
  /// Every layer, variant, loss, head, reduction and mask. Networks are small, because central differences run each of them twice for every
  /// parameter; hidden sizes fall on and between the multiples of 4 and 16 in which kernels work.
  static let all: [NetworkCase] =
    cells.flatMap(cellCases) + tokenCases + headCases + lossCases + optionCases + maskCases + sizeCases + stackCases + scaleCases

  /// Unequal, unsorted, with a full and a shortest one.
  private static let unequal: [Int32] = [2, 4, 1]

  private static func cellCases(_ name: String, _ cell: @Sendable (Int) -> Layer) -> [NetworkCase] {
    func vector(_ variant: String, _ layers: [Layer]) -> NetworkCase {
      NetworkCase("\(name) \(variant)", Architecture(vector: 3, layers))
    }
    let options: [NetworkCase] = [
      vector("alone", [cell(5)]),
      vector("and head", [cell(5), .dense(2)]).with(\.lengths, unequal),
      vector("without bias", [cell(5).with(\.bias, false), .dense(2)]).with(\.lengths, unequal),
      vector("with initial state", [cell(5).with(\.initialState, true), .dense(2)]).with(\.lengths, unequal),
      vector("with initial state, without bias", [cell(6).with(\.initialState, true).with(\.bias, false)]),
      vector("of two layers", [cell(5).with(\.numLayers, 2), .dense(2)]).with(\.lengths, unequal),
      vector("of three layers with initial state", [cell(4).with(\.numLayers, 3).with(\.initialState, true)]).with(\.lengths, unequal),
      vector("last step", [cell(5).with(\.returnSequences, false), .dense(2)]).with(\.lengths, unequal),
      vector("last step alone", [cell(5).with(\.returnSequences, false)]),
      vector(
        "last step, two layers with initial state", [cell(5).with(\.returnSequences, false).with(\.numLayers, 2).with(\.initialState, true)]
      )
      .with(\.lengths, unequal),
    ]
    let sizes = [1, 3, 4, 16, 17].map { vector("hidden \($0)", [cell($0), .dense(2)]) }
    let large = [20, 33].map {
      NetworkCase("\(name) hidden \($0)", Architecture(vector: 2, [cell($0), .dense(2)])).sized(steps: 3, batch: 2)
    }
    return options + sizes + large
  }

  /// One-hot tokens and embeddings before every cell, and without one.
  private static let tokenCases: [NetworkCase] =
    cells.flatMap { name, cell in
      [
        NetworkCase("one-hot \(name)", Architecture(tokens: 6, [cell(5), .dense(6, "softmax")])),
        NetworkCase("embedding \(name)", Architecture(tokens: 6, [.embedding(3), cell(5), .dense(6)])),
      ].map { $0.measured(.crossEntropy).with(\.lengths, unequal) }
    } + [
      NetworkCase("one-hot dense", Architecture(tokens: 6, [.dense(4, "tanh"), .dense(6, "softmax")])).measured(.crossEntropy),
      NetworkCase("embedding dense", Architecture(tokens: 6, [.embedding(17), .dense(6, "softmax")])).measured(.crossEntropy),
      NetworkCase("embedding alone", Architecture(tokens: 6, [.embedding(5)])).with(\.lengths, unequal),
      NetworkCase("one-hot lstm of 17", Architecture(tokens: 19, [.lstm(17), .dense(19)])).measured(.crossEntropy),
    ]

  private static let headCases: [NetworkCase] = ["linear", "tanh", "relu", "sigmoid", "softmax"].flatMap { (activation: String) in
    [
      NetworkCase("\(activation) head", Architecture(vector: 3, [.lstm(5), .dense(4, activation)])).with(\.lengths, unequal),
      NetworkCase(
        "\(activation) head of last step", Architecture(vector: 3, [.gru(5).with(\.returnSequences, false), .dense(17, activation)])
      )
      .with(\.lengths, unequal),
    ]
  }

  /// Every loss with every head and reduction that it takes, at every step and per sequence.
  private static let lossCases: [NetworkCase] = [
    (Objective.Loss.crossEntropy, ["linear", "softmax"]), (.bce, ["linear", "sigmoid"]), (.mse, ["linear"]), (.mae, ["linear"]),
    (.huber, ["linear"]),
  ].flatMap { loss, heads in
    heads.flatMap { (head: String) in
      [Objective.Reduction.mean, .sum].flatMap { reduction in
        [
          NetworkCase("\(head) head", Architecture(vector: 3, [.gru(5), .dense(4, head)])),
          NetworkCase("\(head) head of last step", Architecture(vector: 3, [.lstm(5).with(\.returnSequences, false), .dense(4, head)])),
        ].map { $0.measured(loss, reduction).with(\.lengths, unequal).with(\.hasUncountedClasses, true) }
      }
    }
  }

  /// Options of losses, with and without weights of steps, at every step and per sequence.
  private static let optionCases: [NetworkCase] = {
    var (huber, smooth, weighted, both, positive) =
      (LossOptions(""), LossOptions(""), LossOptions(""), LossOptions(""), LossOptions(""))
    huber.delta = 0.4
    smooth.labelSmoothing = 0.2
    weighted.classWeights = [0.5, 2, 0, 1.25]
    both.labelSmoothing = 0.3
    both.classWeights = [0.75, 0, 3, 1]
    positive.positiveWeights = [0.25, 3, 1, 0]
    let options: [(Objective.Loss, LossOptions)] = [
      (.mse, LossOptions("")), (.mae, LossOptions("")), (.huber, huber), (.crossEntropy, LossOptions("")), (.crossEntropy, smooth),
      (.crossEntropy, weighted), (.crossEntropy, both), (.bce, LossOptions("")), (.bce, positive),
    ]
    let heads: [NetworkCase] = options.flatMap { loss, options in
      [false, true].flatMap { hasWeights in
        [
          NetworkCase("options", Architecture(vector: 3, [.gru(5), .dense(4)])).measured(loss, .mean),
          NetworkCase("options of last step", Architecture(vector: 3, [.lstm(5).with(\.returnSequences, false), .dense(4)]))
            .measured(loss, .sum),
        ].map { $0.with(\.lossOptions, options).with(\.hasWeights, hasWeights).with(\.lengths, unequal).with(\.seed, 3) }
      }
    }
    var emphasized = LossOptions("")
    emphasized.preEmphasis = 0.85
    emphasized.epsilon = 0.02
    let audio: [NetworkCase] = [LossOptions(""), emphasized].flatMap { options in
      [Objective.Reduction.mean, .sum].map {
        NetworkCase("audio", Architecture(vector: 2, [.lstm(5), .dense(2)], outputShift: [0.5, -1], outputScale: [2, -0.5]))
          .measured(.esr, $0).with(\.lossOptions, options).sized(steps: 9, batch: 3, lengths: [5, 9, 1])
      }
    }
    return heads + audio
  }()

  /// Full, unequal and shortest sequences, every batch size up to 7 and some beyond.
  private static let maskCases: [NetworkCase] = cells.flatMap { name, cell in
    let base = NetworkCase(name, Architecture(vector: 2, [cell(4), .dense(3, "softmax")])).measured(.crossEntropy)
    return [
      base.sized(steps: 1, batch: 1),
      base.sized(steps: 12, batch: 1),
      base.sized(steps: 11, batch: 2, lengths: [11, 11]),
      base.sized(steps: 9, batch: 3, lengths: [9, 1, 5]),
      base.sized(steps: 7, batch: 4, lengths: [1, 1, 1, 1]),
      base.sized(steps: 6, batch: 5, lengths: [3, 2, 3, 1, 2]),  // none reaches the batch's length
      base.sized(steps: 5, batch: 6),
      base.sized(steps: 5, batch: 7, lengths: [5, 4, 3, 2, 1, 5, 4]),
      base.sized(steps: 3, batch: 13),  // beyond one tile of a kernel
      base.sized(steps: 2, batch: 30, lengths: (0..<30).map { 1 + $0 % 2 }),
    ]
  }

  /// Input and output sizes around the widths of kernels.
  private static let sizeCases: [NetworkCase] = [1, 4, 16, 17, 33].flatMap { size in
    [
      NetworkCase("\(size) inputs", Architecture(vector: size, [.lstm(3), .dense(2)])),
      NetworkCase("\(size) outputs", Architecture(vector: 2, [.gru(3), .dense(size)])),
      NetworkCase("\(size) classes", Architecture(vector: 2, [.rnn(3), .dense(size, "softmax")])).measured(.crossEntropy),
    ]
  }

  private static let stackCases: [NetworkCase] = [
    NetworkCase("deep stack", Architecture(tokens: 7, [.embedding(3), .lstm(5), .gru(4), .dense(6, "tanh"), .dense(7, "softmax")]))
      .measured(.crossEntropy).with(\.lengths, unequal),
    NetworkCase(
      "named layers",
      Architecture(vector: 3, [.dense(4, "relu").with(\.name, "in"), .rnn(5).with(\.name, "memory"), .dense(2).with(\.name, "out")])),
    NetworkCase(
      "dense between", Architecture(vector: 3, [.gru(5, resetAfter: false), .dense(4, "sigmoid"), .lstm(3), .dense(2, bias: false)])
    )
    .with(\.lengths, unequal),
    NetworkCase(
      "many to one in a stack",
      Architecture(vector: 3, [.rnn(4), .lstm(5), .gru(3).with(\.returnSequences, false), .dense(5, "tanh"), .dense(4)])
    )
    .measured(.crossEntropy).with(\.lengths, unequal),
    NetworkCase("linear layers first", Architecture(vector: 3, [.dense(4, "relu"), .dense(20), .lstm(5), .dense(2)])).with(
      \.lengths, unequal),
    NetworkCase("dense only", Architecture(vector: 3, [.dense(5, "tanh"), .dense(3, "sigmoid")])).measured(.bce).with(\.lengths, unequal),
    NetworkCase(
      "dropout outside training", Architecture(vector: 3, [.dropout(0), .lstm(4).with(\.numLayers, 2).with(\.dropout, 0), .dense(2)])),
  ]

  /// Shift and scale per element and, of the list of one element, for all.
  private static let scaleCases: [NetworkCase] = [
    NetworkCase(
      "input scaled", Architecture(vector: 3, shift: [0.5, -1.25, 2], scale: [2, 0.25, -1.5], [.gru(5), .dense(4, "softmax")])
    ).measured(.crossEntropy).with(\.lengths, unequal),
    NetworkCase(
      "both sides scaled",
      Architecture(
        vector: 2, shift: [0.5, -1.25], scale: [2, 0.25], [.lstm(5), .dense(2)], outputShift: [10, -3.5], outputScale: [4, 0.125])
    ).with(\.lengths, unequal),
    NetworkCase(
      "output scaled, last step",
      Architecture(vector: 2, [.lstm(5).with(\.returnSequences, false), .dense(2, "tanh")], outputShift: [1.5, 0], outputScale: [-2, 8])
    ).measured(.mse, .sum).with(\.lengths, unequal),
  ]
}
