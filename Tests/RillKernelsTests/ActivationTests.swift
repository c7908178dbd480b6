import CVector
import Foundation
import Testing

/// A dense layer whose bias is x and whose weights are zero computes the bare activation.
private func activations(_ kind: Int, _ x: [Float], _ table: rill__kernels) -> [Float] {
  let panel = x + [Float](repeating: 0, count: 4 * 16)
  let input = [Float](repeating: 0, count: 16)
  var y = [Float](repeating: 0, count: 16)
  panel.withUnsafeBufferPointer { panel in
    input.withUnsafeBufferPointer { input in
      y.withUnsafeMutableBufferPointer { y in
        var frame = rill__frame()
        frame.rows = 1
        frame.blocks = 1
        frame.output_size = 16
        frame.input = rill__matrix(at: 16, stride: 5 * 16, rows: 4, scales_at: 0, half: 0)
        frame.panel = 5 * 16
        frame.kind = kind
        frame.weights = panel.baseAddress
        frame.x = input.baseAddress
        frame.x_stride = 16
        frame.h_next = y.baseAddress
        frame.z = y.baseAddress
        _ = table.dense_forward(&frame)
      }
    }
  }
  return y
}

/// Every 40,009th float of both signs from 0 to 128, in groups of 16.
private func samples() -> [[Float]] {
  var values: [Float] = []
  var pattern: UInt32 = 0
  while pattern < Float(128).bitPattern {
    values += [Float(bitPattern: pattern), -Float(bitPattern: pattern)]
    pattern += 40_009
  }
  values += [Float](repeating: 0, count: (16 - values.count % 16) % 16)
  return stride(from: 0, to: values.count, by: 16).map { Array(values[$0..<($0 + 16)]) }
}

/// 1.1e-7 is a little under one unit in the last place of 1; smaller results may be off by two of their own units.
private func isAccurate(_ y: Float, _ exact: Double) -> Bool {
  let error = abs(Double(y) - exact)
  return error <= 1.1e-7 || error <= 2 * Double(Float(exact).ulp)
}

@Test(arguments: Level.all) func tanhIsAccurate(_ level: Level) {
  for x in samples() {
    for (x, y) in zip(x, activations(Int(rill__tanh), x, level.table)) where !isAccurate(y, tanh(Double(x))) {
      Issue.record("tanh(\(x)) = \(y), exactly \(tanh(Double(x)))")
    }
  }
}

@Test(arguments: Level.all) func sigmoidIsAccurate(_ level: Level) {
  for x in samples() {
    for (x, y) in zip(x, activations(Int(rill__sigmoid), x, level.table)) where !isAccurate(y, 1 / (1 + exp(-Double(x)))) {
      Issue.record("sigmoid(\(x)) = \(y), exactly \(1 / (1 + exp(-Double(x))))")
    }
  }
}

@Test(arguments: Level.all) func activationsOfExtremesAreTheirLimits(_ level: Level) {
  let x: [Float] =
    [0, -0.0, .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .infinity, -.infinity, .nan, 1e-30] + [Float](repeating: 0, count: 8)
  let tanh = activations(Int(rill__tanh), x, level.table)
  #expect(Array(tanh[0..<6]) == [0, 0, 1, -1, 1, -1])
  #expect(tanh[6].isNaN)
  // (1 − e) / (1 + e) has absolute accuracy only: below 2⁻²⁵ or so nothing is left.
  #expect(abs(tanh[7]) < 1.1e-7)
  let sigmoid = activations(Int(rill__sigmoid), x, level.table)
  #expect(sigmoid[0] == 0.5 && sigmoid[2] == 1 && sigmoid[4] == 1)
  #expect(sigmoid[3] >= 0 && sigmoid[3] < 1e-17 && sigmoid[5] < 1e-17)
  #expect(sigmoid[6].isNaN)
  let relu = activations(Int(rill__relu), x, level.table)
  #expect(Array(relu[0..<4]) == [0, 0, .greatestFiniteMagnitude, 0])
  #expect(relu[6].isNaN)
}

@Test(arguments: Level.all) func softmaxSumsToOneAndSurvivesLargeInputs(_ level: Level) {
  let x: [Float] = [1e30, 1e30, -1e30, 0] + [Float](repeating: -1e30, count: 12)
  let y = activations(Int(rill__softmax), x, level.table)
  // exp of −80 and less stands for all that is far below the largest.
  #expect(y[0] == 0.5 && y[1] == 0.5 && y[2] < 1e-30 && y[3] < 1e-30)
}
