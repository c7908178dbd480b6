/* Sixteen-lane float operations that Swift's standard library has only as loops over lanes, and the structs that kernels take.
 *
 * The functions are inlined into the importing kernels and compiled at those kernels' instruction set. Structs are plain memory, so
 * they may pass between modules of different instruction sets, where vectors by value may not. */
#pragma once
#include <stdint.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

typedef float rill__v16 __attribute__((ext_vector_type(16)));

#define RILL__INLINE static inline __attribute__((always_inline))

/* a * b + c, rounded once where the processor can; without FMA the builtin would call fmaf for every lane. */
RILL__INLINE rill__v16 rill__fma(rill__v16 a, rill__v16 b, rill__v16 c) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA) || defined(__aarch64__)
  return __builtin_elementwise_fma(a, b, c);
#else
  return a * b + c;
#endif
}

/* c - a * b, rounded alike. (Swift's own minus of a vector is a subtraction from zero.) */
RILL__INLINE rill__v16 rill__fnma(rill__v16 a, rill__v16 b, rill__v16 c) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA) || defined(__aarch64__)
  return __builtin_elementwise_fma(-a, b, c);
#else
  return c - a * b;
#endif
}

/* The smaller (larger) of x and y; a NaN in x stays. */
RILL__INLINE rill__v16 rill__min(rill__v16 x, rill__v16 y) { return y < x ? y : x; }
RILL__INLINE rill__v16 rill__max(rill__v16 x, rill__v16 y) { return y > x ? y : x; }

RILL__INLINE rill__v16 rill__sqrt(rill__v16 x) { return __builtin_elementwise_sqrt(x); }

/* One where x > 0, else zero. */
RILL__INLINE rill__v16 rill__is_positive(rill__v16 x) { return x > (rill__v16)0.0f ? (rill__v16)1.0f : (rill__v16)0.0f; }

/* The largest lane, by halves: the builtin would compare one after another, for the sake of NaN, which does not matter here. */
RILL__INLINE float rill__largest(rill__v16 x) {
  typedef float v8 __attribute__((ext_vector_type(8)));
  typedef float v4 __attribute__((ext_vector_type(4)));
  v8 eight = x.lo > x.hi ? x.lo : x.hi;
  v4 four = eight.lo > eight.hi ? eight.lo : eight.hi;
  float a = four.x > four.y ? four.x : four.y, b = four.z > four.w ? four.z : four.w;
  return a > b ? a : b;
}

/* Of n floats, a multiple of 16: the largest of every lane, and `most`; and x *= factor. Rows are short: unrolled, the loops would only be larger. */
RILL__INLINE rill__v16 rill__largest_lanes(const float *x, long n, rill__v16 most) {
#pragma clang loop unroll(disable)
  for (long i = 0; i < n; i += 16) most = rill__max(most, *(const rill__v16 *)(x + i));
  return most;
}
RILL__INLINE void rill__scale(float *x, long n, float factor) {
#pragma clang loop unroll(disable)
  for (long i = 0; i < n; i += 16) *(rill__v16 *)(x + i) *= (rill__v16)factor;
}

/* One in the first n lanes, else zero. */
RILL__INLINE rill__v16 rill__first(long n) {
  rill__v16 places = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return places < (rill__v16)(float)n ? (rill__v16)1.0f : (rill__v16)0.0f;
}

RILL__INLINE float rill__logf(float x) { return __builtin_logf(x); }

typedef int32_t rill__i16 __attribute__((ext_vector_type(16)));

/* The lanes as floats. */
RILL__INLINE rill__v16 rill__to_float(rill__i16 x) { return __builtin_convertvector(x, rill__v16); }

/* Whether a lane is negative. */
RILL__INLINE int rill__any_negative(rill__i16 x) {
#if defined(__AVX512DQ__)
  return _mm512_movepi32_mask((__m512i)x) != 0;
#elif defined(__AVX2__)
  return _mm256_movemask_ps((__m256)(x.lo | x.hi)) != 0;
#else
  return __builtin_reduce_or(x) < 0;
#endif
}

/* Copies n floats, with 0 in place of what is not finite if replacing is not 0; returns a negative number if something was not. For the few that are
 * left over from whole vectors: made a vector loop, its preparations would cost more than the work. */
RILL__INLINE int32_t rill__take(const float *x, long n, long replacing, float *y) {
  const int32_t *from = (const int32_t *)x;
  int32_t *to = (int32_t *)y, seen = 0;
#pragma clang loop vectorize(disable) unroll(disable)
  for (long i = 0; i < n; i++) {
    int32_t pattern = from[i];
    int32_t overflow = (int32_t)((uint32_t)(pattern & 0x7f800000) + 0x00800000); /* negative if the exponent is all ones */
    seen |= overflow;
    to[i] = replacing && overflow < 0 ? 0 : pattern;
  }
  return seen;
}

/* The same for fewer than 16 into a whole vector, whose other lanes become 0. Nothing is read beyond x[n]. */
RILL__INLINE int32_t rill__take_few(const float *x, long n, long replacing, float *y) {
#if defined(__AVX512DQ__)
  __m512i v = _mm512_maskz_loadu_epi32((__mmask16)((1u << n) - 1), x);
  __m512i overflow = _mm512_add_epi32(_mm512_and_si512(v, _mm512_set1_epi32(0x7f800000)), _mm512_set1_epi32(0x00800000));
  __mmask16 bad = _mm512_movepi32_mask(overflow);
  _mm512_storeu_si512(y, replacing ? _mm512_maskz_mov_epi32((__mmask16)~bad, v) : v);
  return bad ? -1 : 0;
#else
  return rill__take(x, n, replacing, y);
#endif
}

/* Copies fewer than 16 floats. One by one: those of a small head were written one by one just now, and a vector load would wait until they are in the
 * cache. */
RILL__INLINE void rill__give_few(const float *x, long n, float *y) {
#pragma clang loop vectorize(disable) unroll(disable)
  for (long i = 0; i < n; i++) y[i] = x[i];
}

/* In place (x - shift) / scale, and x * scale + shift; sizes are small here too. */
RILL__INLINE void rill__normalize(float *x, const float *shift, const float *scale, long n) {
#pragma clang loop vectorize(disable) unroll(disable)
  for (long i = 0; i < n; i++) x[i] = (x[i] - shift[i]) / scale[i];
}
RILL__INLINE void rill__denormalize(float *x, const float *shift, const float *scale, long n) {
#pragma clang loop vectorize(disable) unroll(disable)
  for (long i = 0; i < n; i++) x[i] = x[i] * scale[i] + shift[i];
}

/* Shape letters: B rows (lanes of a batch), K input size, H hidden size, Hp = H rounded up to 16, U = Hp / 16 unit blocks, S slots.
 * All arrays are 64-byte aligned; entries from H to Hp are zero in hidden and cell state. */

/* How weights are stored in panels.
 *   float32   a row of a matrix is a vector per gate
 *   bfloat16  rows k (low half) and k + 1 (high half) share the 32-bit lanes of a vector
 *   int8      rows k ... k + 3 share them, from the low byte up; see SmallWeights.swift */
enum { rill__float32 = 0, rill__bfloat16 = 1, rill__int8 = 2 };

/* A matrix, of all unit blocks: floats from the packed weights' start to the first block's first row, and from each block's to the next. */
typedef struct rill__matrix {
  long at;
  long stride;
  long rows;              /* padded to the chains (int8: to 4) */
  long scales_at;         /* int8: as `at`, of the scales, a vector per gate */
  long half;              /* 0; or, where four gates are too many for the registers or for the nearest cache: the rows of the first two stand by
                             themselves, and those of the last two this many floats behind them */
} rill__matrix;

/* One forward time step of a layer, for `rows` sequences. */
typedef struct rill__frame {
  long rows;
  long blocks;            /* U, of the output */
  long output_size;       /* H (or a dense layer's outputs), not padded */
  rill__matrix input;     /* of K rows, or of one row per token, which are float32 in any precision */
  rill__matrix recurrent; /* of H rows */
  rill__matrix candidate; /* of H rows: reset-before GRU */
  long precision;
  long input_gates;       /* vectors of an input row */
  long slots;             /* S */
  long panel;             /* floats from one block's biases to the next */
  long kind;              /* variant: rill__activation of rnn and dense */
  long first, count, stride; /* unit blocks that a single row visits: count times, from block first on, in this stride */
  long saving;            /* 1: leave in z and s what backward needs */
  long prepared;          /* 1: z holds the input part already */
  const float *weights;   /* packed: [U] of [bias | input rows], then [U] of [recurrent rows] */
  const float *x;         /* [B][x_stride], or NULL with tokens */
  long x_stride;
  const int32_t *tokens;  /* [B], each -1 ..< input.rows, or NULL */
  const float *h;         /* [B][h_row] hidden state before the step */
  float *h_next;          /* [B][h_row] hidden state after it; does not overlap h; or the output of a layer without state, [B][Hp] */
  long h_row;             /* floats from a row of a hidden state to the next */
  float *c;               /* [B][Hp] cell state, in place */
  float *z;               /* [U][B][S][16] by the strides below: pre-activations; factors for backward when saving */
  long z_block;           /* floats from a block of z to the next: 0 where blocks may share it, one after another */
  long z_row;             /* floats from a row of z to the next */
  float *s;               /* [U][B][...][16] more factors, written when saving */
  long s_block;           /* floats from a block of s to the next */
  float *q;               /* [B][Hp] reset-before GRU: r * h */
  float *expanded;        /* bfloat16 and int8, several rows: a matrix of a panel as floats, and behind it [B] rows of it */
} rill__frame;

/* A kernel and what to call it with. */
typedef struct rill__call {
  long (*kernel)(const rill__frame *frame);
  rill__frame frame;
} rill__call;

/* A step of a stream, prepared: calls, one after another, in two versions that steps take in turn. One reads a state from slot 1 and writes slot 0, the
 * other the other way about, visiting the unit blocks in the opposite order: the weights that were read last are still in the cache. */
typedef struct rill__plan {
  rill__call *calls[2];
  long count;
  long token_calls;       /* calls of the first unit, which take the tokens: 1 or 2 */
  long turn;              /* version of the next step, and the slot it writes; the state is in slot 1 - turn */
  long rows;              /* B */
  long input_size;
  long input_width;       /* input_size rounded up to 16, or 0 with tokens */
  float *input;           /* [N][B][input_width] */
  const float *input_shift, *input_scale;   /* [input_size], or NULL */
  long replacing;         /* 1: input that is not finite counts as 0; 0: it is refused */
  long output_size;
  long output_width;
  const float *outputs[2]; /* [B][output_width] where a step of that version leaves them */
  const float *output_shift, *output_scale; /* [output_size], or NULL */
} rill__plan;

/* The element-wise part of one backward time step of a cell, for `rows` sequences. */
typedef struct rill__backward_frame {
  long rows;
  long blocks;
  const float *dy;        /* [B][Hp] gradient of the hidden state after the step, from the layer above */
  float *carry;           /* [B][Hp] in: the same, from the step after; out: what reaches the hidden state before the step without a product */
  float *dc;              /* [B][Hp] gradient of the cell state, in place */
  float *z;               /* [U][B][S][16] in: factors; out: gradient of the pre-activations */
  long z_block;           /* floats from a block of z to the next */
  const float *s;         /* [U][B][...][16] */
  long s_block;           /* floats from a block of s to the next */
  const float *dq;        /* [B][Hp] reset-before GRU: gradient of r * h */
} rill__backward_frame;

/* c[i][16j ..] (+)= sum over o, k of a[i * a_row + k * a_step + o * a_outer] * b[k * b_step + o * b_outer + 16j ..],
 * i < rows, j < vectors, k < steps, o < outers; o ascends, and k within it. Strides may be negative. */
typedef struct rill__product {
  long rows, vectors, steps, outers;
  const float *a;
  long a_row, a_step, a_outer;
  const float *b;
  long b_step, b_outer;
  float *c;
  long c_row;
  long adding;            /* 1: start from c, 0: from zero */
} rill__product;

enum { rill__linear = 0, rill__tanh = 1, rill__relu = 2, rill__sigmoid = 3, rill__softmax = 4 };

/* Rows of pre-activations against classes; see Loss.swift of the kernels. */
typedef struct rill__cross_entropy {
  long rows;
  long size;              /* classes */
  long blocks;            /* of 16 in a row */
  const float *z;         /* [rows][blocks * 16], padding 0 */
  float *dz;              /* out: as z, not in its place */
  const int32_t *classes; /* [rows], -1: not counted */
  const float *wholes;    /* [rows] what softmax(z) is multiplied with in dz */
  const float *scales;    /* [rows] what is subtracted at the class */
  float *losses;          /* out: [rows] */
} rill__cross_entropy;

/* What an optimizer kernel works on: n parameters (a multiple of 16) and up to two moments. Numbers that one kind does not use may be anything. */
typedef struct rill__update {
  long count;
  long committing;        /* 0: only find out whether every result is finite; 1: write */
  float *parameters;
  const float *gradients;
  float *first;           /* momentum buffer, or first moment; NULL: none */
  float *second;          /* second moment */
  float scale;            /* multiplies the gradient: clipping by norm */
  float limit;            /* then limits its elements to +- this (infinity: no limit) */
  float weight_decay;     /* times the parameter, is added to the limited gradient */
  float keep;             /* what the parameter is multiplied by first: 1, or less with decoupled weight decay (adam) */
  float rate;             /* step size */
  float first_decay;      /* momentum, or beta1 */
  float first_rest;       /* 1 - beta1 */
  float second_decay;     /* alpha, or beta2 */
  float second_rest;      /* 1 - alpha, or 1 - beta2 */
  float second_correction; /* 1 / sqrt(1 - beta2^n) */
  float epsilon;
  float moment_part;      /* the step is made of this much of the new first moment (sgd, adam) */
  float gradient_part;    /* and this much of the gradient */
} rill__update;

/* The kernels of one instruction-set level. Only pointers and sizes cross this border. Forward kernels return 1 if the new hidden state is
 * finite (a layer without state: always), else 0. */
typedef struct rill__kernels {
  long splits_fours;      /* 1: matrices of four gates are stored in halves */
  long (*elman_forward)(const rill__frame *frame);
  long (*lstm_forward)(const rill__frame *frame);
  long (*gru_forward)(const rill__frame *frame);
  long (*gru_reset_before_forward)(const rill__frame *frame);
  long (*lstm_pairs)(const rill__frame *frame);  /* of a single row: two unit blocks at a time; NULL at levels with too few registers */
  long (*gru_pairs)(const rill__frame *frame);
  long (*elman_pairs)(const rill__frame *frame);
  long (*elman_fours)(const rill__frame *frame);
  long (*dense_forward)(const rill__frame *frame);
  long (*dense_by_rows_forward)(const rill__frame *frame);
  long (*embedding_forward)(const rill__frame *frame);
  void (*prepare)(const rill__frame *frame);
  long (*step)(rill__plan *plan, const float *x, const int32_t *tokens, float *y);
  void (*elman_backward)(const rill__backward_frame *frame);
  void (*lstm_backward)(const rill__backward_frame *frame);
  void (*gru_backward)(const rill__backward_frame *frame);
  void (*gru_reset_before_candidate_backward)(const rill__backward_frame *frame);
  void (*gru_reset_before_gate_backward)(const rill__backward_frame *frame);
  void (*dense_backward)(long kind, long rows, long blocks, float *dy, const float *factors, const float *y);
  void (*product)(const rill__product *operands);
  void (*column_sums)(long rows, long vectors, const float *a, long row, float *sums);
  void (*scatter_rows)(long rows, long vectors, const int32_t *tokens, const float *a, long row, float *gradient);
  void (*transpose)(long rows, long columns, const float *a, long a_row, float *c, long c_row);
  void (*cross_entropy)(const rill__cross_entropy *operands);
  long (*update_sgd)(const rill__update *update);
  long (*update_rmsprop)(const rill__update *update);
  long (*update_adam)(const rill__update *update);
  void (*average)(const float *x, float *y, float rest, long count);
  long (*all_finite)(const float *values, long count);
  double (*sum_of_squares)(const float *values, long count);
  void (*multiply)(const float *x, const float *m, float *y, long count);
  void (*add)(const float *x, float *y, long count);
  long (*take_input)(long rows, long size, const float *x, const float *shift, const float *scale, long replacing, float *y, long y_row);
  void (*give_output)(long rows, long size, const float *x, long x_row, const float *shift, const float *scale, float *y);
} rill__kernels;
