import CVector

/// One time step of a stream: x [B][input size] in raw units or tokens [B] in, y [B][output size] out, or nil if nobody reads it. Returns 1; 0 if a state is
/// not finite any more; −1, with nothing done, if x is not.
func step(
  _ plan: UnsafeMutablePointer<rill__plan>, _ x: UnsafePointer<Float>?, _ tokens: UnsafePointer<Int32>?, _ y: UnsafeMutablePointer<Float>?
) -> Int {
  let turn = plan.pointee.turn
  var call = (turn == 0 ? plan.pointee.calls.0 : plan.pointee.calls.1)!
  if let x {
    let isFinite =
      isPlain(plan, plan.pointee.input_size, plan.pointee.input_shift)
      ? (rill__take_few(x, plan.pointee.input_size, plan.pointee.replacing, plan.pointee.input) < 0 ? 0 : 1)
      : takeInput(
        plan.pointee.rows, plan.pointee.input_size, x, plan.pointee.input_shift, plan.pointee.input_scale, plan.pointee.replacing,
        plan.pointee.input, plan.pointee.input_width)
    if isFinite | plan.pointee.replacing == 0 { return -1 }
  } else {
    call.pointee.frame.tokens = tokens
    if plan.pointee.token_calls > 1 { (call + 1).pointee.frame.tokens = tokens }
  }
  plan.pointee.turn = 1 &- turn
  var left = plan.pointee.count
  while left > 0 {
    if call.pointee.kernel(&call.pointee.frame) == 0 { return 0 }
    call += 1
    left -= 1
  }
  guard let y else { return 1 }
  let output = (turn == 0 ? plan.pointee.outputs.0 : plan.pointee.outputs.1)!
  if isPlain(plan, plan.pointee.output_size, plan.pointee.output_shift) {
    rill__give_few(output, plan.pointee.output_size, y)
  } else {
    giveOutput(
      plan.pointee.rows, plan.pointee.output_size, output, plan.pointee.output_width, plan.pointee.output_shift,
      plan.pointee.output_scale, y)
  }
  return 1
}

/// Whether to copy in place: one row of a few numbers, in the network's own units.
@inline(always) private func isPlain(_ plan: UnsafePointer<rill__plan>, _ size: Int, _ shift: UnsafePointer<Float>?) -> Bool {
  plan.pointee.rows == 1 && size < lanes && shift == nil
}
