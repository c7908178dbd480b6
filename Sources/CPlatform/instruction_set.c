#include "cplatform.h"
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)

#include <cpuid.h>

/* Asked of the processor here: the compiler's own __builtin_cpu_supports knows every processor there is, and costs 4.5 kilobytes. */

static int has(unsigned bits, unsigned needed) { return (bits & needed) == needed; }

/* The parts of the register file that the operating system saves at a switch of threads: XCR0. */
static unsigned saved_registers(void) {
  unsigned low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

/* The levels are those of the x86-64 psABI, each with those below it. */
static int supported_level(void) {
  enum { ymm = 0x06, zmm = 0xe6 }; /* XMM and the upper halves of YMM; with them masks and both parts of ZMM */
  unsigned a, b, c, d, features, extended, more;
  if (!__get_cpuid(1, &a, &b, &features, &d) || !__get_cpuid_count(7, 0, &a, &extended, &c, &d) ||
      !__get_cpuid(0x80000001, &a, &b, &more, &d))
    return 1;
  unsigned v2 = bit_SSE3 | bit_SSSE3 | bit_CMPXCHG16B | bit_SSE4_1 | bit_SSE4_2 | bit_POPCNT;
  unsigned v3 = bit_FMA | bit_MOVBE | bit_OSXSAVE | bit_AVX | bit_F16C;
  unsigned v4 = bit_AVX512F | bit_AVX512DQ | bit_AVX512CD | bit_AVX512BW | bit_AVX512VL;
  if (!has(features, v2 | v3) || !has(extended, bit_AVX2 | bit_BMI | bit_BMI2) || !has(more, bit_LAHF_LM | bit_LZCNT)) return 1;
  unsigned saved = saved_registers();
  if (!has(saved, ymm)) return 1;
  return has(extended, v4) && has(saved, zmm) ? 4 : 3;
}

static int allowed_level(void) {
  const char *name = getenv("RILL_ISA");
  if (name && strcmp(name, "baseline") == 0) return 1;
  if (name && strcmp(name, "v3") == 0) return 3;
  return 4;
}

int rill__instruction_set(void) {
  int level = supported_level();
  int allowed = allowed_level();
  return level < allowed ? level : allowed;
}

#else

int rill__instruction_set(void) { return 1; }

#endif
