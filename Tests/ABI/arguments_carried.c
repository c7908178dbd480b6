/* Every argument made invalid in turn of what a trainer carries from call to call: waiting gradients and states. */
#include "refused.h"

/* A trainer of the world's model. */
static rill_trainer *trainer_with(const char *options) {
  rill_trainer *trainer;
  REQUIRE(rill_trainer_create(world.model, 11, options, &trainer) == RILL_OK);
  return trainer;
}

/* MARK: waiting gradients */

static void evaluating_gradients_refuses(void) {
  struct world other = make_world(kind_named("one_hot"));
  rill_batch *empty;
  REQUIRE(rill_batch_create(world.model, T, B, NULL, &empty) == RILL_OK);
  REFUSED(rill_trainer_evaluate_gradients(NULL, world.batch, &out.number), ARGUMENT, "trainer");
  REFUSED(rill_trainer_evaluate_gradients(world.trainer, NULL, &out.number), ARGUMENT, "batch");
  REFUSED(rill_trainer_evaluate_gradients(world.trainer, other.batch, &out.number), ARGUMENT, "batch");
  REFUSED(rill_trainer_evaluate_gradients(world.trainer, empty, &out.number), STATE, "inputs");
  rill_trainer *truncated = trainer_with("{\"loss\": \"mse\", \"truncation\": {\"update_every\": 2}}");
  REFUSED(rill_trainer_evaluate_gradients(truncated, world.batch, &out.number), STATE, "truncation");
  rill_trainer_destroy(truncated);
  rill_batch_destroy(empty);
  destroy_world(&other);
}

/* Steps that only lead to a state leave none that counts. */
static void a_burn_in_needs_a_longer_batch(void) {
  for (int burn_in = T - 1; burn_in <= T + 1; burn_in++) {
    char options[64];
    snprintf(options, sizeof options, "{\"loss\": \"mse\", \"burn_in\": %d}", burn_in);
    rill_trainer *trainer = trainer_with(options);
    if (burn_in < T) {
      CHECK_OK(rill_trainer_evaluate(trainer, world.batch));
    } else {
      REFUSED(rill_trainer_update(trainer, world.batch, &out.number), ARGUMENT, "burn_in&5");
      REFUSED(rill_trainer_evaluate(trainer, world.batch), ARGUMENT, "burn_in");
      REFUSED(rill_trainer_evaluate_gradients(trainer, world.batch, &out.number), ARGUMENT, "burn_in");
      REFUSED(rill_trainer_get_gradients(trainer, out.values, 1), ARGUMENT, "value_count");
    }
    rill_trainer_destroy(trainer);
  }
}

static void waiting_gradients_refuse(void) {
  rill_trainer *trainer = trainer_with("{\"loss\": \"mse\"}");
  size_t count = 0;
  REFUSED(rill_trainer_get_gradients_count(NULL, &out.size), ARGUMENT, "trainer");
  REFUSED(rill_trainer_get_gradients_count(trainer, NULL), ARGUMENT, "count");
  CHECK_OK(rill_trainer_get_gradients_count(trainer, &count));
  CHECK(count == 4 * 6 * (3 + 6 + 2) + 2 * (6 + 1) + 2, "%zu", count); // the lstm, the head, and two numbers
  float *values = calloc(count, sizeof *values);

  // Nothing waits.
  REFUSED(rill_trainer_get_gradients(trainer, values, count), STATE, "wait");
  REFUSED(rill_trainer_update_from_gradients(trainer), STATE, "wait");
  REFUSED(rill_trainer_update_from_gradients(NULL), ARGUMENT, "trainer");

  CHECK_OK(rill_trainer_evaluate_gradients(trainer, world.batch, NULL));
  float *waiting = calloc(count, sizeof *waiting), *after = calloc(count, sizeof *after);
  CHECK_OK(rill_trainer_get_gradients(trainer, waiting, count));
  REFUSED(rill_trainer_get_gradients(NULL, out.values, count), ARGUMENT, "trainer");
  REFUSED(rill_trainer_get_gradients(trainer, NULL, count), ARGUMENT, "values");
  const size_t right = count;
  WRONG_COUNTS_REFUSED("value_count", right, rill_trainer_get_gradients(trainer, out.values, count));

  memcpy(values, waiting, count * sizeof *values);
  REFUSED(rill_trainer_set_gradients(NULL, values, count), ARGUMENT, "trainer");
  REFUSED(rill_trainer_set_gradients(trainer, NULL, count), ARGUMENT, "values");
  WRONG_COUNTS_REFUSED("value_count", right, rill_trainer_set_gradients(trainer, values, count));
  NOT_FINITE_REFUSED(values, count, "values", rill_trainer_set_gradients(trainer, values, count));
  const float divisors[] = {0, -0.0f, -1, -3e38f};
  for (size_t i = 0; i < 4; i++) {
    values[count - 1] = divisors[i];
    REFUSED(rill_trainer_set_gradients(trainer, values, count), ARGUMENT, "values&mean");
  }
  // All of that left alone what waits.
  CHECK_OK(rill_trainer_get_gradients(trainer, after, count));
  CHECK(memcmp(waiting, after, count * sizeof *after) == 0);

  // Finite values whose squares are not: the update is refused, and they wait no longer.
  for (size_t i = 0; i < count; i++) values[i] = 3e38f;
  uint64_t before = hash_parameters(world.model);
  CHECK_OK(rill_trainer_set_gradients(trainer, values, count));
  REFUSED(rill_trainer_update_from_gradients(trainer), DIVERGED, "gradient");
  REFUSED(rill_trainer_update_from_gradients(trainer), STATE, "wait");
  // The smallest divisor makes a mean of any size; what is not finite then changes nothing either.
  for (size_t i = 0; i < count; i++) values[i] = 1;
  values[count - 1] = 1e-45f;
  CHECK_OK(rill_trainer_set_gradients(trainer, values, count));
  rill_status status = rill_trainer_update_from_gradients(trainer);
  CHECK(status == RILL_OK || (status == RILL_ERROR_DIVERGED && hash_parameters(world.model) == before), "%s", rill_last_error_message());
  free(values), free(waiting), free(after);
  rill_trainer_destroy(trainer);
}

/* MARK: states */

static void resets_of_states_refuse(void) {
  rill_trainer *stateful = trainer_with("{\"loss\": \"mse\", \"stateful\": true, \"optimizer\": {\"type\": \"sgd\", \"learning_rate\": 0}}");
  const size_t wrong[] = {B, B + 1, SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 2 + 1, (size_t)1 << 32};
  REFUSED(rill_trainer_reset_state(NULL), ARGUMENT, "trainer");
  REFUSED(rill_trainer_reset_state_lane(NULL, 0), ARGUMENT, "trainer");
  REFUSED(rill_trainer_reset_state(world.trainer), STATE, "stateful");
  REFUSED(rill_trainer_reset_state_lane(world.trainer, 0), STATE, "stateful");
  REFUSED(rill_trainer_reset_state_lane(stateful, 0), STATE, "update");
  CHECK_OK(rill_trainer_reset_state(stateful));
  CHECK_OK(rill_trainer_update(stateful, world.batch, NULL));
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    REFUSED(rill_trainer_reset_state_lane(stateful, wrong[i]), ARGUMENT, "lane");
  for (size_t lane = 0; lane < B; lane++) CHECK_OK(rill_trainer_reset_state_lane(stateful, lane));
  rill_trainer_destroy(stateful);
}

/* A stream of a kind whose last step diverged. */
static struct world diverged_world(void) {
  struct world lost = make_world(kind_named("rnn_relu"));
  float values[36], outputs[MAXIMUM_VALUES];
  for (size_t i = 0; i < 36; i++) values[i] = 1e38f;
  CHECK_OK(rill_model_set_parameter(lost.model, "0.weight_hh_l0", values, 36));
  CHECK_OK(rill_model_publish(lost.model));
  CHECK_OK(rill_stream_refresh(lost.stream));
  rill_status status = RILL_OK;
  for (size_t t = 0; t < T && status == RILL_OK; t++) status = step_stream(lost.kind, lost.stream, t, outputs);
  CHECK(status == RILL_ERROR_DIVERGED);
  return lost;
}

static void states_of_streams_refuse(void) {
  struct world other = make_world(kind_named("gru")), lost = diverged_world(), twin = make_world(kind_named("rnn_relu"));
  rill_trainer *trainer = trainer_with("{\"loss\": \"mse\", \"optimizer\": {\"type\": \"sgd\", \"learning_rate\": 0}}");
  rill_stream *wide;
  REQUIRE(rill_stream_create(world.model, B + 1, NULL, &wide) == RILL_OK);
  REFUSED(rill_trainer_set_state(NULL, world.stream), ARGUMENT, "trainer");
  REFUSED(rill_trainer_set_state(trainer, NULL), ARGUMENT, "stream");
  REFUSED(rill_trainer_set_state(trainer, other.stream), ARGUMENT, "stream&recurrent layers");
  REFUSED(rill_trainer_set_state(twin.trainer, lost.stream), STATE, "reset");
  REFUSED(rill_trainer_get_state(NULL, world.stream), ARGUMENT, "trainer");
  REFUSED(rill_trainer_get_state(trainer, NULL), ARGUMENT, "stream");
  REFUSED(rill_trainer_get_state(trainer, other.stream), ARGUMENT, "stream&recurrent layers");
  REFUSED(rill_trainer_get_state(trainer, world.stream), STATE, "update");
  CHECK_OK(rill_trainer_update(trainer, world.batch, NULL));
  REFUSED(rill_trainer_get_state(trainer, wide), ARGUMENT, "stream&4&3");
  CHECK_OK(rill_trainer_set_state(trainer, wide));
  REFUSED(rill_trainer_get_state(trainer, world.stream), ARGUMENT, "stream&3&4");

  // A whole state ends the need of a reset.
  float outputs[MAXIMUM_VALUES];
  CHECK_OK(rill_trainer_set_state(twin.trainer, twin.stream));
  CHECK_OK(rill_trainer_get_state(twin.trainer, lost.stream));
  CHECK(step_stream(lost.kind, lost.stream, 0, outputs) != RILL_ERROR_STATE);
  rill_stream_destroy(wide);
  rill_trainer_destroy(trainer);
  destroy_world(&other);
  destroy_world(&lost);
  destroy_world(&twin);
}

/* Nothing above has changed the trainer of the world. */
static void training_goes_on(void) {
  struct world twin = make_world(world.kind);
  double loss = 0, twin_loss = -1;
  for (int i = 0; i < 3; i++) {
    CHECK_OK(rill_trainer_update(world.trainer, world.batch, &loss));
    CHECK_OK(rill_trainer_update(twin.trainer, twin.batch, &twin_loss));
    CHECK(memcmp(&loss, &twin_loss, sizeof loss) == 0, "%.17g and %.17g", loss, twin_loss);
  }
  destroy_world(&twin);
}

/* MARK: checkpoints */

static void saving_a_trainer_refuses(void) {
  REFUSED(rill_trainer_save(NULL, "never.json", NULL), ARGUMENT, "trainer");
  REFUSED(rill_trainer_save(world.trainer, NULL, NULL), ARGUMENT, "path");
  REFUSED(rill_trainer_save(world.trainer, "", NULL), IO | ARGUMENT, "");
  REFUSED(rill_trainer_save(world.trainer, "no/such/folder.json", NULL), IO, "no/such");
  REFUSED(rill_trainer_save(world.trainer, "never.json", "{\"bogus\": 1}"), FORMAT, "options&bogus");
  REFUSED(rill_trainer_save_text(NULL, NULL, out.text, sizeof out.text, &out_length), ARGUMENT, "trainer");
  REFUSED(rill_trainer_save_text(world.trainer, "[]", out.text, sizeof out.text, &out_length), FORMAT, "options");
  REFUSED(rill_trainer_save_text(world.trainer, NULL, out.text, sizeof out.text, NULL), ARGUMENT, "length");
  REFUSED(rill_trainer_save_text(world.trainer, NULL, NULL, 10, &out_length), ARGUMENT, "buffer|capacity");
  REFUSED(rill_trainer_save_text(world.trainer, NULL, out.text, 10, &out_length), ARGUMENT, "capacity");
  REFUSED(rill_trainer_describe(NULL, out.text, sizeof out.text, &out_length), ARGUMENT, "trainer");
  REFUSED(rill_trainer_describe(world.trainer, out.text, sizeof out.text, NULL), ARGUMENT, "length");
  REFUSED(rill_trainer_describe(world.trainer, out.text, 10, &out_length), ARGUMENT, "capacity");
}

/* Both handles become NULL. */
#define NO_TRAINER(call, statuses, pattern)                                                                                                \
  do {                                                                                                                                     \
    REFUSED_HANDLE(out_trainer, call, statuses, pattern);                                                                                  \
    CHECK(out_model == NULL, "%s left a model", #call);                                                                                    \
  } while (0)

static void loading_a_trainer_refuses(void) {
  size_t length = 0;
  CHECK_OK(rill_trainer_save_text(world.trainer, NULL, NULL, 0, &length));
  char *text = malloc(length + 1);
  CHECK_OK(rill_trainer_save_text(world.trainer, NULL, text, length + 1, &length));
  NO_TRAINER(rill_trainer_load(NULL, NULL, &out_model, &out_trainer), ARGUMENT, "path");
  NO_TRAINER(rill_trainer_load("missing.json", NULL, &out_model, &out_trainer), IO, "missing.json");
  NO_TRAINER(rill_trainer_load("missing.json", "{\"bogus\": 1}", &out_model, &out_trainer), FORMAT | IO, "");
  NO_TRAINER(rill_trainer_parse(NULL, length, NULL, &out_model, &out_trainer), ARGUMENT, "text");
  NO_TRAINER(rill_trainer_parse(text, 0, NULL, &out_model, &out_trainer), FORMAT, "empty");
  NO_TRAINER(rill_trainer_parse(text, SIZE_MAX, NULL, &out_model, &out_trainer), ARGUMENT, "text_length");
  // Without its last brace.
  NO_TRAINER(rill_trainer_parse(text, length - 2, NULL, &out_model, &out_trainer), FORMAT, "");
  NO_TRAINER(rill_trainer_parse(text, length, "{\"bogus\": 1}", &out_model, &out_trainer), FORMAT, "options&bogus");
  NO_TRAINER(rill_trainer_parse("{\"format\": \"rill\"}", 18, NULL, &out_model, &out_trainer), FORMAT, "format_version");
  fill_outputs();
  CHECK(rill_trainer_parse(text, length, NULL, &out_model, NULL) == RILL_ERROR_ARGUMENT && out_model == NULL);
  // The model may be unwanted.
  out_trainer = NULL;
  CHECK_OK(rill_trainer_parse(text, length, NULL, NULL, &out_trainer));
  rill_trainer_destroy(out_trainer);
  free(text);
}

static void a_hosts_bytes_refuse(void) {
  const size_t most = (size_t)1 << 20;
  char *bytes = calloc(most + 1, 1);
  REFUSED(rill_trainer_set_data(NULL, bytes, 1), ARGUMENT, "trainer");
  REFUSED(rill_trainer_set_data(world.trainer, NULL, 1), ARGUMENT, "data");
  REFUSED(rill_trainer_set_data(world.trainer, bytes, most + 1), ARGUMENT, "length");
  REFUSED(rill_trainer_set_data(world.trainer, bytes, SIZE_MAX), ARGUMENT, "length");
  CHECK_OK(rill_trainer_set_data(world.trainer, bytes, most));
  REFUSED(rill_trainer_get_data(NULL, out.text, sizeof out.text, &out_length), ARGUMENT, "trainer");
  REFUSED(rill_trainer_get_data(world.trainer, out.text, sizeof out.text, NULL), ARGUMENT, "length");
  REFUSED(rill_trainer_get_data(world.trainer, NULL, 10, &out_length), ARGUMENT, "buffer|capacity");
  REFUSED(rill_trainer_get_data(world.trainer, out.text, sizeof out.text, &out_length), ARGUMENT, "capacity");
  CHECK_OK(rill_trainer_set_data(world.trainer, NULL, 0));
  size_t length = 1;
  CHECK_OK(rill_trainer_get_data(world.trainer, NULL, 0, &length));
  CHECK(length == 0);
  free(bytes);
}

int main(void) {
  use_world("lstm");
  TEST(saving_a_trainer_refuses);
  TEST(loading_a_trainer_refuses);
  TEST(a_hosts_bytes_refuse);
  TEST(evaluating_gradients_refuses);
  TEST(a_burn_in_needs_a_longer_batch);
  TEST(resets_of_states_refuse);
  TEST(states_of_streams_refuse);
  TEST(training_goes_on);
  forget_world();
  use_world("lstm");
  TEST(waiting_gradients_refuse);
  forget_world();
  return finish();
}
