import CPlatform
import CVector
import RillBase
import RillNetwork

/// One update, prepared: what is the same for all slices.
package struct Update {
  fileprivate let kernel: @convention(c) (UnsafePointer<rill__update>?) -> Int
  /// With pointers to the start of everything.
  fileprivate var numbers: rill__update
  /// η, of a group with factor 1.
  fileprivate let rate: Double
  /// The step size is η over this: Adam's 1 − β₁ⁿ, Adagrad's 1 + (n − 1) lr_decay, else 1.
  fileprivate var divisor = 1.0
  /// NAdam's Π μ including this update.
  fileprivate(set) var momentumProduct: Double
}

extension Optimizer {
  // MARK: the gradient's norm

  /// The sum of squares of a slice of the gradient, kept until `sumOfSquares` adds them up. Slices may be measured by several threads.
  package func measure(_ gradients: UnsafePointer<Float>, slice index: Int) {
    let slice = memory.slices.pointer[index]
    memory.squares.pointer[index] =
      groups.pointer[slice.group].isFrozen ? 0 : network.kernels.table.sum_of_squares(gradients + slice.offset, slice.count)
  }

  /// After every slice has been measured. Frozen parameters do not count.
  package func sumOfSquares() -> Double {
    var sum = 0.0
    for index in 0..<memory.squares.count { sum += memory.squares.pointer[index] }
    return sum
  }

  // MARK: the update

  package var sliceCount: Int { memory.slices.count }

  package static var diverged: RillError { .diverged("an updated parameter or moment would not be finite; lower the learning rate") }

  /// The parameters are changed by the gradient, scaled by `scale` and then limited to ±`limit`: an update is prepared, checked for every slice,
  /// and if all are well committed for every slice, and finished. Slices may be checked, and then committed, by several threads.
  package func prepare(
    _ parameters: UnsafeMutablePointer<Float>, _ gradients: UnsafePointer<Float>, scale: Float, limit: Float
  ) -> Update {
    let kernel: @convention(c) (UnsafePointer<rill__update>?) -> Int
    switch choice.kind {
    case .sgd: kernel = network.kernels.table.update_sgd
    case .adagrad, .rmsprop: kernel = network.kernels.table.update_rmsprop
    case .adam, .adamw, .nadam: kernel = network.kernels.table.update_adam
    }
    var update = Update(kernel: kernel, numbers: rill__update(), rate: rate, momentumProduct: momentumProduct)
    update.numbers.parameters = parameters
    update.numbers.gradients = gradients
    update.numbers.first = memory.first.count > 0 ? memory.first.pointer : nil
    update.numbers.second = memory.second.count > 0 ? memory.second.pointer : nil
    update.numbers.scale = scale
    update.numbers.limit = limit
    update.numbers.keep = 1
    update.numbers.moment_part = 1
    setNumbers(&update)
    return update
  }

  /// What depends on the kind. n: this update, counted from 1.
  private func setNumbers(_ update: inout Update) {
    let n = Double(updateCount + 1)
    let (beta1, beta2) = (choice.beta1, choice.beta2)
    update.numbers.epsilon = Float(choice.epsilon)
    update.numbers.first_decay = Float(choice.momentum)
    switch choice.kind {
    case .sgd:
      guard choice.isNesterov else { return }
      update.numbers.moment_part = update.numbers.first_decay
      update.numbers.gradient_part = 1
    case .adagrad:
      update.divisor = 1 + (n - 1) * choice.rateDecay
      update.numbers.second_decay = 1
      update.numbers.second_rest = 1
    case .rmsprop:
      update.numbers.second_decay = Float(choice.alpha)
      update.numbers.second_rest = Float(1 - choice.alpha)
    case .adam, .adamw, .nadam:
      update.numbers.first_decay = Float(beta1)
      update.numbers.first_rest = Float(1 - beta1)
      update.numbers.second_decay = Float(beta2)
      update.numbers.second_rest = Float(1 - beta2)
      update.numbers.second_correction = Float(1 / (1 - rill__pow(beta2, n)).squareRoot())
      if choice.kind != .nadam {
        update.divisor = 1 - rill__pow(beta1, n)
        return
      }
      // μ_n = β₁ (1 − 0.96^(n ψ) / 2) and Π_n = μ_1 … μ_n: the step takes (1 − μ_n) / (1 − Π_n) of g and μ_n+1 / (1 − Π_n+1) of m'.
      let psi = choice.momentumDecay
      let now = beta1 * (1 - rill__pow(0.96, n * psi) / 2)
      let next = beta1 * (1 - rill__pow(0.96, (n + 1) * psi) / 2)
      update.momentumProduct *= now
      update.numbers.gradient_part = Float((1 - now) / (1 - update.momentumProduct))
      update.numbers.moment_part = Float(next / (1 - update.momentumProduct * next))
    }
  }

  /// Whether every new value of a slice is finite. Nothing is written.
  package func check(_ update: Update, slice index: Int) -> Bool {
    let slice = memory.slices.pointer[index]
    if groups.pointer[slice.group].isFrozen { return true }
    var numbers = numbers(update, slice)
    return update.kernel(&numbers) != 0
  }

  /// Writes the new values of a slice.
  package func commit(_ update: Update, slice index: Int) {
    let slice = memory.slices.pointer[index]
    if !groups.pointer[slice.group].isFrozen {
      var numbers = numbers(update, slice)
      numbers.committing = 1
      _ = update.kernel(&numbers)
    }
    average?.add(update.numbers.parameters, slice, network.kernels)
  }

  private func numbers(_ update: Update, _ slice: Slice) -> rill__update {
    let group = groups.pointer[slice.group]
    let rate = update.rate * group.learningRateFactor
    let decay = group.weightDecay
    var numbers = update.numbers
    numbers.count = slice.count
    numbers.parameters += slice.offset
    numbers.gradients += slice.offset
    if numbers.first != nil { numbers.first += slice.offset }
    if numbers.second != nil { numbers.second += slice.offset }
    numbers.rate = Float(rate / update.divisor)
    if choice.kind == .adamw {
      numbers.keep = Float(1 - rate * decay)
    } else {
      numbers.weight_decay = Float(decay)
    }
    return numbers
  }
}
