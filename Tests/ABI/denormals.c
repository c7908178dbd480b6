/* Loud input, then silence. A state that only decays comes to numbers below the smallest normal float, which many processors compute with a
 * hundred times as slowly; so they are zero in here, whatever mode the host has set. */
#include "float_mode.h"
#include <math.h>

enum { INPUTS = 2, HIDDEN = 20, OUTPUTS = 3, LANES = 3, LOUD = 1000, SILENT = 100000, PERIOD = 500 };

static const struct cell {
  const char *name, *options;
  int gates;
  int keeping;      // the gate that says how much of the state stays; -1: the recurrent weights do
  float own_weight; // of a GRU's candidate, from its own unit
  bool reaches_zero;
  const char *states[2];
} CELLS[] = {
    // (1 - e) / (1 + e) comes in steps of some 1e-8: a slow decay stops there, and is never as small as a denormal.
    {"rnn tanh", "\"type\": \"rnn\"", 1, -1, 0, false, {"0.hidden", NULL}},
    {"rnn relu", "\"type\": \"rnn\", \"nonlinearity\": \"relu\"", 1, -1, 0, true, {"0.hidden", NULL}},
    {"lstm", "\"type\": \"lstm\"", 4, 1, 0, true, {"0.hidden", "0.cell"}},
    {"gru", "\"type\": \"gru\"", 3, 1, 0.5f, true, {"0.hidden", NULL}},
    {"gru reset before", "\"type\": \"gru\", \"reset_after\": false", 3, 1, 0.5f, true, {"0.hidden", NULL}},
};
enum { CELL_COUNT = sizeof CELLS / sizeof *CELLS };

static void set_parameter(rill_model *model, const char *name, const float *values, size_t count) {
  REQUIRE(rill_model_set_parameter(model, name, values, count) == RILL_OK);
}

/* A model whose unit j keeps a share of its state at each step such that it leaves the normal numbers after about (j + 1) / (HIDDEN + 1) of
 * the silence: at any time there is one that is about to. */
static rill_model *make_model(const struct cell *cell) {
  static float input[4 * HIDDEN * INPUTS], recurrent[4 * HIDDEN * HIDDEN], bias[4 * HIDDEN], none[4 * HIDDEN], head[OUTPUTS];
  char text[256];
  rill_model *model;
  snprintf(text, sizeof text,
           "{\"input\": {\"kind\": \"vector\", \"size\": 2}, \"layers\": [{%s, \"hidden_size\": 20}, {\"type\": \"dense\", "
           "\"output_size\": 3}]}",
           cell->options);
  REQUIRE(rill_model_create(text, 1, NULL, &model) == RILL_OK);
  memset(recurrent, 0, sizeof recurrent), memset(bias, 0, sizeof bias);
  for (int i = 0; i < cell->gates * HIDDEN * INPUTS; i++) input[i] = (float)(i * 37 % 101 - 50) / 64;
  for (int j = 0; j < HIDDEN; j++) {
    double rate = 90.0 * (HIDDEN + 1) / ((double)SILENT * (j + 1)); // e^-90 is below the normal numbers
    if (cell->keeping < 0) {
      recurrent[j * HIDDEN + j] = (float)exp(-rate);
    } else {
      bias[cell->keeping * HIDDEN + j] = (float)-log(expm1(rate)); // its sigmoid is e^-rate
      recurrent[(2 * HIDDEN + j) * HIDDEN + j] = cell->own_weight;
    }
  }
  set_parameter(model, "0.weight_ih_l0", input, (size_t)(cell->gates * HIDDEN * INPUTS));
  set_parameter(model, "0.weight_hh_l0", recurrent, (size_t)(cell->gates * HIDDEN * HIDDEN));
  set_parameter(model, "0.bias_ih_l0", bias, (size_t)(cell->gates * HIDDEN));
  set_parameter(model, "0.bias_hh_l0", none, (size_t)(cell->gates * HIDDEN));
  set_parameter(model, "1.bias", head, OUTPUTS); // outputs decay too
  REQUIRE(rill_model_publish(model) == RILL_OK);
  return model;
}

/* What kinds of numbers there are; told from the bits, which no floating-point mode changes. */
struct numbers {
  long denormal, infinite, zero, other;
};
static void count_numbers(const float *values, size_t count, struct numbers *numbers) {
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, &values[i], sizeof bits);
    uint32_t exponent = bits & 0x7f800000, fraction = bits & 0x007fffff;
    if (exponent == 0x7f800000)
      numbers->infinite++;
    else if (exponent == 0)
      *(fraction ? &numbers->denormal : &numbers->zero) += 1;
    else
      numbers->other++;
  }
}

/* Looks at the states by name; gives the hash of all bits. */
static uint64_t look(const struct cell *cell, const rill_stream *stream, size_t lanes, uint64_t hash, struct numbers *numbers) {
  float values[HIDDEN * LANES];
  for (int s = 0; s < 2 && cell->states[s]; s++) {
    IN_MODE(rill_stream_get_state(stream, cell->states[s], values, HIDDEN * lanes));
    count_numbers(values, HIDDEN * lanes, numbers);
    hash = hash_bytes(hash, values, HIDDEN * lanes * sizeof *values);
  }
  return hash;
}

/* Everything that comes out, as one number. */
static uint64_t fall_silent(const struct cell *cell, size_t lanes) {
  static float loud[LOUD * LANES * INPUTS], silence[PERIOD * LANES * INPUTS], outputs[LOUD * LANES * OUTPUTS];
  uint64_t hash = HASH_START;
  rill_stream *stream;
  rill_model *model = make_model(cell);
  size_t inputs = lanes * INPUTS, results = lanes * OUTPUTS;
  struct numbers before = {0}, seen = {0}, after = {0};
  IN_MODE(rill_stream_create(model, lanes, NULL, &stream));
  for (size_t i = 0; i < LOUD * inputs; i++) loud[i] = (float)((int)(i * 37 % 101) - 50) * 64; // up to 3200 on both sides
  IN_MODE(rill_stream_run(stream, LOUD, loud, LOUD * inputs, outputs, LOUD * results));
  hash = hash_bytes(hash, outputs, LOUD * results * sizeof *outputs);
  hash = look(cell, stream, lanes, hash, &before);
  for (int done = 0; done < SILENT; done += PERIOD) {
    // Half of it step by step, half as a block.
    size_t steps = PERIOD / 2;
    for (size_t t = 0; t < steps; t++) IN_MODE(rill_stream_step(stream, silence, inputs, outputs + t * results, results));
    IN_MODE(rill_stream_run(stream, steps, silence, steps * inputs, outputs + steps * results, steps * results));
    hash = hash_bytes(hash, outputs, PERIOD * results * sizeof *outputs);
    count_numbers(outputs, PERIOD * results, &seen);
    hash = look(cell, stream, lanes, hash, &seen);
  }
  look(cell, stream, lanes, hash, &after);
  CHECK(before.infinite == 0 && seen.infinite == 0, "%s, %zu lanes: not finite", cell->name, lanes);
  CHECK(before.denormal == 0 && seen.denormal == 0, "%s, %zu lanes: %ld denormals", cell->name, lanes, before.denormal + seen.denormal);
  // The judge itself: the states began as numbers, and most of them went all the way down.
  if (cell->reaches_zero)
    CHECK(before.other > before.zero && after.zero > after.other, "%s, %zu lanes: %ld of %ld are zero", cell->name, lanes, after.zero,
          after.zero + after.other);
  rill_stream_destroy(stream);
  rill_model_destroy(model);
  return hash;
}

static uint64_t usual_results[CELL_COUNT][LANES + 1];

static void expect_usual_results(const char *mode) {
  for (size_t c = 0; c < CELL_COUNT; c++)
    for (size_t lanes = 1; lanes <= LANES; lanes += LANES - 1)
      CHECK(fall_silent(&CELLS[c], lanes) == usual_results[c][lanes], "%s, %zu lanes, in a host with %s", CELLS[c].name, lanes, mode);
}

static void silence_leaves_no_denormals(void) {
  for (size_t c = 0; c < CELL_COUNT; c++)
    for (size_t lanes = 1; lanes <= LANES; lanes += LANES - 1) usual_results[c][lanes] = fall_silent(&CELLS[c], lanes);
}

static void a_host_that_flushes_hears_the_same(void) {
  mode_of_host = usual_mode | FLUSHING;
  expect_usual_results("denormals flushed");
  mode_of_host = usual_mode;
}

static void a_host_that_rounds_upward_hears_the_same(void) {
  REQUIRE(fesetround(FE_UPWARD) == 0);
  mode_of_host = get_mode();
  REQUIRE(fesetround(FE_TONEAREST) == 0);
  CHECK(mode_of_host != usual_mode);
  expect_usual_results("upward rounding");
  mode_of_host = usual_mode;
}

/* A step that overflows leaves early; the mode is put back all the same. */
static void overflow_keeps_the_mode(void) {
  uint64_t hash = HASH_START;
  rill_stream *stream;
  rill_model *model = make_model(&CELLS[1]);
  float state[HIDDEN], weights[HIDDEN * HIDDEN], input[INPUTS] = {1, 1}, output[OUTPUTS];
  for (int i = 0; i < HIDDEN; i++) state[i] = 3e38f;
  for (int i = 0; i < HIDDEN * HIDDEN; i++) weights[i] = 2;
  set_parameter(model, "0.weight_hh_l0", weights, HIDDEN * HIDDEN);
  REQUIRE(rill_model_publish(model) == RILL_OK && rill_stream_create(model, 1, NULL, &stream) == RILL_OK);
  for (int flushing = 0; flushing < 2; flushing++) {
    mode_of_host = flushing ? usual_mode | FLUSHING : usual_mode;
    IN_MODE(rill_stream_set_state(stream, "0.hidden", state, HIDDEN));
    IN_MODE(rill_stream_step(stream, input, INPUTS, output, OUTPUTS));
    IN_MODE(rill_stream_step(stream, input, INPUTS, output, OUTPUTS));
    CHECK_REFUSED(rill_stream_run(stream, 1, input, INPUTS, output, OUTPUTS), STATE, "");
    IN_MODE(rill_stream_reset(stream));
  }
  mode_of_host = usual_mode;
  rill_stream_destroy(stream);
  rill_model_destroy(model);
}

int main(void) {
  usual_mode = mode_of_host = get_mode();
  TEST(silence_leaves_no_denormals);
  TEST(a_host_that_flushes_hears_the_same);
  TEST(a_host_that_rounds_upward_hears_the_same);
  TEST(overflow_keeps_the_mode);
  return finish();
}
