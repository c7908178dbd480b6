/* One small model of every kind that the library offers, with a stream, a batch and a trainer around it.
 *
 * T time steps, B lanes, I input size, O output size. */
#ifndef MODELS_H
#define MODELS_H

#include "check.h"
#include <math.h>

enum { T = 5, B = 3, MAXIMUM_SIZE = 40, MAXIMUM_VALUES = T * B * MAXIMUM_SIZE };

struct kind {
  const char *name, *configuration;
  const char *training; // options of a trainer
  size_t input_size, output_size;
  bool has_tokens, is_per_sequence;
  const char *state; // a state's name, NULL without; its values per lane
  size_t state_size;
  const char *parameter; // the name of a parameter of rank 2, and its values
  size_t parameter_size;
};

#define VECTOR "\"input\": {\"kind\": \"vector\", \"size\": 3}, \"layers\": "
#define TOKENS "\"input\": {\"kind\": \"token\", \"size\": 5}, \"layers\": "
#define DENSE(size) "{\"type\": \"dense\", \"output_size\": " #size "}"

static const struct kind KINDS[] = {
    {"lstm", "{" VECTOR "[{\"type\": \"lstm\", \"hidden_size\": 6}, " DENSE(2) "]}", "{\"loss\": \"mse\", \"clip_norm\": 1}", 3, 2, false,
     false, "0.cell", 6, "0.weight_ih_l0", 72},
    {"gru", "{" VECTOR "[{\"type\": \"gru\", \"hidden_size\": 6}, " DENSE(2) "]}",
     "{\"loss\": \"mse\", \"optimizer\": {\"type\": \"sgd\", \"momentum\": 0.9}}", 3, 2, false, false, "0.hidden", 6, "0.weight_hh_l0",
     108},
    {"gru_reset_before", "{" VECTOR "[{\"type\": \"gru\", \"hidden_size\": 6, \"reset_after\": false, \"bias\": false}, " DENSE(2) "]}",
     "{\"loss\": \"mse\", \"optimizer\": {\"type\": \"rmsprop\", \"momentum\": 0.5}, \"clip_value\": 0.5}", 3, 2, false, false, "0.hidden",
     6, "0.weight_ih_l0", 54},
    {"rnn_tanh",
     "{" VECTOR "[{\"type\": \"rnn\", \"hidden_size\": 6}, {\"type\": \"dense\", \"output_size\": 2, \"activation\": \"tanh\"}]}",
     "{\"loss\": \"mse\", \"reduction\": \"sum\"}", 3, 2, false, false, "0.hidden", 6, "0.weight_ih_l0", 18},
    {"rnn_relu", "{" VECTOR "[{\"type\": \"rnn\", \"hidden_size\": 6, \"nonlinearity\": \"relu\"}, " DENSE(2) "]}", "{\"loss\": \"mse\"}",
     3, 2, false, false, "0.hidden", 6, "0.weight_hh_l0", 36},
    {"deep_per_sequence",
     "{" VECTOR "[{\"type\": \"gru\", \"name\": \"low\", \"hidden_size\": 4}, {\"type\": \"dropout\", \"p\": 0.25}, {\"type\": \"lstm\", "
     "\"name\": \"top\", \"hidden_size\": 5, \"num_layers\": 2, \"dropout\": 0.5, \"initial_state\": true, \"return_sequences\": false}, "
     "{\"type\": \"dense\", \"output_size\": 4, \"activation\": \"relu\"}, {\"type\": \"dense\", \"output_size\": 1, \"activation\": "
     "\"sigmoid\", \"bias\": false}]}",
     "{\"loss\": \"bce\"}", 3, 1, false, true, "top.hidden", 10, "top.weight_ih_l1", 100},
    {"normalized",
     "{\"input\": {\"kind\": \"vector\", \"size\": 3, \"shift\": [1, 2, 3], \"scale\": 4}, \"layers\": [{\"type\": \"rnn\", "
     "\"hidden_size\": 6}, " DENSE(2) "], \"output\": {\"shift\": 5, \"scale\": [6, 7]}, \"name\": \"normalized\", \"metadata\": "
                                      "{\"unit\": \"ppm\", \"list\": [1, null, true, {\"deep\": []}]}}",
     "{\"loss\": \"mse\"}", 3, 2, false, false, "0.hidden", 6, "0.weight_hh_l0", 36},
    {"one_hot",
     "{" TOKENS "[{\"type\": \"gru\", \"hidden_size\": 6}, {\"type\": \"dense\", \"output_size\": 5, \"activation\": \"softmax\"}]}",
     "{\"loss\": \"cross_entropy\"}", 5, 5, true, false, "0.hidden", 6, "0.weight_ih_l0", 90},
    {"embedding",
     "{" TOKENS
     "[{\"type\": \"embedding\", \"embedding_dim\": 4}, {\"type\": \"lstm\", \"name\": \"memory\", \"hidden_size\": 6}, " DENSE(5) "]}",
     "{\"loss\": \"cross_entropy\", \"reduction\": \"sum\"}", 5, 5, true, false, "memory.cell", 6, "0.weight", 20},
};
enum { KIND_COUNT = sizeof KINDS / sizeof *KINDS };

static inline const struct kind *kind_named(const char *name) {
  for (size_t k = 0; k < KIND_COUNT; k++)
    if (strcmp(KINDS[k].name, name) == 0) return &KINDS[k];
  fprintf(stderr, "no kind %s\n", name);
  exit(1);
}

/* The objects of one kind. */
struct world {
  const struct kind *kind;
  rill_model *model;
  rill_stream *stream;
  rill_batch *batch;
  rill_trainer *trainer;
};

/* A kind's options of a trainer with more of them: `more` is what stands in a JSON object. The text lives until the next call. */
static inline const char *training_with(const struct kind *kind, const char *more) {
  static char text[512];
  snprintf(text, sizeof text, "%.*s, %s}", (int)strlen(kind->training) - 1, kind->training, more);
  return text;
}

/* Ways of training in which something is kept from one window or batch to the next, by several threads; fewer fit a model with one output
 * per sequence. */
enum { WAYS = 3 };
static inline const char *way_of_training(const struct kind *kind, int way) {
  const char *const ways[WAYS] = {
      "\"threads\": 3, \"stateful\": true, \"checkpoint_every\": 2", "\"threads\": 2, \"accumulate\": 2, \"burn_in\": 1",
      "\"threads\": 2, \"stateful\": true, \"checkpoint_every\": 1, \"truncation\": {\"update_every\": 2, \"backpropagate\": 3}"};
  return training_with(kind, ways[kind->is_per_sequence ? way % 2 : way]);
}

/* Values of about unit size without a pattern that repeats with a lane or a step. They are exact, multiples of 1/64, so that no rounding
 * mode of the processor changes them. */
static inline float sample(size_t index) { return (float)((int)(index * 37 % 101) - 50) / 64; }
static inline int32_t sample_token(size_t index, size_t size) { return (int32_t)((index * 7 + index / 3) % (size + 1)) - 1; }

struct data {
  float inputs[MAXIMUM_VALUES], targets[MAXIMUM_VALUES];
  int32_t tokens[T * B], classes[T * B], lengths[B];
};

static inline size_t input_count_of(const struct kind *kind) { return (kind->has_tokens ? 1 : kind->input_size) * T * B; }
static inline size_t output_count_of(const struct kind *kind) { return kind->output_size * B * (kind->is_per_sequence ? 1 : T); }

static inline struct data data_of(const struct kind *kind) {
  struct data data;
  for (size_t i = 0; i < MAXIMUM_VALUES; i++) {
    data.inputs[i] = sample(i);
    data.targets[i] = 0.5f + sample(i * 3) / 2; // fits "bce" too: inside 0 ... 1
  }
  for (size_t i = 0; i < T * B; i++) {
    data.tokens[i] = sample_token(i, kind->input_size);
    data.classes[i] = sample_token(i + 1, kind->output_size);
  }
  for (size_t b = 0; b < B; b++) data.lengths[b] = (int32_t)(T - b);
  return data;
}

static inline rill_status fill_batch(const struct kind *kind, rill_batch *batch) {
  struct data data = data_of(kind);
  size_t count = input_count_of(kind), step_count = kind->is_per_sequence ? B : T * B;
  rill_status status =
      kind->has_tokens ? rill_batch_set_tokens(batch, data.tokens, count) : rill_batch_set_inputs(batch, data.inputs, count);
  if (status == RILL_OK) status = rill_batch_set_lengths(batch, data.lengths, B);
  if (status != RILL_OK) return status;
  return kind->has_tokens ? rill_batch_set_classes(batch, data.classes, step_count)
                          : rill_batch_set_targets(batch, data.targets, output_count_of(kind));
}

/* Inputs of step t for every lane, the right function for the kind; output: [B][O]. */
static inline rill_status step_stream(const struct kind *kind, rill_stream *stream, size_t t, float *output) {
  struct data data = data_of(kind);
  size_t count = kind->output_size * B;
  if (kind->has_tokens) return rill_stream_step_tokens(stream, data.tokens + t * B, B, output, count);
  return rill_stream_step(stream, data.inputs + t * B * kind->input_size, B * kind->input_size, output, count);
}

/* outputs: [T][B][O] */
static inline rill_status run_stream(const struct kind *kind, rill_stream *stream, float *outputs) {
  struct data data = data_of(kind);
  size_t count = kind->output_size * B * T;
  if (kind->has_tokens) return rill_stream_run_tokens(stream, T, data.tokens, T * B, outputs, count);
  return rill_stream_run(stream, T, data.inputs, T * B * kind->input_size, outputs, count);
}

/* outputs: [T][B][O], or [B][O] */
static inline rill_status run_model(const struct kind *kind, rill_model *model, float *outputs) {
  struct data data = data_of(kind);
  size_t count = output_count_of(kind);
  if (kind->has_tokens) return rill_model_run_tokens(model, T, B, data.tokens, T * B, data.lengths, B, outputs, count);
  return rill_model_run(model, T, B, data.inputs, T * B * kind->input_size, data.lengths, B, outputs, count);
}

static inline struct world make_world(const struct kind *kind) {
  struct world world = {.kind = kind};
  REQUIRE(rill_model_create(kind->configuration, 7, NULL, &world.model) == RILL_OK);
  REQUIRE(rill_stream_create(world.model, B, NULL, &world.stream) == RILL_OK);
  REQUIRE(rill_batch_create(world.model, T, B, NULL, &world.batch) == RILL_OK);
  REQUIRE(fill_batch(kind, world.batch) == RILL_OK);
  REQUIRE(rill_trainer_create(world.model, 11, kind->training, &world.trainer) == RILL_OK);
  return world;
}

static inline void destroy_world(struct world *world) {
  rill_stream_destroy(world->stream);
  rill_batch_destroy(world->batch);
  rill_trainer_destroy(world->trainer);
  rill_model_destroy(world->model);
  *world = (struct world){0};
}

/* All parameters of a model as one number. */
static inline uint64_t hash_parameters(const rill_model *model) {
  uint64_t hash = HASH_START;
  size_t count = 0;
  REQUIRE(rill_model_get_parameter_count(model, &count) == RILL_OK);
  for (size_t i = 0; i < count; i++) {
    char name[128];
    size_t length, shape[2] = {1, 1}, rank = 0;
    REQUIRE(rill_model_get_parameter_name(model, i, name, sizeof name, &length) == RILL_OK);
    REQUIRE(rill_model_get_parameter_shape(model, name, shape, 2, &rank) == RILL_OK);
    size_t value_count = shape[0] * (rank == 2 ? shape[1] : 1);
    float *values = malloc(value_count * sizeof *values);
    REQUIRE(rill_model_get_parameter(model, name, values, value_count) == RILL_OK);
    hash = hash_bytes(hash, values, value_count * sizeof *values);
    free(values);
  }
  return hash;
}

/* Uses all that there is of a world and gives its results as one number, without changing what a second probe sees. The stream's state
 * is put back; the trainer's running evaluation is forgotten. */
static inline uint64_t probe(const struct world *world) {
  const struct kind *kind = world->kind;
  uint64_t hash = HASH_START;
  float outputs[MAXIMUM_VALUES];
  if (world->stream) {
    unsigned char state[4096];
    size_t length = 0;
    REQUIRE(rill_stream_save_state(world->stream, state, sizeof state, &length) == RILL_OK);
    hash = hash_bytes(hash, state, length);
    for (size_t t = 0; t < 2; t++) {
      REQUIRE(step_stream(kind, world->stream, t, outputs) == RILL_OK);
      hash = hash_bytes(hash, outputs, B * kind->output_size * sizeof *outputs);
    }
    REQUIRE(rill_stream_load_state(world->stream, state, length) == RILL_OK);
  }
  if (world->model) {
    REQUIRE(run_model(kind, world->model, outputs) == RILL_OK);
    hash = hash_bytes(hash, outputs, output_count_of(kind) * sizeof *outputs);
    uint64_t parameters = hash_parameters(world->model);
    hash = hash_bytes(hash, &parameters, sizeof parameters);
  }
  if (world->trainer && world->batch) {
    double loss = 0;
    REQUIRE(rill_trainer_reset_metrics(world->trainer) == RILL_OK);
    REQUIRE(rill_trainer_evaluate(world->trainer, world->batch) == RILL_OK);
    REQUIRE(rill_trainer_get_metric(world->trainer, "loss", &loss) == RILL_OK);
    REQUIRE(rill_trainer_reset_metrics(world->trainer) == RILL_OK);
    hash = hash_bytes(hash, &loss, sizeof loss);
  }
  return hash;
}

#endif
