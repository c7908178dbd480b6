import CVector
import Testing

@Test(arguments: Level.all) func productsMatchDoublePrecision(_ level: Level) {
  var numbers = Numbers()
  for (rows, vectors, steps) in [(1, 1, 1), (5, 2, 7), (6, 4, 16), (13, 7, 33), (7, 9, 130)] {
    let a = numbers.array(rows * steps)
    let b = numbers.array(steps * vectors * 16)
    var c = numbers.array(rows * vectors * 16)
    let start = c
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        c.withUnsafeMutableBufferPointer { c in
          var operands = rill__product()
          operands.rows = rows
          operands.vectors = vectors
          operands.steps = steps
          operands.outers = 1
          operands.a = a.baseAddress
          operands.a_row = steps
          operands.a_step = 1
          operands.b = b.baseAddress
          operands.b_step = vectors * 16
          operands.c = c.baseAddress
          operands.c_row = vectors * 16
          operands.adding = 1
          level.table.product(&operands)
        }
      }
    }
    for r in 0..<rows {
      for j in 0..<(vectors * 16) {
        var exact = Double(start[r * vectors * 16 + j])
        for k in 0..<steps { exact += Double(a[r * steps + k]) * Double(b[k * vectors * 16 + j]) }
        // A chain of n additions of numbers up to 1 rounds to within n half units of partial sums that stay below √n or so.
        #expect(abs(Double(c[r * vectors * 16 + j]) - exact) < 1e-7 * Double(steps + 1))
      }
    }
  }
}

@Test(arguments: Level.all) func nonFiniteValuesAreFoundWhereverTheyStand(_ level: Level) {
  for count in [1, 15, 16, 17, 100] {
    var values = [Float](repeating: .greatestFiniteMagnitude, count: count)
    #expect(level.table.all_finite(values, count) == 1)
    for index in 0..<count {
      for bad in [Float.infinity, -.infinity, .nan] {
        let kept = values[index]
        values[index] = bad
        #expect(level.table.all_finite(values, count) == 0)
        values[index] = kept
      }
    }
  }
}

/// Levels with fused multiply-add compute the same chains, whatever their tiles.
@Test func fusedLevelsGiveTheSameBits() {
  let levels = Level.all.filter(\.isFused)
  guard let first = levels.first else { return }
  for rows in [1, 2, 3, 7] {
    let expected = lstmStep(rows, first.table)
    for level in levels.dropFirst() { #expect(lstmStep(rows, level.table) == expected, "\(rows) rows at \(level.name)") }
  }
}

/// A row's result does not depend on the rows beside it.
@Test(arguments: Level.all) func rowsDoNotInfluenceOneAnother(_ level: Level) {
  let all = lstmStep(7, level.table)
  for rows in 1..<7 { #expect(lstmStep(rows, level.table) == Array(all[..<(rows * 32)])) }
}

/// One step of an LSTM with 20 inputs and 32 units, row r with the same numbers for any number of rows. Returns h'.
private func lstmStep(_ rows: Int, _ table: rill__kernels) -> [Float] {
  var numbers = Numbers()
  var weights = numbers.array(2 * (1 + 20 + 32) * 64)
  let isSplit = table.splits_fours != 0
  if isSplit {
    let count = 53 * 64
    weights = splitPanel(Array(weights[..<count])) + splitPanel(Array(weights[count...]))
  }
  let x = numbers.array(7 * 32)
  let h = numbers.array(7 * 32)
  var c = numbers.array(7 * 32)
  var next = [Float](repeating: 0, count: 7 * 32)
  var z = [Float](repeating: 0, count: 7 * 128)
  weights.withUnsafeBufferPointer { weights in
    x.withUnsafeBufferPointer { x in
      h.withUnsafeBufferPointer { h in
        c.withUnsafeMutableBufferPointer { c in
          next.withUnsafeMutableBufferPointer { next in
            z.withUnsafeMutableBufferPointer { z in
              var frame = rill__frame()
              frame.rows = rows
              frame.blocks = 2
              frame.output_size = 32
              let half = isSplit ? 52 * 32 : 0
              frame.input = rill__matrix(at: 64, stride: 53 * 64, rows: 20, scales_at: 0, half: half)
              frame.recurrent = rill__matrix(at: 64 + 20 * (isSplit ? 32 : 64), stride: 53 * 64, rows: 32, scales_at: 0, half: half)
              frame.input_gates = 4
              frame.slots = 4
              frame.panel = (1 + 20 + 32) * 64
              frame.count = 2
              frame.stride = 1
              frame.h_row = 32
              frame.z_row = 64
              frame.weights = weights.baseAddress
              frame.x = x.baseAddress
              frame.x_stride = 32
              frame.h = h.baseAddress
              frame.h_next = next.baseAddress
              frame.c = c.baseAddress
              frame.z = z.baseAddress
              frame.s = z.baseAddress
              _ = table.lstm_forward(&frame)
            }
          }
        }
      }
    }
  }
  return Array(next[..<(rows * 32)])
}

/// A panel [bias | 52 rows of four gates] as some levels want it: [bias | 52 rows of the first two | 52 rows of the last two].
private func splitPanel(_ panel: [Float]) -> [Float] {
  var result = Array(panel[..<64])
  for half in 0..<2 {
    for row in 0..<52 {
      let start: Int = 64 + row * 64 + half * 32
      result += panel[start..<(start + 32)]
    }
  }
  return result
}
