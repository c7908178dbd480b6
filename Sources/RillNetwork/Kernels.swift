import CPlatform
import CVector
import RillKernels

#if arch(x86_64)
  import RillKernelsV3
  import RillKernelsV4
#endif

/// The kernels of one instruction-set level, chosen when a model is created: a step only follows pointers.
package struct Kernels {
  package let table: rill__kernels
  /// What the processor offers to them, for `describe`.
  package let name: StaticString

  /// The best level of this processor, or a lower one that the environment variable RILL_ISA (baseline, v3, v4) asks for.
  package static func best() -> Kernels {
    var table = rill__kernels()
    #if arch(x86_64)
      switch rill__instruction_set() {
      case 4:
        RillKernelsV4.fillKernels(&table)
        return Kernels(table: table, name: "x86-64-v4")
      case 3:
        RillKernelsV3.fillKernels(&table)
        return Kernels(table: table, name: "x86-64-v3")
      default:
        RillKernels.fillKernels(&table)
        return Kernels(table: table, name: "x86-64")
      }
    #else
      RillKernels.fillKernels(&table)
      return Kernels(table: table, name: "arm64")
    #endif
  }
}
