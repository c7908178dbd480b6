/* Threads that write the parameters of one model while others step, train, save and ask. */
#include "thread.h"
#include <dirent.h>
#include <signal.h>
#include <unistd.h>

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
  enum { STEPS = 400, LANES = 8, CALLS = 6 };
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
  rill_batch *short_batch;
  rill_trainer *other_trainer;
  REQUIRE(rill_batch_create(shared_model, 1, 1, NULL, &short_batch) == RILL_OK);
  REQUIRE(rill_batch_set_inputs(short_batch, values, 1) == RILL_OK);
  REQUIRE(rill_batch_set_targets(short_batch, values, WIDE) == RILL_OK);
  REQUIRE(rill_trainer_create(shared_model, 1, "{\"loss\": \"mse\", \"threads\": 2}", &other_trainer) == RILL_OK);
  is_over = false;
  REQUIRE(pthread_create(&evaluator, NULL, evaluate_slowly, NULL) == 0);
  bool seen[CALLS] = {false};
  for (double end = seconds() + patience; seconds() < end && memchr(seen, false, CALLS);) {
    rill_status statuses[CALLS];
    size_t length = 0;
    statuses[0] = rill_model_get_parameter(shared_model, "0.bias_ih_l0", values, parameters);
    statuses[1] = rill_model_set_parameter(shared_model, "0.bias_hh_l0", values, parameters);
    statuses[2] = rill_model_publish(shared_model);
    statuses[3] = rill_model_save(shared_model, "busy.json", "{\"encoding\": \"base64\"}");
    statuses[4] = rill_trainer_evaluate_gradients(other_trainer, short_batch, NULL);
    statuses[5] = rill_trainer_update(other_trainer, short_batch, NULL);
    for (int i = 0; i < CALLS; i++) {
      CHECK(statuses[i] == RILL_OK || statuses[i] == RILL_ERROR_STATE, "call %d: %s", i, rill_status_name(statuses[i]));
      seen[i] = seen[i] || statuses[i] == RILL_ERROR_STATE;
    }
    CHECK_OK(rill_stream_step(stream, &input, 1, output, WIDE));
    CHECK_OK(rill_stream_refresh(stream));
    CHECK_OK(rill_model_describe(shared_model, NULL, 0, &length));
    sched_yield();
  }
  for (int i = 0; i < CALLS; i++) CHECK(seen[i], "call %d was never refused", i);
  is_over = true;
  pthread_join(evaluator, NULL);
  CHECK_OK(rill_model_get_parameter(shared_model, "0.bias_ih_l0", values, parameters));
  CHECK_OK(rill_model_publish(shared_model));
  rill_stream_destroy(stream);
  rill_trainer_destroy(slow_trainer);
  rill_trainer_destroy(other_trainer);
  rill_batch_destroy(short_batch);
  rill_batch_destroy(slow_batch);
  rill_model_destroy(shared_model);
  free(values);
  remove("busy.json");
}

/* MARK: the threads of a trainer */

/* Threads of this process, the calling one included. */
static int thread_count(void) {
  int count = 0;
  DIR *tasks = opendir("/proc/self/task");
  REQUIRE(tasks != NULL);
  for (struct dirent *entry; (entry = readdir(tasks));) count += entry->d_name[0] != '.';
  closedir(tasks);
  return count;
}

/* Linux lists a thread for a moment after it has been joined. */
static bool thread_count_becomes(int count) {
  for (double end = seconds() + 10; seconds() < end; usleep(100))
    if (thread_count() == count) return true;
  return false;
}

static void threads_begin_and_end_with_their_trainer(void) {
  struct world plain = make_world(kind_named("gru"));
  int before = thread_count();
  for (int i = 0; i < 300; i++) {
    rill_trainer *trainer;
    int threads = i % 30 == 0 ? 64 : 1 + i % 5;
    char options[64];
    snprintf(options, sizeof options, "\"threads\": %d", threads);
    REQUIRE(rill_trainer_create(plain.model, 1, training_with(plain.kind, options), &trainer) == RILL_OK);
    CHECK(thread_count_becomes(before + threads - 1));
    if (i % 3 == 0) CHECK_OK(rill_trainer_update(trainer, plain.batch, NULL));
    rill_trainer_destroy(trainer);
    CHECK(thread_count_becomes(before));
  }
  destroy_world(&plain);
}

static atomic_int signal_count;
static void count_signal(int number) {
  (void)number;
  signal_count++;
}

/* A host handles its signals in threads of its own: a signal to the process that all of these block waits, and no thread of a trainer takes it. */
static void threads_take_no_signals(void) {
  const int numbers[] = {SIGUSR1, SIGALRM, SIGTERM, SIGINT};
  struct sigaction counting = {.sa_handler = count_signal}, before[4];
  sigset_t all, own, pending;
  struct world plain = make_world(kind_named("lstm"));
  rill_trainer *trainer;
  for (int i = 0; i < 4; i++) sigaction(numbers[i], &counting, &before[i]);
  REQUIRE(rill_trainer_create(plain.model, 1, training_with(plain.kind, "\"threads\": 4"), &trainer) == RILL_OK);
  // The calling thread has its signals as before.
  pthread_sigmask(SIG_SETMASK, NULL, &own);
  for (int i = 0; i < 4; i++) CHECK(sigismember(&own, numbers[i]) == 0);
  raise(SIGUSR1);
  CHECK(signal_count == 1);

  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, NULL);
  for (int i = 0; i < 4; i++) kill(getpid(), numbers[i]);
  for (int i = 0; i < 20; i++) {
    CHECK_OK(rill_trainer_update(trainer, plain.batch, NULL));
    usleep(1000);
  }
  CHECK(signal_count == 1, "a thread of the trainer has handled a signal");
  sigpending(&pending);
  for (int i = 0; i < 4; i++) CHECK(sigismember(&pending, numbers[i]) == 1);
  pthread_sigmask(SIG_SETMASK, &own, NULL);
  CHECK(signal_count == 5);
  for (int i = 0; i < 4; i++) sigaction(numbers[i], &before[i], NULL);
  rill_trainer_destroy(trainer);
  destroy_world(&plain);
}

/* Updates of several threads beside streams of the same model give the parameters that they give alone. */
static void *step_and_refresh(void *unused) {
  (void)unused;
  rill_stream *stream;
  float output[MAXIMUM_VALUES];
  CHECK_OK(rill_stream_create(world.model, B, NULL, &stream));
  for (size_t t = 0; !is_over; t = (t + 1) % T) {
    CHECK_OK(step_stream(world.kind, stream, t, output));
    CHECK_OK(rill_stream_refresh(stream));
    turns++;
  }
  rill_stream_destroy(stream);
  return NULL;
}

static void *train_in_threads(void *unused) {
  (void)unused;
  rill_trainer *trainer;
  CHECK_OK(rill_trainer_create(world.model, 1, way_of_training(world.kind, 0), &trainer));
  for (int i = 0; i < 100; i++) {
    CHECK_OK(rill_trainer_update(trainer, world.batch, NULL));
    CHECK_OK(rill_model_publish(world.model));
  }
  rill_trainer_destroy(trainer);
  is_over = true;
  return NULL;
}

static void threads_train_beside_streams(void) {
  for (size_t k = 0; k < KIND_COUNT; k += 2) {
    uint64_t hashes[2];
    for (int others = 0; others < 2; others++) {
      world = make_world(&KINDS[k]);
      is_over = false;
      pthread_t trainer;
      REQUIRE(pthread_create(&trainer, NULL, train_in_threads, NULL) == 0);
      if (others) run_threads(2, step_and_refresh, NULL);
      pthread_join(trainer, NULL);
      hashes[others] = hash_parameters(world.model);
      destroy_world(&world);
    }
    CHECK(hashes[0] == hashes[1], "%s", KINDS[k].name);
  }
}

int main(void) {
  TEST(streams_see_whole_snapshots);
  TEST(a_stream_goes_on_while_a_trainer_writes);
  TEST(several_writers_are_told_to_wait);
  TEST(parameters_are_in_use_during_an_evaluation);
  TEST(threads_begin_and_end_with_their_trainer);
  TEST(threads_take_no_signals);
  TEST(threads_train_beside_streams);
  return finish();
}
