/* The floating-point mode of the calling thread, entered and left around computation.
 *
 * Results must not depend on the mode a host has set: its rounding direction, whether it flushes denormals, and which exceptions trap.
 * Each enter returns what the matching leave restores. The register is read first and written only if it differs, because a write can cost
 * some ten times a read. In a host whose mode is the wanted one already, the exception flags that arithmetic raises stay raised, as after any
 * arithmetic. */
#pragma once
#include <stdint.h>

#define RILL__ALWAYS_INLINE static inline __attribute__((always_inline))

#if defined(__x86_64__)

RILL__ALWAYS_INLINE uint64_t rill__read_float_mode(void) { return __builtin_ia32_stmxcsr(); }
RILL__ALWAYS_INLINE void rill__write_float_mode(uint64_t mode) { __builtin_ia32_ldmxcsr((unsigned)mode); }

/* MXCSR: 0x003f sticky flags, 0x0040 denormals are zero, 0x1f80 exceptions masked, 0x6000 rounding, 0x8000 flush to zero. */
RILL__ALWAYS_INLINE uint64_t rill__flushing_mode(uint64_t mode) { return (mode & 0x003f) | 0x9fc0; }
RILL__ALWAYS_INLINE uint64_t rill__exact_mode(uint64_t mode) { return (mode & 0x003f) | 0x1f80; }

#elif defined(__aarch64__)

RILL__ALWAYS_INLINE uint64_t rill__read_float_mode(void) {
  uint64_t mode;
  __asm__ __volatile__("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
RILL__ALWAYS_INLINE void rill__write_float_mode(uint64_t mode) { __asm__ __volatile__("msr fpcr, %0" : : "r"(mode)); }

/* FPCR: 0x9f00 exceptions trap, 22-23 rounding, 24 flush to zero, 25 default NaN. */
#define RILL__FPCR_CLEARED ((uint64_t)0x9f00 | ((uint64_t)0xf << 22))
RILL__ALWAYS_INLINE uint64_t rill__flushing_mode(uint64_t mode) { return (mode & ~RILL__FPCR_CLEARED) | ((uint64_t)1 << 24); }
RILL__ALWAYS_INLINE uint64_t rill__exact_mode(uint64_t mode) { return mode & ~RILL__FPCR_CLEARED; }

#else

RILL__ALWAYS_INLINE uint64_t rill__read_float_mode(void) { return 0; }
RILL__ALWAYS_INLINE void rill__write_float_mode(uint64_t mode) { (void)mode; }
RILL__ALWAYS_INLINE uint64_t rill__flushing_mode(uint64_t mode) { return mode; }
RILL__ALWAYS_INLINE uint64_t rill__exact_mode(uint64_t mode) { return mode; }

#endif

/* For computation: round to nearest, denormals flushed to zero, no exception traps. */
RILL__ALWAYS_INLINE uint64_t rill__enter_float_mode(void) {
  uint64_t saved = rill__read_float_mode();
  uint64_t wanted = rill__flushing_mode(saved);
  if (saved != wanted) rill__write_float_mode(wanted);
  return saved;
}

/* For converting between text and numbers, where denormals count: round to nearest, nothing flushed, no exception traps. */
RILL__ALWAYS_INLINE uint64_t rill__enter_exact_float_mode(void) {
  uint64_t saved = rill__read_float_mode();
  uint64_t wanted = rill__exact_mode(saved);
  if (saved != wanted) rill__write_float_mode(wanted);
  return saved;
}

/* The matching leaves. What enter did not change is neither read again nor written. */
RILL__ALWAYS_INLINE void rill__leave_float_mode(uint64_t saved) {
  if (saved != rill__flushing_mode(saved)) rill__write_float_mode(saved);
}
RILL__ALWAYS_INLINE void rill__leave_exact_float_mode(uint64_t saved) {
  if (saved != rill__exact_mode(saved)) rill__write_float_mode(saved);
}
