/* What one core can do at best: loads from a buffer, and multiply-adds on registers, with the widest vectors of this processor. */
#include "sections.h"
#include "timing.h"
#include <stdlib.h>

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#define IN_REGISTER "v"
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#define IN_REGISTER "x"
#elif defined(__x86_64__)
#define VECTOR_BYTES 16
#define IN_REGISTER "x"
#else
#define VECTOR_BYTES 16
#define IN_REGISTER "w"
#endif

typedef float vector __attribute__((vector_size(VECTOR_BYTES)));

enum { LANES = VECTOR_BYTES / sizeof(float), LOADS = 8, CHAINS = 12, REPEATS = 15 };

/* Brings each vector into a register and forgets it: the empty assembly makes the compiler believe that it is used. */
static void load_all(const vector *values, size_t count) {
  for (size_t i = 0; i < count; i += LOADS) {
#pragma GCC unroll 8
    for (size_t k = 0; k < LOADS; k++) __asm__ volatile("" : : IN_REGISTER(values[i + k]));
  }
}

/* CHAINS independent chains, more than the latency of an operation times the units that compute it. */
static void multiply_add(long count) {
  vector sums[CHAINS] = {{0}}, factor = (vector){0} + 0.999f, term = (vector){0} + 0.001f;
  for (long i = 0; i < count; i++) {
#pragma GCC unroll 12
    for (int k = 0; k < CHAINS; k++) {
      sums[k] = sums[k] * factor + term;
      __asm__ volatile("" : "+" IN_REGISTER(sums[k]));
    }
  }
}

/* The best of some chunks: a limit, not what is usual. */
double measure_bandwidth(unsigned long bytes) {
  size_t block = LOADS * VECTOR_BYTES, count = (bytes + block - 1) / block * LOADS;
  vector *values = bench_allocate(count * VECTOR_BYTES);
  long times = (long)(bench_effort.chunk_ns * 50 / (double)bytes) + 1; /* near enough to a chunk */
  double best = 1e300;
  load_all(values, count);
  for (int r = 0; r < (bench_effort.is_quick ? 3 : REPEATS); r++) {
    double start = now_ns();
    for (long i = 0; i < times; i++) load_all(values, count);
    double elapsed = (now_ns() - start) / (double)times;
    if (elapsed < best) best = elapsed;
  }
  free(values);
  return (double)(count * VECTOR_BYTES) / best;
}

double measure_multiply_adds(void) {
  long count = (long)(bench_effort.chunk_ns / 2); /* an iteration takes some nanoseconds */
  double best = 1e300;
  multiply_add(count);
  for (int r = 0; r < (bench_effort.is_quick ? 3 : REPEATS); r++) {
    double start = now_ns();
    multiply_add(count);
    double elapsed = now_ns() - start;
    if (elapsed < best) best = elapsed;
  }
  return (double)count * CHAINS * LANES / best;
}
