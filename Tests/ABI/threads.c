/* Threads that write the parameters of one model while others step, train, save and ask. */
#include "thread.h"

static const double DURATION = 0.4; // seconds that a test goes on, long enough for thousands of turns

/* MARK: one writer, many readers */

static struct world world;
static float versions[2][2][108];         // two sets of values of two parameters
static const char *const PRECISIONS[] = {NULL, "{\"precision\": \"bfloat16\"}", "{\"precision\": \"int8\"}"};
static float expected[3][2][MAXIMUM_VALUES]; // the first step of a new stream of each precision with each set
static atomic_bool is_over;
static atomic_long turns;
static const char *const WRITTEN[] = {"0.weight_hh_l0", "0.weight_ih_l0"};
static const size_t WRITTEN_COUNTS[] = {108, 54};

static void write_version(int version) {
  for (int p = 0; p < 2; p++) CHECK_OK(rill_model_set_parameter(world.model, WRITTEN[p], versions[version][p], WRITTEN_COUNTS[p]));
  CHECK_OK(rill_model_publish(world.model));
}

/* A new stream's first step, and the first step after a refresh and a reset, come from the one set or the other; never from a mixture. */
static void *create_step_destroy(void *unused) {
  (void)unused;
  size_t size = B * world.kind->output_size * sizeof(float);
  for (int p = 0; !is_over; p = (p + 1) % 3) {
    rill_stream *stream;
    float output[MAXIMUM_VALUES];
    if (!CHECK_OK(rill_stream_create(world.model, B, PRECISIONS[p], &stream))) break;
    for (int i = 0; i < 3; i++) {
      CHECK_OK(step_stream(world.kind, stream, 0, output));
      CHECK(memcmp(output, expected[p][0], size) == 0 || memcmp(output, expected[p][1], size) == 0, "a snapshot that was never published");
      CHECK_OK(rill_stream_refresh(stream));
      CHECK_OK(rill_stream_reset(stream));
    }
    rill_stream_destroy(stream);
    turns++;
  }
  return NULL;
}

static void *write_versions(void *unused) {
  (void)unused;
  double end = seconds() + DURATION;
  for (int i = 0; seconds() < end; i++) write_version(i % 2);
  is_over = true;
  return NULL;
}

static void streams_see_whole_snapshots(void) {
  world = make_world(kind_named("gru"));
  is_over = false;
  turns = 0;
  for (int v = 0; v < 2; v++) {
    for (int p = 0; p < 2; p++)
      for (size_t i = 0; i < WRITTEN_COUNTS[p]; i++) versions[v][p][i] = sample(i + 200 * (size_t)(2 * v + p));
    write_version(v);
    for (int p = 0; p < 3; p++) {
      // Of a model of its own, so that the shared one meets a precision first beside its publisher.
      struct world twin = make_world(world.kind);
      for (int w = 0; w < 2; w++)
        REQUIRE(rill_model_set_parameter(twin.model, WRITTEN[w], versions[v][w], WRITTEN_COUNTS[w]) == RILL_OK);
      rill_stream *stream;
      REQUIRE(rill_model_publish(twin.model) == RILL_OK);
      REQUIRE(rill_stream_create(twin.model, B, PRECISIONS[p], &stream) == RILL_OK);
      REQUIRE(step_stream(world.kind, stream, 0, expected[p][v]) == RILL_OK);
      rill_stream_destroy(stream);
      destroy_world(&twin);
    }
  }
  pthread_t writer;
  REQUIRE(pthread_create(&writer, NULL, write_versions, NULL) == 0);
  run_threads(3, create_step_destroy, NULL);
  pthread_join(writer, NULL);
  CHECK(turns > 0);
  destroy_world(&world);
}

/* MARK: a trainer beside a stream */

static void *train_and_publish(void *unused) {
  (void)unused;
  double end = seconds() + DURATION;
  while (seconds() < end) {
    CHECK_OK(rill_trainer_update(world.trainer, world.batch, NULL));
    CHECK_OK(rill_model_publish(world.model));
  }
  is_over = true;
  return NULL;
}

static void a_stream_goes_on_while_a_trainer_writes(void) {
  for (size_t k = 0; k < KIND_COUNT; k += 3) {
    world = make_world(&KINDS[k]);
    is_over = false;
    pthread_t trainer;
    REQUIRE(pthread_create(&trainer, NULL, train_and_publish, NULL) == 0);
    float output[MAXIMUM_VALUES], fresh[MAXIMUM_VALUES];
    long steps = 0;
    for (; !is_over; steps++) {
      CHECK_OK(step_stream(world.kind, world.stream, (size_t)steps % T, output));
      CHECK_OK(rill_stream_refresh(world.stream));
      for (size_t i = 0; i < B * world.kind->output_size; i++) CHECK(isfinite(output[i]));
    }
    pthread_join(trainer, NULL);
    CHECK(steps > 0);
    rill_stream *newest;
    REQUIRE(rill_stream_create(world.model, B, NULL, &newest) == RILL_OK);
    CHECK_OK(rill_stream_refresh(world.stream));
    CHECK_OK(rill_stream_reset(world.stream));
    CHECK_OK(step_stream(world.kind, world.stream, 0, output));
    CHECK_OK(step_stream(world.kind, newest, 0, fresh));
    CHECK(memcmp(output, fresh, B * world.kind->output_size * sizeof *output) == 0, "%s: a refreshed stream and a new one", KINDS[k].name);
    rill_stream_destroy(newest);
    destroy_world(&world);
  }
}

/* MARK: several writers */

enum { WIDE = 256, WIDE_COUNT = 4 * WIDE * WIDE };
static rill_model *shared_model;
static atomic_long refused_count, done_count;

/* Each writes one value everywhere, and must read one value everywhere: nobody sees a half-written parameter. */
static void *write_uniformly(void *unused) {
  (void)unused;
  float *values = malloc(WIDE_COUNT * sizeof *values);
  unsigned turn = (unsigned)(uintptr_t)values;
  for (double end = seconds() + DURATION; seconds() < end; turn++) {
    rill_status status;
    for (size_t i = 0; i < WIDE_COUNT; i++) values[i] = (float)(turn % 1000) * 1e-5f;
    switch (turn % 4) {
    case 0:
      status = rill_model_publish(shared_model);
      break;
    case 1: {
      size_t length = 0;
      status = rill_model_save_text(shared_model, "{\"encoding\": \"base64\"}", NULL, 0, &length);
      break;
    }
    case 2:
      status = rill_model_set_parameter(shared_model, "0.weight_hh_l0", values, WIDE_COUNT);
      break;
    default:
      status = rill_model_get_parameter(shared_model, "0.weight_hh_l0", values, WIDE_COUNT);
      for (size_t i = 1; status == RILL_OK && i < WIDE_COUNT; i++)
        if (!CHECK(values[i] == values[0], "a torn parameter")) break;
    }
    if (status == RILL_OK)
      done_count++;
    else if (CHECK(status == RILL_ERROR_STATE && is_message(rill_last_error_message()), "%s", rill_last_error_message()))
      refused_count++;
  }
  free(values);
  return NULL;
}

static void several_writers_are_told_to_wait(void) {
  float *zeros = calloc(WIDE_COUNT, sizeof *zeros);
  refused_count = done_count = 0;
  REQUIRE(rill_model_create("{\"input\": {\"kind\": \"vector\", \"size\": 1}, \"layers\": [{\"type\": \"lstm\", \"hidden_size\": 256}]}", 1,
                            NULL, &shared_model) == RILL_OK);
  REQUIRE(rill_model_set_parameter(shared_model, "0.weight_hh_l0", zeros, WIDE_COUNT) == RILL_OK);
  run_threads(3, write_uniformly, NULL);
  CHECK(done_count > 0);
  CHECK_OK(rill_model_set_parameter(shared_model, "0.weight_hh_l0", zeros, WIDE_COUNT));
  rill_model_destroy(shared_model);
  free(zeros);
}

/* While an evaluation goes on in one thread, the parameters are in use for every other; streams and descriptions are not concerned. */
static rill_trainer *slow_trainer;
static rill_batch *slow_batch;
static void *evaluate_slowly(void *unused) {
  (void)unused;
  while (!is_over) {
    rill_status status = rill_trainer_evaluate(slow_trainer, slow_batch);
    CHECK(status == RILL_OK || status == RILL_ERROR_STATE, "%s", rill_status_name(status)); // the others have their turns too
  }
  return NULL;
}

static void parameters_are_in_use_during_an_evaluation(void) {
  enum { STEPS = 400, LANES = 8 };
  const double patience = 20; // seconds in which a thread of a busy machine surely gets a turn beside the other
  size_t parameters = 4 * WIDE, outputs = (size_t)STEPS * LANES * WIDE;
  float *values = calloc(outputs, sizeof *values), output[WIDE], input = 0.5f;
  rill_stream *stream;
  pthread_t evaluator;
  REQUIRE(rill_model_create("{\"input\": {\"kind\": \"vector\", \"size\": 1}, \"layers\": [{\"type\": \"lstm\", \"hidden_size\": 256}]}", 1,
                            NULL, &shared_model) == RILL_OK);
  REQUIRE(rill_stream_create(shared_model, 1, NULL, &stream) == RILL_OK);
  REQUIRE(rill_batch_create(shared_model, STEPS, LANES, NULL, &slow_batch) == RILL_OK);
  REQUIRE(rill_batch_set_inputs(slow_batch, values, STEPS * LANES) == RILL_OK);
  REQUIRE(rill_batch_set_targets(slow_batch, values, outputs) == RILL_OK);
  REQUIRE(rill_trainer_create(shared_model, 1, "{\"loss\": \"mse\"}", &slow_trainer) == RILL_OK);
  is_over = false;
  REQUIRE(pthread_create(&evaluator, NULL, evaluate_slowly, NULL) == 0);
  bool seen[4] = {false};
  for (double end = seconds() + patience; seconds() < end && !(seen[0] && seen[1] && seen[2] && seen[3]);) {
    rill_status statuses[4];
    size_t length = 0;
    statuses[0] = rill_model_get_parameter(shared_model, "0.bias_ih_l0", values, parameters);
    statuses[1] = rill_model_set_parameter(shared_model, "0.bias_hh_l0", values, parameters);
    statuses[2] = rill_model_publish(shared_model);
    statuses[3] = rill_model_save(shared_model, "busy.json", "{\"encoding\": \"base64\"}");
    for (int i = 0; i < 4; i++) {
      CHECK(statuses[i] == RILL_OK || statuses[i] == RILL_ERROR_STATE, "call %d: %s", i, rill_status_name(statuses[i]));
      seen[i] = seen[i] || statuses[i] == RILL_ERROR_STATE;
    }
    CHECK_OK(rill_stream_step(stream, &input, 1, output, WIDE));
    CHECK_OK(rill_stream_refresh(stream));
    CHECK_OK(rill_model_describe(shared_model, NULL, 0, &length));
    sched_yield();
  }
  for (int i = 0; i < 4; i++) CHECK(seen[i], "call %d was never refused", i);
  is_over = true;
  pthread_join(evaluator, NULL);
  CHECK_OK(rill_model_get_parameter(shared_model, "0.bias_ih_l0", values, parameters));
  CHECK_OK(rill_model_publish(shared_model));
  rill_stream_destroy(stream);
  rill_trainer_destroy(slow_trainer);
  rill_batch_destroy(slow_batch);
  rill_model_destroy(shared_model);
  free(values);
  remove("busy.json");
}

int main(void) {
  TEST(streams_see_whole_snapshots);
  TEST(a_stream_goes_on_while_a_trainer_writes);
  TEST(several_writers_are_told_to_wait);
  TEST(parameters_are_in_use_during_an_evaluation);
  return finish();
}
