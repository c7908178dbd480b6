import RillBase
import RillNetwork

/// A part of the parameters that one call works on: contiguous, of whole vectors and of one group. Slices cover all parameters in ascending order; what one
/// gives does not depend on others, so threads may take them in any order.
struct Slice: BitwiseCopyable {
  let offset: Int
  let count: Int
  let group: Int

  /// Also the length of a block of the gradient's norm.
  static var maximumCount: Int { 4096 }

  /// Those of a network: each run of parameters of the same group, cut.
  static func all(_ network: Network, _ groups: ParameterGroups) throws(RillError) -> Buffer<Slice> {
    var count = 0
    forEach(network, groups) { _ in count += 1 }
    let slices = try Buffer<Slice>(count: count)
    var next = slices.pointer
    forEach(network, groups) { slice in
      next.pointee = slice
      next += 1
    }
    return slices
  }

  private static func forEach(_ network: Network, _ groups: ParameterGroups, _ body: (Slice) -> Void) {
    var offset = 0
    for index in 0..<groups.indices.count {
      let group = groups.indices.pointer[index]
      let following = index + 1
      let isLast = following == groups.indices.count
      if !isLast, groups.indices.pointer[following] == group { continue }
      let end = isLast ? network.valueCount : network.parameters[following].offset
      while offset < end {
        let count = min(maximumCount, end - offset)
        body(Slice(offset: offset, count: count, group: group))
        offset += count
      }
    }
  }
}
