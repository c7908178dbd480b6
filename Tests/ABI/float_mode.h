/* The processor's floating-point mode as a host may set it, and calls made in it. */
#ifndef FLOAT_MODE_H
#define FLOAT_MODE_H

#include "check.h"
#include <fenv.h>

#if defined __x86_64__
#include <xmmintrin.h>
/* MXCSR without its sticky exception flags, which any arithmetic sets: rounding, flush to zero (bit 15), denormals are zero (bit 6),
 * exception masks. */
typedef unsigned float_mode;
static inline float_mode get_mode(void) { return _mm_getcsr() & ~0x3fu; }
static inline void set_mode(float_mode mode) { _mm_setcsr(mode); }
enum { FLUSHING = 0x8040 };
#elif defined __aarch64__
/* FPCR: rounding in bits 22-23, flush to zero in bit 24. */
typedef uint64_t float_mode;
static inline float_mode get_mode(void) {
  float_mode mode;
  __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
static inline void set_mode(float_mode mode) { __asm__ volatile("msr fpcr, %0" : : "r"(mode)); }
enum { FLUSHING = 1 << 24 };
#else
#error "the floating-point mode of this processor is not known here"
#endif

/* The mode while the library is called. It is set around every call and compared after it, so that the checks themselves run in the
 * usual mode. main sets both to get_mode(). */
static float_mode mode_of_host, usual_mode;

/* Makes a call in the mode of the host; its status goes into the caller's hash. */
#define IN_MODE(call)                                                                                                                      \
  do {                                                                                                                                     \
    set_mode(mode_of_host);                                                                                                                \
    rill_status status_ = (call);                                                                                                          \
    float_mode after_ = get_mode();                                                                                                        \
    set_mode(usual_mode);                                                                                                                  \
    CHECK(after_ == mode_of_host, "mode %lx became %lx", (unsigned long)mode_of_host, (unsigned long)after_);                              \
    hash = hash_bytes(hash, &status_, sizeof status_);                                                                                     \
  } while (0)

#endif
