/* Every argument of every rill_stream function made invalid in turn. */
#include "refused.h"

/* By turns of the one key and of the other. */
static const char *const WRONG_STREAM_OPTIONS[] = {
    "{\"precision\": \"float16\"}",
    "{\"nonfinite\": \"ignore\"}",
    "{\"precision\": \"\"}",
    "{\"nonfinite\": \"\"}",
    "{\"precision\": \"Int8\"}",
    "{\"nonfinite\": \"Zero\"}",
    "{\"precision\": \"int8\\u0000\"}",
    "{\"nonfinite\": \"zero\\u0000\"}",
    "{\"precision\": 8}",
    "{\"nonfinite\": 0}",
    "{\"precision\": null}",
    "{\"nonfinite\": true}",
    "{\"precision\": [\"int8\"]}",
    "{\"nonfinite\": {}}",
    "{\"precision\": \"int8\", \"precision\": \"int8\"}",
    "{\"precision\": \"int8\", \"nonfinite\": \"zero \"}",
    "{\"nonfinite\": \"zero\", \"Precision\": \"int8\"}",
    "{\"precision\": \"int8\", \"nonfinite\": \"zero\", \"nonfinite\": \"zero\"}",
};

static void create_refuses(void) {
  const size_t sizes[] = {0, 65537, SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 4 + 1, ((size_t)1 << 32) + 1};
  REFUSED_HANDLE(out_stream, rill_stream_create(NULL, B, NULL, &out_stream), ARGUMENT, "model");
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    REFUSED_HANDLE(out_stream, rill_stream_create(world.model, sizes[i], NULL, &out_stream), ARGUMENT, "batch_size");
  for (size_t i = 0; i < WRONG_OPTIONS_COUNT; i++)
    REFUSED_HANDLE(out_stream, rill_stream_create(world.model, B, WRONG_OPTIONS[i], &out_stream), FORMAT, "options|bogus");
  for (size_t i = 0; i < sizeof WRONG_STREAM_OPTIONS / sizeof *WRONG_STREAM_OPTIONS; i++)
    REFUSED_HANDLE(out_stream, rill_stream_create(world.model, B, WRONG_STREAM_OPTIONS[i], &out_stream), FORMAT,
                   i % 2 == 0 ? "options&recision|NUL" : "options&nonfinite|NUL");
  REFUSED(rill_stream_create(world.model, B, NULL, NULL), ARGUMENT, "stream");
  REFUSED(rill_stream_get_batch_size(NULL, &out.size), ARGUMENT, "stream");
  REFUSED(rill_stream_get_batch_size(world.stream, NULL), ARGUMENT, "batch_size");
}

static void step_refuses(void) {
  struct data data = data_of(world.kind);
  rill_stream *stream = world.stream;
  size_t inputs = B * 3, outputs = B * 2;
  REFUSED(rill_stream_step(NULL, data.inputs, inputs, out.values, outputs), ARGUMENT, "stream");
  REFUSED(rill_stream_step(stream, NULL, inputs, out.values, outputs), ARGUMENT, "input");
  REFUSED(rill_stream_step(stream, data.inputs, inputs, NULL, outputs), ARGUMENT, "output");
  WRONG_COUNTS_REFUSED("input_count", inputs, rill_stream_step(stream, data.inputs, count, out.values, outputs));
  WRONG_COUNTS_REFUSED("output_count", outputs, rill_stream_step(stream, data.inputs, inputs, out.values, count));
  NOT_FINITE_REFUSED(data.inputs, inputs, "input", rill_stream_step(stream, data.inputs, inputs, out.values, outputs));
  REFUSED(rill_stream_step_tokens(stream, data.tokens, B, out.values, outputs), STATE, "vector|token");
  REFUSED(rill_stream_run_tokens(stream, T, data.tokens, T * B, out.values, T * outputs), STATE, "vector|token");
}

static void step_tokens_refuses(void) {
  struct data data = data_of(world.kind);
  rill_stream *stream = world.stream;
  size_t outputs = B * 5;
  REFUSED(rill_stream_step_tokens(NULL, data.tokens, B, out.values, outputs), ARGUMENT, "stream");
  REFUSED(rill_stream_step_tokens(stream, NULL, B, out.values, outputs), ARGUMENT, "tokens");
  REFUSED(rill_stream_step_tokens(stream, data.tokens, B, NULL, outputs), ARGUMENT, "output");
  WRONG_COUNTS_REFUSED("token_count", B, rill_stream_step_tokens(stream, data.tokens, count, out.values, outputs));
  WRONG_COUNTS_REFUSED("output_count", outputs, rill_stream_step_tokens(stream, data.tokens, B, out.values, count));
  OUT_OF_RANGE_REFUSED(data.tokens, B, -1, 4, "tokens", rill_stream_step_tokens(stream, data.tokens, B, out.values, outputs));
  REFUSED(rill_stream_step(stream, data.inputs, B * 5, out.values, outputs), STATE, "token");
  REFUSED(rill_stream_run(stream, T, data.inputs, T * B * 5, out.values, T * outputs), STATE, "token");

  REFUSED(rill_stream_run_tokens(NULL, T, data.tokens, T * B, out.values, T * outputs), ARGUMENT, "stream");
  REFUSED(rill_stream_run_tokens(stream, T, NULL, T * B, out.values, T * outputs), ARGUMENT, "tokens");
  REFUSED(rill_stream_run_tokens(stream, T, data.tokens, T * B, NULL, T * outputs), ARGUMENT, "outputs");
  WRONG_COUNTS_REFUSED("token_count", T * B, rill_stream_run_tokens(stream, T, data.tokens, count, out.values, T * outputs));
  WRONG_COUNTS_REFUSED("output_count", T * outputs, rill_stream_run_tokens(stream, T, data.tokens, T * B, out.values, count));
  // The last token of the block is checked before the first step: a probe would see a state that moved.
  OUT_OF_RANGE_REFUSED(data.tokens, T * B, -1, 4, "tokens", rill_stream_run_tokens(stream, T, data.tokens, T * B, out.values, T * outputs));
}

static void run_refuses(void) {
  struct data data = data_of(world.kind);
  rill_stream *stream = world.stream;
  size_t inputs = T * B * 3, outputs = T * B * 2;
  const size_t lengths[] = {0, T - 1, T + 1, SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 2 + 1, SIZE_MAX / 4 + 1, ((size_t)1 << 32) + T};
  REFUSED(rill_stream_run(NULL, T, data.inputs, inputs, out.values, outputs), ARGUMENT, "stream");
  REFUSED(rill_stream_run(stream, T, NULL, inputs, out.values, outputs), ARGUMENT, "inputs");
  REFUSED(rill_stream_run(stream, T, data.inputs, inputs, NULL, outputs), ARGUMENT, "outputs");
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
    REFUSED(rill_stream_run(stream, lengths[i], data.inputs, inputs, out.values, outputs), ARGUMENT, "sequence_length|input_count");
  // Products that wrap around to the counts given, also to 0.
  for (size_t i = 3; i < 7; i++)
    REFUSED(rill_stream_run(stream, lengths[i], data.inputs, lengths[i] * B * 3, out.values, lengths[i] * B * 2), ARGUMENT, "");
  WRONG_COUNTS_REFUSED("input_count", inputs, rill_stream_run(stream, T, data.inputs, count, out.values, outputs));
  WRONG_COUNTS_REFUSED("output_count", outputs, rill_stream_run(stream, T, data.inputs, inputs, out.values, count));
  NOT_FINITE_REFUSED(data.inputs, inputs, "inputs", rill_stream_run(stream, T, data.inputs, inputs, out.values, outputs));
  fill_outputs();
  CHECK_OK(rill_stream_run(stream, 0, data.inputs, 0, out.values, 0));
  CHECK(outputs_are_untouched() && probe(&world) == answer, "a run of no steps does nothing");
}

static void resets_and_copies_refuse(void) {
  struct world other = make_world(kind_named("gru"));
  rill_stream *wide;
  REQUIRE(rill_stream_create(world.model, B + 1, NULL, &wide) == RILL_OK);
  uint64_t other_answer = probe(&other);
  const size_t lanes[] = {B, B + 1, SIZE_MAX, SIZE_MAX / 2, (size_t)1 << 32};
  REFUSED(rill_stream_reset(NULL), ARGUMENT, "stream");
  REFUSED(rill_stream_reset_lane(NULL, 0), ARGUMENT, "stream");
  REFUSED(rill_stream_copy(NULL, world.stream), ARGUMENT, "source");
  REFUSED(rill_stream_copy(world.stream, NULL), ARGUMENT, "destination");
  REFUSED(rill_stream_copy(wide, world.stream), ARGUMENT, "batch_size|batch size|lanes");
  REFUSED(rill_stream_copy(world.stream, wide), ARGUMENT, "batch_size|batch size|lanes");
  REFUSED(rill_stream_copy(other.stream, world.stream), ARGUMENT, "source|destination");
  REFUSED(rill_stream_copy(world.stream, other.stream), ARGUMENT, "source|destination");
  REFUSED(rill_stream_copy_lane(NULL, 0, world.stream, 0), ARGUMENT, "source");
  REFUSED(rill_stream_copy_lane(world.stream, 0, NULL, 0), ARGUMENT, "destination");
  REFUSED(rill_stream_copy_lane(other.stream, 0, world.stream, 0), ARGUMENT, "source|destination");
  REFUSED(rill_stream_copy_lane(world.stream, 0, other.stream, 0), ARGUMENT, "source|destination");
  for (size_t i = 0; i < sizeof lanes / sizeof *lanes; i++) {
    REFUSED(rill_stream_reset_lane(world.stream, lanes[i]), ARGUMENT, "lane");
    REFUSED(rill_stream_copy_lane(world.stream, lanes[i], world.stream, 0), ARGUMENT, "source_lane");
    REFUSED(rill_stream_copy_lane(world.stream, 0, world.stream, lanes[i]), ARGUMENT, "destination_lane");
  }
  REFUSED(rill_stream_refresh(NULL), ARGUMENT, "stream");
  CHECK(probe(&other) == other_answer);
  rill_stream_destroy(wide);
  destroy_world(&other);
}

static void states_refuse(void) {
  const char *good = world.kind->state;
  size_t size = B * world.kind->state_size;
  rill_stream *stream = world.stream;
  float values[MAXIMUM_VALUES];
  REQUIRE(rill_stream_get_state(stream, good, values, size) == RILL_OK);
  REFUSED(rill_stream_get_state(NULL, good, out.values, size), ARGUMENT, "stream");
  REFUSED(rill_stream_get_state(stream, NULL, out.values, size), ARGUMENT, "name");
  REFUSED(rill_stream_get_state(stream, good, NULL, size), ARGUMENT, "values");
  WRONG_COUNTS_REFUSED("value_count", size, rill_stream_get_state(stream, good, out.values, count));
  WRONG_NAMES_REFUSED(rill_stream_get_state(stream, name, out.values, size));
  REFUSED(rill_stream_get_state(stream, "1.hidden", out.values, size), ARGUMENT, "name");
  for (size_t i = 0; i < size; i++) values[i] += 1; // so that a partial write would be seen
  REFUSED(rill_stream_set_state(NULL, good, values, size), ARGUMENT, "stream");
  REFUSED(rill_stream_set_state(stream, NULL, values, size), ARGUMENT, "name");
  REFUSED(rill_stream_set_state(stream, good, NULL, size), ARGUMENT, "values");
  WRONG_COUNTS_REFUSED("value_count", size, rill_stream_set_state(stream, good, values, count));
  WRONG_NAMES_REFUSED(rill_stream_set_state(stream, name, values, size));
  NOT_FINITE_REFUSED(values, size, "values", rill_stream_set_state(stream, good, values, size));
}

static const float WRONG_TOLERANCES[] = {-1, -1e-30f, -INFINITY, NAN, -NAN};
static const size_t WRONG_LIMITS[] = {0, SIZE_MAX, SIZE_MAX / 2 + 1};

static void settle_refuses(void) {
  struct data data = data_of(world.kind);
  rill_stream *stream = world.stream;
  size_t inputs = B * 3;
  REFUSED(rill_stream_settle(NULL, data.inputs, inputs, 1e-3f, 9, &out.size, out.values), ARGUMENT, "stream");
  REFUSED(rill_stream_settle(stream, NULL, inputs, 1e-3f, 9, &out.size, out.values), ARGUMENT, "input");
  WRONG_COUNTS_REFUSED("input_count", inputs, rill_stream_settle(stream, data.inputs, count, 1e-3f, 9, &out.size, out.values));
  NOT_FINITE_REFUSED(data.inputs, inputs, "input", rill_stream_settle(stream, data.inputs, inputs, 1e-3f, 9, &out.size, out.values));
  for (size_t i = 0; i < sizeof WRONG_TOLERANCES / sizeof *WRONG_TOLERANCES; i++)
    REFUSED(rill_stream_settle(stream, data.inputs, inputs, WRONG_TOLERANCES[i], 9, &out.size, out.values), ARGUMENT, "tolerance");
  for (size_t i = 0; i < sizeof WRONG_LIMITS / sizeof *WRONG_LIMITS; i++)
    REFUSED(rill_stream_settle(stream, data.inputs, inputs, 1e-3f, WRONG_LIMITS[i], &out.size, out.values), ARGUMENT, "step_limit");
  REFUSED(rill_stream_settle(stream, data.inputs, inputs, 1e-3f, 9, NULL, out.values), ARGUMENT, "step_count");
  REFUSED(rill_stream_settle(stream, data.inputs, inputs, 1e-3f, 9, &out.size, NULL), ARGUMENT, "last_change");
  REFUSED(rill_stream_settle_tokens(stream, data.tokens, B, 1e-3f, 9, &out.size, out.values), STATE, "vector|token");
}

static void settle_tokens_refuses(void) {
  struct data data = data_of(world.kind);
  rill_stream *stream = world.stream;
  REFUSED(rill_stream_settle(stream, data.inputs, B * 5, 1e-3f, 9, &out.size, out.values), STATE, "token");
  REFUSED(rill_stream_settle_tokens(NULL, data.tokens, B, 1e-3f, 9, &out.size, out.values), ARGUMENT, "stream");
  REFUSED(rill_stream_settle_tokens(stream, NULL, B, 1e-3f, 9, &out.size, out.values), ARGUMENT, "tokens");
  WRONG_COUNTS_REFUSED("token_count", B, rill_stream_settle_tokens(stream, data.tokens, count, 1e-3f, 9, &out.size, out.values));
  OUT_OF_RANGE_REFUSED(data.tokens, B, -1, 4, "tokens",
                       rill_stream_settle_tokens(stream, data.tokens, B, 1e-3f, 9, &out.size, out.values));
  for (size_t i = 0; i < sizeof WRONG_TOLERANCES / sizeof *WRONG_TOLERANCES; i++)
    REFUSED(rill_stream_settle_tokens(stream, data.tokens, B, WRONG_TOLERANCES[i], 9, &out.size, out.values), ARGUMENT, "tolerance");
  for (size_t i = 0; i < sizeof WRONG_LIMITS / sizeof *WRONG_LIMITS; i++)
    REFUSED(rill_stream_settle_tokens(stream, data.tokens, B, 1e-3f, WRONG_LIMITS[i], &out.size, out.values), ARGUMENT, "step_limit");
  REFUSED(rill_stream_settle_tokens(stream, data.tokens, B, 1e-3f, 9, NULL, out.values), ARGUMENT, "step_count");
  REFUSED(rill_stream_settle_tokens(stream, data.tokens, B, 1e-3f, 9, &out.size, NULL), ARGUMENT, "last_change");
}

/* Of models without initial states, or with them in one recurrent layer only; and of one that could take them, from the wrong stream. */
static void set_initial_state_refuses(void) {
  struct world other = make_world(kind_named("gru"));
  uint64_t other_answer = probe(&other);
  float outputs[MAXIMUM_VALUES];
  rill_model *ready;
  rill_stream *stream;
  REQUIRE(rill_model_create("{" VECTOR "[{\"type\": \"gru\", \"hidden_size\": 6, \"initial_state\": true}]}", 1, NULL, &ready) == RILL_OK);
  REQUIRE(rill_stream_create(ready, B, NULL, &stream) == RILL_OK);
  REQUIRE(run_stream(other.kind, other.stream, outputs) == RILL_OK);
  other_answer = probe(&other);
  REFUSED(rill_model_set_initial_state(NULL, world.stream, 0), ARGUMENT, "model");
  REFUSED(rill_model_set_initial_state(world.model, NULL, 0), ARGUMENT, "stream");
  REFUSED(rill_model_set_initial_state(world.model, world.stream, 0), ARGUMENT, "initial_state");
  REFUSED(rill_model_set_initial_state(world.model, other.stream, 0), ARGUMENT, "stream");
  REFUSED(rill_model_set_initial_state(ready, world.stream, 0), ARGUMENT, "stream");
  uint64_t parameters = hash_parameters(ready);
  const size_t lanes[] = {B, B + 1, SIZE_MAX, SIZE_MAX / 2, (size_t)1 << 32};
  for (size_t i = 0; i < sizeof lanes / sizeof *lanes; i++)
    REFUSED(rill_model_set_initial_state(ready, stream, lanes[i]), ARGUMENT, "lane");
  CHECK(hash_parameters(ready) == parameters);
  // The stream of another model with the same recurrent layers will do.
  CHECK_OK(rill_model_set_initial_state(ready, other.stream, B - 1));
  CHECK(hash_parameters(ready) != parameters);
  CHECK(probe(&other) == other_answer);
  rill_stream_destroy(stream);
  rill_model_destroy(ready);
  destroy_world(&other);
}

/* The bytes of a state: every truncation, every bit of every byte changed, other architectures, other batch sizes. */
static void saved_states_refuse(void) {
  rill_stream *stream = world.stream, *wide;
  struct world other = make_world(kind_named("gru"));
  unsigned char state[sizeof out.text], copy[sizeof out.text + 8];
  size_t length = 0, again = 0;
  REQUIRE(rill_stream_create(world.model, B + 1, NULL, &wide) == RILL_OK);
  CHECK_OK(rill_stream_save_state(stream, NULL, 0, &length));
  REQUIRE(length > 0 && length < sizeof state);
  CHECK_OK(rill_stream_save_state(stream, state, length, &again)); // bytes, not text: no room for a NUL is needed
  CHECK(again == length);
  REFUSED(rill_stream_save_state(NULL, out.text, sizeof out.text, &out_length), ARGUMENT, "stream");
  REFUSED(rill_stream_save_state(stream, out.text, sizeof out.text, NULL), ARGUMENT, "length");
  REFUSED(rill_stream_save_state(stream, NULL, length, &out_length), ARGUMENT, "buffer|capacity");
  const size_t small[] = {0, 1, length / 2, length - 1};
  for (size_t i = 0; i < 4; i++) {
    REFUSED(rill_stream_save_state(stream, out.text, small[i], &out_length), ARGUMENT, "capacity|buffer");
    CHECK(out_length == length);
  }
  REFUSED(rill_stream_load_state(NULL, state, length), ARGUMENT, "stream");
  REFUSED(rill_stream_load_state(stream, NULL, length), ARGUMENT, "data");
  for (size_t wrong = 0; wrong < length; wrong++) REFUSED(rill_stream_load_state(stream, state, wrong), FORMAT, "");
  memcpy(copy, state, length);
  memset(copy + length, 0, 8);
  for (size_t more = 1; more <= 8; more++) REFUSED(rill_stream_load_state(stream, copy, length + more), FORMAT | ARGUMENT, "");
  REFUSED(rill_stream_load_state(stream, copy, SIZE_MAX), FORMAT | ARGUMENT, "");
  for (size_t i = 0; i < length * 8; i++) {
    copy[i / 8] ^= (unsigned char)(1 << i % 8);
    REFUSED(rill_stream_load_state(stream, copy, length), FORMAT, "");
    memcpy(copy, state, length);
  }
  CHECK_OK(rill_stream_save_state(other.stream, copy, sizeof copy, &again));
  REFUSED(rill_stream_load_state(stream, copy, again), ARGUMENT, "data");
  CHECK_OK(rill_stream_save_state(wide, copy, sizeof copy, &again));
  REFUSED(rill_stream_load_state(stream, copy, again), ARGUMENT, "batch_size|batch size|lanes");
  rill_stream_destroy(wide);
  destroy_world(&other);
}

/* A relu cell that doubles its state at each step overflows: the state is lost, and everything that needs it says so until a reset. */
static void a_diverged_stream_needs_a_reset(void) {
  struct world relu = make_world(kind_named("rnn_relu"));
  uint64_t relu_answer = probe(&relu);
  rill_stream *stream = relu.stream, *sound;
  float weights[36], inputs[T * B * 3], outputs[T * B * 2], hidden[B * 6];
  unsigned char state[4096];
  size_t length = 0;
  REQUIRE(rill_stream_create(relu.model, B, NULL, &sound) == RILL_OK);
  REQUIRE(rill_stream_save_state(stream, state, sizeof state, &length) == RILL_OK);
  REQUIRE(rill_model_get_parameter(relu.model, "0.weight_hh_l0", weights, 36) == RILL_OK);
  for (size_t i = 0; i < 36; i++) weights[i] = 1e30f;
  REQUIRE(rill_model_set_parameter(relu.model, "0.weight_hh_l0", weights, 36) == RILL_OK);
  REQUIRE(rill_model_publish(relu.model) == RILL_OK && rill_stream_refresh(stream) == RILL_OK);
  for (size_t i = 0; i < T * B * 3; i++) inputs[i] = 1e9f * sample(i);
  rill_status status = RILL_OK;
  size_t t = 0;
  for (; t < T && status == RILL_OK; t++) {
    memset(outputs, PATTERN, sizeof outputs);
    status = rill_stream_step(stream, inputs + t * B * 3, B * 3, outputs, B * 2);
  }
  CHECK(status == RILL_ERROR_DIVERGED && is_message(rill_last_error_message()), "%s", rill_status_name(status));
  for (size_t i = 0; i < sizeof outputs; i++) CHECK(((unsigned char *)outputs)[i] == PATTERN, "byte %zu of a diverged step's output", i);
  fill_outputs();
  for (int times = 0; times < 2; times++) {
    CHECK_REFUSED(rill_stream_step(stream, inputs, B * 3, out.values, B * 2), STATE, "reset");
    CHECK_REFUSED(rill_stream_run(stream, T, inputs, T * B * 3, out.values, T * B * 2), STATE, "reset");
    CHECK_REFUSED(rill_stream_get_state(stream, "0.hidden", out.values, B * 6), STATE, "reset");
    CHECK_REFUSED(rill_stream_save_state(stream, out.text, sizeof out.text, &out_length), STATE, "reset");
    CHECK_REFUSED(rill_stream_copy(stream, sound), STATE, "reset");
    CHECK_REFUSED(rill_stream_copy_lane(stream, 0, sound, 0), STATE, "reset");
    CHECK_REFUSED(rill_stream_copy_lane(sound, 0, stream, 0), STATE, "reset");
    CHECK_REFUSED(rill_stream_settle(stream, inputs, B * 3, 1, 9, &out.size, out.values), STATE, "reset");
    CHECK_REFUSED(rill_model_set_initial_state(relu.model, stream, 0), STATE, "reset");
    CHECK_OK(rill_stream_refresh(stream));
    rill_stream_reset_lane(stream, 0); // of one lane: whether it is refused or not, the stream still needs the reset of all
  }
  CHECK_OK(rill_stream_reset(stream));
  CHECK_REFUSED(rill_stream_settle(stream, inputs + B * 3, B * 3, 1e-6f, 99, &out.size, out.values), DIVERGED, "");
  CHECK(outputs_are_untouched());
  memset(hidden, 0, sizeof hidden);
  CHECK_REFUSED(rill_stream_set_state(stream, "0.hidden", hidden, B * 6), STATE, "reset");

  // In a block: the steps before the overflow are written, the rest is not.
  CHECK_OK(rill_stream_reset(stream));
  memset(outputs, PATTERN, sizeof outputs);
  CHECK_REFUSED(rill_stream_run(stream, T, inputs, T * B * 3, outputs, T * B * 2), DIVERGED, "");
  for (size_t i = 0; i < T * B * 2; i++) {
    bool is_written = hash_bytes(HASH_START, &outputs[i], 4) != hash_bytes(HASH_START, "\xa5\xa5\xa5\xa5", 4);
    CHECK(is_written == (i < (t - 1) * B * 2), "output %zu of a run that diverges in step %zu", i, t - 1);
  }

  // Three ways back: a reset, a loaded state, a copy of a sound stream.
  CHECK_OK(rill_stream_reset(stream));
  CHECK_OK(rill_stream_get_state(stream, "0.hidden", hidden, B * 6));
  CHECK_REFUSED(rill_stream_run(stream, T, inputs, T * B * 3, outputs, T * B * 2), DIVERGED, "");
  CHECK_OK(rill_stream_load_state(stream, state, length));
  CHECK_OK(rill_stream_get_state(stream, "0.hidden", hidden, B * 6));
  CHECK_REFUSED(rill_stream_run(stream, T, inputs, T * B * 3, outputs, T * B * 2), DIVERGED, "");
  CHECK_OK(rill_stream_copy(sound, stream));
  CHECK_OK(rill_stream_get_state(stream, "0.hidden", hidden, B * 6));

  // With its own parameters the same model is as it was.
  struct world fresh = make_world(kind_named("rnn_relu"));
  REQUIRE(rill_model_get_parameter(fresh.model, "0.weight_hh_l0", weights, 36) == RILL_OK);
  CHECK_OK(rill_model_set_parameter(relu.model, "0.weight_hh_l0", weights, 36));
  CHECK_OK(rill_model_publish(relu.model));
  CHECK_OK(rill_stream_refresh(stream));
  CHECK(probe(&relu) == relu_answer);
  rill_stream_destroy(sound);
  destroy_world(&fresh);
  destroy_world(&relu);
}

int main(void) {
  use_world("lstm");
  TEST(create_refuses);
  TEST(step_refuses);
  TEST(run_refuses);
  TEST(resets_and_copies_refuse);
  TEST(states_refuse);
  TEST(settle_refuses);
  TEST(set_initial_state_refuses);
  TEST(saved_states_refuse);
  forget_world();
  use_world("one_hot");
  TEST(step_tokens_refuses);
  TEST(settle_tokens_refuses);
  forget_world();
  use_world("deep_per_sequence");
  TEST(set_initial_state_refuses);
  forget_world();
  TEST(a_diverged_stream_needs_a_reset);
  return finish();
}
