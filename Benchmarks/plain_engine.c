/* The yardstick: what a C programmer gets from plain loops, the C library's expf and tanhf, and the compiler's best flags.
 *
 *   PLAIN_NAME      the engine's name
 *   PLAIN_COLUMNS   1: weights are stored input by input, and each input adds its column to all sums (vectorizes by itself)
 *                   0: stored output by output, each a dot product (vectorizes only where -ffast-math lets sums be reordered)
 *
 * Input weights and recurrent weights form one matrix of (inputs + hidden) columns, with the input and the hidden state in one vector,
 * so that a step is one product per layer; two for a gru, whose reset gate comes between the halves of the new gate.
 */
#include "engine.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  int inputs, rows, columns; /* rows = gates * hidden, columns = inputs + hidden */
  float *weights;            /* [columns][rows], or [rows][columns] */
  float *bias;               /* [rows], both biases added; a gru has bias_hh of its new gate behind them: [hidden] */
  float *vector;             /* [columns]: the input, then the hidden state */
  float *sums;               /* the pre-activations, which start as a copy of the biases */
  float *cell;               /* [hidden]: the cell state of an lstm; of a gru the input's half of the new gate */
} layer;

typedef struct {
  int gates, hidden, layer_count;
  layer *layers;
  float *head; /* [hidden] and the bias */
} network;

const char *peer_name(void) { return PLAIN_NAME; }

static float *zeros(size_t count) {
  size_t bytes = (count * sizeof(float) + 63) / 64 * 64;
  float *values = aligned_alloc(64, bytes);
  if (!values) abort();
  memset(values, 0, bytes);
  return values;
}

/* Draws a [rows][count] matrix and stores it as columns first ... of the layer's. */
static void draw(layer *it, int first, int count, float scale, uint32_t *state) {
  for (int row = 0; row < it->rows; row++)
    for (int column = first; column < first + count; column++) {
      size_t place = PLAIN_COLUMNS ? (size_t)column * it->rows + row : (size_t)row * it->columns + column;
      it->weights[place] = scale * bench_uniform(state);
    }
}

static void make_layer(layer *it, int gates, int inputs, int hidden, float scale, uint32_t *state) {
  it->inputs = inputs, it->rows = gates * hidden, it->columns = inputs + hidden;
  it->weights = zeros((size_t)it->rows * it->columns);
  it->bias = zeros(it->rows + hidden), it->vector = zeros(it->columns), it->sums = zeros(it->rows + hidden), it->cell = zeros(hidden);
  draw(it, 0, inputs, scale, state);
  draw(it, inputs, hidden, scale, state);
  bench_fill(it->bias, it->rows, scale, state);
  for (int row = 0; row < it->rows; row++) {
    float value = scale * bench_uniform(state);
    if (gates == 3 && row >= 2 * hidden)
      it->bias[row + hidden] = value;
    else
      it->bias[row] += value;
  }
}

void *peer_new(const char *cell, int in, int hid, int layers) {
  network *net = calloc(1, sizeof *net);
  if (!net) return NULL;
  uint32_t state = BENCH_SEED;
  float scale = 1 / sqrtf((float)hid);
  net->gates = cell[0] == 'l' ? 4 : cell[0] == 'g' ? 3 : 1, net->hidden = hid, net->layer_count = layers;
  net->layers = calloc(layers, sizeof *net->layers);
  if (!net->layers) abort();
  for (int i = 0; i < layers; i++) make_layer(&net->layers[i], net->gates, i == 0 ? in : hid, hid, scale, &state);
  net->head = zeros(hid + 1);
  bench_fill(net->head, hid + 1, scale, &state);
  return net;
}

void peer_free(void *handle) {
  network *net = handle;
  for (int i = 0; i < net->layer_count; i++) {
    layer *it = &net->layers[i];
    free(it->weights), free(it->bias), free(it->vector), free(it->sums), free(it->cell);
  }
  free(net->layers), free(net->head), free(net);
}

/* sums += weights[:, first ..< end] * vector[first ..< end]. The arrays are parameters, since GCC believes in the `restrict` of
 * parameters only, and would check in every column whether they overlap. */
static void add_columns(const float *restrict weights, const float *restrict vector, float *restrict sums, int rows, int columns, int first,
                        int end) {
#if PLAIN_COLUMNS
  (void)columns;
  for (int column = first; column < end; column++) {
    const float *values = weights + (size_t)column * rows;
    float x = vector[column];
    for (int row = 0; row < rows; row++) sums[row] += values[row] * x;
  }
#else
  for (int row = 0; row < rows; row++) {
    const float *values = weights + (size_t)row * columns;
    float sum = 0;
    for (int column = first; column < end; column++) sum += values[column] * vector[column];
    sums[row] += sum;
  }
#endif
}

static void add_product(const layer *it, int first, int end) {
  add_columns(it->weights, it->vector, it->sums, it->rows, it->columns, first, end);
}

static inline float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

static void step_lstm(layer *it, int hidden) {
  float *restrict state = it->vector + it->inputs, *restrict cell = it->cell;
  const float *restrict sums = it->sums;
  add_product(it, 0, it->columns);
  for (int u = 0; u < hidden; u++) cell[u] = sigmoid(sums[hidden + u]) * cell[u] + sigmoid(sums[u]) * tanhf(sums[2 * hidden + u]);
  for (int u = 0; u < hidden; u++) state[u] = sigmoid(sums[3 * hidden + u]) * tanhf(cell[u]);
}

static void step_gru(layer *it, int hidden) {
  float *restrict state = it->vector + it->inputs, *restrict from_input = it->cell, *restrict sums = it->sums;
  add_product(it, 0, it->inputs);
  memcpy(from_input, sums + 2 * hidden, hidden * sizeof(float));
  memcpy(sums + 2 * hidden, sums + 3 * hidden, hidden * sizeof(float));
  add_product(it, it->inputs, it->columns);
  for (int u = 0; u < hidden; u++) {
    float reset = sigmoid(sums[u]), update = sigmoid(sums[hidden + u]), new = tanhf(from_input[u] + reset * sums[2 * hidden + u]);
    state[u] = (1 - update) * new + update * state[u];
  }
}

static void step_rnn(layer *it, int hidden) {
  float *restrict state = it->vector + it->inputs;
  add_product(it, 0, it->columns);
  for (int u = 0; u < hidden; u++) state[u] = tanhf(it->sums[u]);
}

void peer_step(void *handle, const float *x, float *y) {
  network *net = handle;
  int hidden = net->hidden;
  for (int i = 0; i < net->layer_count; i++) {
    layer *it = &net->layers[i];
    memcpy(it->vector, x, it->inputs * sizeof(float));
    memcpy(it->sums, it->bias, (it->rows + (net->gates == 3) * hidden) * sizeof(float));
    if (net->gates == 4)
      step_lstm(it, hidden);
    else if (net->gates == 3)
      step_gru(it, hidden);
    else
      step_rnn(it, hidden);
    x = it->vector + it->inputs;
  }
  float sum = net->head[hidden];
  for (int u = 0; u < hidden; u++) sum += net->head[u] * x[u];
  y[0] = sum;
}
