import CPlatform
import CVector
import RillBase

// What a host calls in real time: nothing here allocates, locks or retains.
extension Stream {
  /// Whether arrays of these counts are a step's of a vector model, and the stream may step at all.
  @inline(always)
  package func takesStep(_ inputCount: Int, _ outputCount: Int) -> Bool {
    inputCount == stepInputs && outputCount == stepOutputs && !needsReset
  }

  /// One time step: x [B][input size], or checked tokens [B]; y [B][output size]. Returns 1; 0 if the state overflowed (became infinite or NaN); −1, with nothing
  /// done, if a value of x is not finite.
  @inline(always)
  package func step(_ x: UnsafePointer<Float>?, _ tokens: UnsafePointer<Int32>?, _ y: UnsafeMutablePointer<Float>?) -> Int {
    let mode = rill__enter_float_mode()
    let result = stepKernel(plan, x, tokens, y)
    rill__leave_float_mode(mode)
    if result == 0 { needsReset = true }
    return result
  }

  /// `steps` time steps. x: [steps][B][input size] or tokens: [steps][B], tokens checked; y: [steps][B][output size], or nil if nobody reads it. Returns the
  /// number of steps done: fewer than asked for if the state overflowed in the one after; −1, with nothing done, if a value of x is not finite.
  package func run(_ steps: Int, _ x: UnsafePointer<Float>?, _ tokens: UnsafePointer<Int32>?, _ y: UnsafeMutablePointer<Float>?) -> Int {
    let mode = rill__enter_float_mode()
    defer { rill__leave_float_mode(mode) }
    let table = network.kernels.table
    // A block's input is checked as it is taken in; before the first of several blocks all of it must be known to be good.
    if steps > blockSteps, let x, plan.pointee.replacing == 0, table.all_finite(x, steps &* stepInputs) == 0 { return -1 }
    var done = 0
    while done < steps {
      let count = min(blockSteps, steps &- done)
      let from = x.map { $0 + done &* stepInputs }
      let words = tokens.map { $0 + done &* batchSize }
      let to = y.map { $0 + done &* stepOutputs }
      let computed = count == 1 ? stepKernel(plan, from, words, to) : block(count, from, words, to)
      if computed < 0 { return -1 }
      done &+= computed
      if computed < count {
        needsReset = true
        break
      }
    }
    return done
  }

  /// [B][output width]: of the newest step.
  private var newestOutput: UnsafePointer<Float> { plan.pointee.turn == 0 ? plan.pointee.outputs.1! : plan.pointee.outputs.0! }

  /// The output of the newest step, [B][output size] in the host's units.
  func writeOutput(_ y: UnsafeMutablePointer<Float>) {
    network.kernels.table.give_output(
      batchSize, outputSize, newestOutput, plan.pointee.output_width, plan.pointee.output_shift, plan.pointee.output_scale, y)
  }

  /// Several time steps, unit after unit. Returns as the step kernel does, but the number of steps after which all states are finite.
  private func block(
    _ steps: Int, _ x: UnsafePointer<Float>?, _ tokens: UnsafePointer<Int32>?, _ y: UnsafeMutablePointer<Float>?
  ) -> Int {
    let table = network.kernels.table
    let p = plan
    if let x {
      let isFinite = table.take_input(
        steps &* batchSize, inputSize, x, p.pointee.input_shift, p.pointee.input_scale, p.pointee.replacing, p.pointee.input,
        p.pointee.input_width)
      if isFinite | p.pointee.replacing == 0 { return -1 }
    }
    var steps = steps
    var row = UnsafePointer(p.pointee.input!)
    for index in parts.indices {
      let part = parts.baseAddress! + index
      part.pointee.frame.tokens = index == 0 ? tokens : nil
      part.pointee.frame.x = row
      part.pointee.frame.rows = steps &* batchSize
      let outputs = part.pointee.slots + 2 &* part.pointee.slotCount
      part.pointee.frame.h_next = outputs
      if part.pointee.remembers {
        steps = recur(part, steps)
      } else if steps > 0 {
        _ = part.pointee.kernel(&part.pointee.frame)
      }
      if steps > 0 {
        // As if the last of the steps had been one by itself.
        (part.pointee.slots + p.pointee.turn &* part.pointee.slotCount).copy(
          outputs + (steps &- 1) &* part.pointee.slotCount, part.pointee.slotCount)
      }
      row = UnsafePointer(outputs)
    }
    p.pointee.turn = 1 &- p.pointee.turn
    if let y, steps > 0 {
      table.give_output(
        steps &* batchSize, outputSize, row, p.pointee.output_width, p.pointee.output_shift, p.pointee.output_scale, y)
    }
    return steps
  }

  /// A recurrent unit over a block: the input products of all steps at once, then step after step. Returns the number of steps with a finite state.
  private func recur(_ part: UnsafeMutablePointer<Part>, _ steps: Int) -> Int {
    let slotCount = part.pointee.slotCount
    let z = part.pointee.frame.z!
    let zCount = batchSize &* part.pointee.frame.z_row
    part.pointee.frame.z_block = steps &* zCount
    part.pointee.frame.first = 0
    network.kernels.table.prepare(&part.pointee.frame)
    part.pointee.frame.prepared = 1
    part.pointee.frame.rows = batchSize
    let blocks = part.pointee.frame.blocks
    var before = hidden(part.pointee)
    var done = 0
    while done < steps {
      let isForward = done & 1 == 0
      part.pointee.frame.first = isForward ? 0 : blocks &- 1
      part.pointee.frame.stride = isForward ? 1 : -1
      part.pointee.frame.h = UnsafePointer(before)
      before = part.pointee.slots + (2 &+ done) &* slotCount
      part.pointee.frame.h_next = before
      part.pointee.frame.z = z + done &* zCount
      if part.pointee.kernel(&part.pointee.frame) == 0 { break }
      done &+= 1
    }
    part.pointee.frame.z = z
    part.pointee.frame.prepared = 0
    return done
  }
}
