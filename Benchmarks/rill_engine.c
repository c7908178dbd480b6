/* Rill as an engine. The environment is read when a network is made:
 *   RILL_ISA          the library's own: "baseline" or "v3" lowers the instruction-set level
 *   BENCH_PRECISION   "bfloat16" or "int8": goes into the stream's options; a library that does not know them makes no network
 */
#include "engine.h"
#include "rill_network.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void *peer_train_new(const char *task, const char *cell, int in, int hid, int layers, int out, int B, int T, int threads) {
  network *it = threads == 1 ? calloc(1, sizeof *it) : NULL; /* Rill trains in one thread */
  if (!it) return NULL;
  it->has_tokens = strcmp(task, "charlm") == 0;
  it->input_size = (size_t)in, it->output_size = (size_t)out, it->sequence_length = (size_t)T, it->batch_size = (size_t)B;
  char configuration[512], options[256];
  snprintf(configuration, sizeof configuration,
           "{\"input\": {\"kind\": \"%s\", \"size\": %d}, \"layers\": [{\"type\": \"%s\", \"hidden_size\": %d, \"num_layers\": %d},"
           " {\"type\": \"dense\", \"output_size\": %d, \"activation\": \"%s\"}]}",
           it->has_tokens ? "token" : "vector", in, cell, hid, layers, out, it->has_tokens ? "softmax" : "linear");
  snprintf(options, sizeof options, "{\"loss\": \"%s\", \"optimizer\": {\"type\": \"adam\", \"learning_rate\": 0.002}}",
           it->has_tokens ? "cross_entropy" : "mse");
  if (bench_rill_failed(rill_model_create(configuration, 1, NULL, &it->model), "model") ||
      bench_rill_failed(rill_trainer_create(it->model, 1, options, &it->trainer), "trainer") ||
      bench_rill_failed(rill_batch_create(it->model, it->sequence_length, it->batch_size, NULL, &it->batch), "batch")) {
    peer_free(it);
    return NULL;
  }
  return it;
}

/* Filling the batch is part of the step, as a training loop has new data in each. */
float peer_train_step(void *handle, const int *tx, const int *ty, const float *x, const float *y) {
  network *it = handle;
  size_t rows = it->sequence_length * it->batch_size;
  double loss;
  if (it->has_tokens) {
    must(rill_batch_set_tokens(it->batch, tx, rows), "tokens");
    must(rill_batch_set_classes(it->batch, ty, rows), "classes");
  } else {
    must(rill_batch_set_inputs(it->batch, x, rows * it->input_size), "inputs");
    must(rill_batch_set_targets(it->batch, y, rows * it->output_size), "targets");
  }
  must(rill_trainer_update(it->trainer, it->batch, &loss), "update");
  return (float)loss;
}
