#include "rill_network.h"
#include "engine.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int bench_rill_failed(rill_status status, const char *what) {
  if (status != RILL_OK) fprintf(stderr, "bench: %s: %s: %s\n", what, rill_status_name(status), rill_last_error_message());
  return status != RILL_OK;
}

/* Writes one parameter; whether that went wrong. */
static int set_parameter(rill_model *model, const char *name, size_t count, float scale, uint32_t *state) {
  float *values = malloc(count * sizeof *values);
  if (!values) return 1;
  bench_fill(values, count, scale, state);
  int failed = bench_rill_failed(rill_model_set_parameter(model, name, values, count), name);
  free(values);
  return failed;
}

/* All parameters, in the order of engine.h. Also biases that stay out are drawn, so that the other weights are the same without them. */
int bench_rill_set_parameters(rill_model *model, const char *cell, int input_size, int hidden_size, int num_layers, int outputs,
                              int flags) {
  uint32_t state = BENCH_SEED;
  float scale = 1 / sqrtf((float)hidden_size);
  size_t gates = strcmp(cell, "lstm") == 0 ? 4 : strcmp(cell, "gru") == 0 ? 3 : 1, hidden = (size_t)hidden_size, rows = gates * hidden;
  static const char *const kinds[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
  for (int layer = 0; layer < num_layers; layer++) {
    size_t inputs = layer == 0 ? (size_t)input_size : hidden, counts[] = {rows * inputs, rows * hidden, rows, rows};
    for (int kind = 0; kind < 4; kind++) {
      char name[64];
      snprintf(name, sizeof name, "0.%s_l%d", kinds[kind], layer);
      int is_silent = kind >= 2 && (flags & BENCH_NO_BIAS);
      if (set_parameter(model, name, counts[kind], is_silent ? 0 : scale, &state)) return 1;
    }
  }
  if (!outputs) return 0;
  size_t count = (size_t)outputs;
  return set_parameter(model, "1.weight", count * hidden, scale, &state) || set_parameter(model, "1.bias", count, scale, &state);
}

rill_model *bench_rill_model(const char *cell, int input_size, int hidden_size, int num_layers, int flags) {
  char configuration[512];
  snprintf(configuration, sizeof configuration,
           "{\"input\": {\"kind\": \"vector\", \"size\": %d},"
           " \"layers\": [{\"type\": \"%s\", \"hidden_size\": %d, \"num_layers\": %d}%s]}",
           input_size, cell, hidden_size, num_layers, flags & BENCH_HEAD ? ", {\"type\": \"dense\", \"output_size\": 1}" : "");
  rill_model *model;
  if (bench_rill_failed(rill_model_create(configuration, 1, NULL, &model), configuration)) return NULL;
  if (bench_rill_set_parameters(model, cell, input_size, hidden_size, num_layers, flags & BENCH_HEAD ? 1 : 0, flags) ||
      bench_rill_failed(rill_model_publish(model), "publish")) {
    rill_model_destroy(model);
    return NULL;
  }
  return model;
}

rill_stream *bench_rill_stream(const char *cell, int input_size, int hidden_size, int num_layers, int flags, int batch_size,
                               const char *options) {
  rill_model *model = bench_rill_model(cell, input_size, hidden_size, num_layers, flags);
  if (!model) return NULL;
  rill_stream *stream;
  rill_status status = rill_stream_create(model, (size_t)batch_size, options, &stream);
  rill_model_destroy(model); /* the stream holds on to it */
  if (status == RILL_OK) return stream;
  if (!options || (status != RILL_ERROR_FORMAT && status != RILL_ERROR_UNSUPPORTED)) bench_rill_failed(status, "stream");
  return NULL;
}
