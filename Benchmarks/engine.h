/* engine.h - the C interface between the benchmark host and an engine that it measures
 *
 * An engine is one shared object that exports these functions; the host opens several of them in one process and times them in turn.
 * Functions marked optional may be missing. A constructor returns NULL for what its engine cannot do, and the host says "unsupported".
 *
 * WEIGHTS. So that engines can be compared number by number, each draws its weights from bench_fill with a generator that starts at
 * BENCH_SEED, all uniform in +-1/sqrt(hidden), in this order, with PyTorch's shapes and gate orders (lstm: i f g o; gru: r z n, the
 * reset gate applied after the product):
 *
 *   for each layer:  weight_ih [gates * hidden][inputs], weight_hh [gates * hidden][hidden], bias_ih [gates * hidden],
 *                    bias_hh [gates * hidden]
 *   then the head:   weight [outputs][hidden], bias [outputs]          (not where whole sequences are run)
 *
 * An engine with one bias takes the sum of both; but the new gate of a gru needs both: n = tanh(W_in x + b_in + r * (W_hn h + b_hn)).
 * An engine that keeps none of this can be timed all the same; only the check that engines agree will say that it differs.
 */
#ifndef BENCH_ENGINE_H
#define BENCH_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PEER_API __attribute__((visibility("default")))

/* Name of the engine. The host uses it where it was given no other. */
PEER_API const char *peer_name(void);

/* Streaming: a network that is stepped with a batch of one and keeps its state.
 *   cell    "lstm", "gru" or "rnn" (tanh); hid units in each of `layers` stacked cells, then a dense head to one output
 *   x       [in], read only;  y: [1]
 * peer_free is optional. */
PEER_API void *peer_new(const char *cell, int in, int hid, int layers);
PEER_API void peer_step(void *network, const float *x, float *y);
PEER_API void peer_free(void *network);

/* Whole sequences from a state of zeros, without a head. Optional; never freed.  x: [T][B][in], y: [T][B][hid], the hidden states of the
 * last layer. */
PEER_API void *peer_seq_new(const char *cell, int in, int hid, int layers, int T, int B);
PEER_API void peer_seq_run(void *network, const float *x, float *y);

/* Training: one call is forward, backward, the gradient limited to a global norm of 5, and an update by Adam with a learning rate of 0.002,
 * all as PyTorch defines it; returns the loss before the update. Both biases of a layer are learned. Optional; never freed.
 *   task "charlm"   tokens tx and classes ty [T][B] in 0 ..< in; dense head to `out`, mean softmax cross-entropy (x and y are not read)
 *   task "reg"      inputs x [T][B][in], targets y [T][B][out]; linear head, mean squared error (tx and ty are not read)
 *   threads         OMP_NUM_THREADS says the same when the engine is opened */
PEER_API void *peer_train_new(const char *task, const char *cell, int in, int hid, int layers, int out, int B, int T, int threads);
PEER_API float peer_train_step(void *network, const int *tx, const int *ty, const float *x, const float *y);

/* The same update in three parts, each with its time: ns[0] forward and loss, ns[1] backward, ns[2] clipping and Adam; NAN for what the
 * engine cannot tell apart. Optional. */
PEER_API void peer_train_parts(void *network, const int *tx, const int *ty, const float *x, const float *y, double *ns);

/* The common generator: a Weyl sequence through a 32-bit mixer. Values are multiples of 2^-23 in -1 ..< 1, exact in float. */
#define BENCH_SEED 1u

static inline float bench_uniform(uint32_t *state) {
  *state += 0x9e3779b9u;
  uint32_t z = *state;
  z = (z ^ (z >> 16)) * 0x21f0aaadu;
  z = (z ^ (z >> 15)) * 0x735a2d97u;
  z ^= z >> 15;
  return (float)(z >> 8) * (1.0f / 8388608.0f) - 1.0f;
}

/* values[0 ..< count], uniform in +-scale */
static inline void bench_fill(float *values, size_t count, float scale, uint32_t *state) {
  for (size_t i = 0; i < count; i++) values[i] = scale * bench_uniform(state);
}

#ifdef __cplusplus
}
#endif

#endif /* BENCH_ENGINE_H */
