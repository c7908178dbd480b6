/* Rill as an engine. The environment is read when a network is made:
 *   RILL_ISA          the library's own: "baseline" or "v3" lowers the instruction-set level
 *   BENCH_PRECISION   "bfloat16" or "int8": goes into the stream's options; a library that does not know them makes no network
 */
#include "engine.h"
#include "rill_network.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
  rill_stream *stream; /* of a streaming network */
  rill_model *model;   /* of a network for sequences or training */
  rill_batch *batch;
  rill_trainer *trainer;
  size_t input_size, hidden_size, output_size, sequence_length, batch_size;
  int has_tokens;
} network;

/* A network that cannot go on has no way to say so: a number that it did not compute must not be reported. */
static void must(rill_status status, const char *what) {
  if (bench_rill_failed(status, what)) exit(1);
}

const char *peer_name(void) { return "rill"; }

void peer_free(void *handle) {
  network *it = handle;
  if (!it) return;
  rill_stream_destroy(it->stream);
  rill_batch_destroy(it->batch);
  rill_trainer_destroy(it->trainer);
  rill_model_destroy(it->model);
  free(it);
}

/* ---------------------------------------------------------------- streaming */

void *peer_new(const char *cell, int in, int hid, int layers) {
  char options[64];
  const char *precision = getenv("BENCH_PRECISION");
  int has_precision = precision && *precision;
  if (has_precision) snprintf(options, sizeof options, "{\"precision\": \"%.20s\"}", precision);
  network *it = calloc(1, sizeof *it);
  if (!it) return NULL;
  it->input_size = (size_t)in;
  it->stream = bench_rill_stream(cell, in, hid, layers, BENCH_HEAD, 1, has_precision ? options : NULL);
  if (it->stream) return it;
  free(it);
  return NULL;
}

void peer_step(void *handle, const float *x, float *y) {
  network *it = handle;
  if (rill_stream_step(it->stream, x, it->input_size, y, 1) != RILL_OK) must(RILL_ERROR_INTERNAL, "step");
}

/* ---------------------------------------------------------- whole sequences */

void *peer_seq_new(const char *cell, int in, int hid, int layers, int T, int B) {
  network *it = calloc(1, sizeof *it);
  if (!it) return NULL;
  it->input_size = (size_t)in, it->hidden_size = (size_t)hid, it->sequence_length = (size_t)T, it->batch_size = (size_t)B;
  it->model = bench_rill_model(cell, in, hid, layers, 0);
  if (it->model) return it;
  free(it);
  return NULL;
}

void peer_seq_run(void *handle, const float *x, float *y) {
  network *it = handle;
  size_t rows = it->sequence_length * it->batch_size;
  must(rill_model_run(it->model, it->sequence_length, it->batch_size, x, rows * it->input_size, NULL, 0, y, rows * it->hidden_size), "run");
}

/* ----------------------------------------------------------------- training */

/* These two came later than the rest. Weak, since this file is also built against libraries that are without them. */
rill_status rill_trainer_evaluate_gradients(rill_trainer *trainer, const rill_batch *batch, double *loss) __attribute__((weak));
rill_status rill_trainer_update_from_gradients(rill_trainer *trainer) __attribute__((weak));

/* A library that does not know the option "threads" makes no network with several, without a word. */
static int make_trainer(network *it, int threads) {
  char options[256], more[32] = "";
  if (threads > 1) snprintf(more, sizeof more, ", \"threads\": %d", threads);
  snprintf(options, sizeof options, "{\"loss\": \"%s\", \"optimizer\": {\"type\": \"adam\", \"learning_rate\": 0.002}, \"clip_norm\": 5%s}",
           it->has_tokens ? "cross_entropy" : "mse", more);
  rill_status status = rill_trainer_create(it->model, 1, options, &it->trainer);
  int is_unknown = threads > 1 && (status == RILL_ERROR_FORMAT || status == RILL_ERROR_UNSUPPORTED);
  return is_unknown ? 0 : !bench_rill_failed(status, "trainer");
}

void *peer_train_new(const char *task, const char *cell, int in, int hid, int layers, int out, int B, int T, int threads) {
  network *it = calloc(1, sizeof *it);
  if (!it) return NULL;
  it->has_tokens = strcmp(task, "charlm") == 0;
  it->input_size = (size_t)in, it->output_size = (size_t)out, it->sequence_length = (size_t)T, it->batch_size = (size_t)B;
  char configuration[512];
  snprintf(configuration, sizeof configuration,
           "{\"input\": {\"kind\": \"%s\", \"size\": %d}, \"layers\": [{\"type\": \"%s\", \"hidden_size\": %d, \"num_layers\": %d},"
           " {\"type\": \"dense\", \"output_size\": %d, \"activation\": \"%s\"}]}",
           it->has_tokens ? "token" : "vector", in, cell, hid, layers, out, it->has_tokens ? "softmax" : "linear");
  if (bench_rill_failed(rill_model_create(configuration, 1, NULL, &it->model), "model") ||
      bench_rill_set_parameters(it->model, cell, in, hid, layers, out, BENCH_HEAD) || !make_trainer(it, threads) ||
      bench_rill_failed(rill_batch_create(it->model, it->sequence_length, it->batch_size, NULL, &it->batch), "batch")) {
    peer_free(it);
    return NULL;
  }
  return it;
}

/* Filling the batch is part of the update, as a training loop has new data in each. */
static void fill_batch(network *it, const int *tx, const int *ty, const float *x, const float *y) {
  size_t rows = it->sequence_length * it->batch_size;
  if (it->has_tokens) {
    must(rill_batch_set_tokens(it->batch, tx, rows), "tokens");
    must(rill_batch_set_classes(it->batch, ty, rows), "classes");
  } else {
    must(rill_batch_set_inputs(it->batch, x, rows * it->input_size), "inputs");
    must(rill_batch_set_targets(it->batch, y, rows * it->output_size), "targets");
  }
}

float peer_train_step(void *handle, const int *tx, const int *ty, const float *x, const float *y) {
  network *it = handle;
  double loss;
  fill_batch(it, tx, ty, x, y);
  must(rill_trainer_update(it->trainer, it->batch, &loss), "update");
  return (float)loss;
}

static double now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* An evaluation is the forward part, though it keeps nothing for a backward one. */
void peer_train_parts(void *handle, const int *tx, const int *ty, const float *x, const float *y, double *ns) {
  network *it = handle;
  double start = now_ns();
  fill_batch(it, tx, ty, x, y);
  must(rill_trainer_evaluate(it->trainer, it->batch), "evaluate");
  ns[0] = now_ns() - start, ns[1] = ns[2] = NAN;
  if (!rill_trainer_evaluate_gradients || !rill_trainer_update_from_gradients) return;
  start = now_ns();
  fill_batch(it, tx, ty, x, y);
  must(rill_trainer_evaluate_gradients(it->trainer, it->batch, NULL), "gradients");
  double middle = now_ns();
  must(rill_trainer_update_from_gradients(it->trainer), "update");
  ns[1] = middle - start - ns[0], ns[2] = now_ns() - middle;
}
