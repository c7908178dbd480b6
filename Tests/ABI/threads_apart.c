/* Threads that share an object without writing it, or have only the library in common. */
#include "files.h"
#include "thread.h"

static struct world world;

static uint64_t whole_run;
static void *run_whole_sequences(void *unused) {
  (void)unused;
  for (int i = 0; i < 200; i++) {
    float outputs[MAXIMUM_VALUES];
    CHECK_OK(run_model(world.kind, world.model, outputs));
    CHECK(hash_bytes(HASH_START, outputs, output_count_of(world.kind) * sizeof *outputs) == whole_run);
  }
  return NULL;
}

static void runs_of_one_model_do_not_disturb_each_other(void) {
  world = make_world(kind_named("deep_per_sequence"));
  float outputs[MAXIMUM_VALUES];
  REQUIRE(run_model(world.kind, world.model, outputs) == RILL_OK);
  whole_run = hash_bytes(HASH_START, outputs, output_count_of(world.kind) * sizeof *outputs);
  run_threads(THREADS, run_whole_sequences, NULL);
  destroy_world(&world);
}

static uint64_t trained_parameters;
static void *train_on_a_shared_batch(void *unused) {
  (void)unused;
  struct world own = make_world(world.kind);
  for (int i = 0; i < 50; i++) CHECK_OK(rill_trainer_update(own.trainer, world.batch, NULL));
  CHECK(hash_parameters(own.model) == trained_parameters, "training beside others gives other bits");
  destroy_world(&own);
  return NULL;
}

static void a_batch_serves_several_trainers(void) {
  world = make_world(kind_named("deep_per_sequence"));
  for (int i = 0; i < 50; i++) REQUIRE(rill_trainer_update(world.trainer, world.batch, NULL) == RILL_OK);
  trained_parameters = hash_parameters(world.model);
  run_threads(THREADS, train_on_a_shared_batch, NULL);
  destroy_world(&world);
}

/* MARK: lifetimes and messages */

static atomic_int thread_number;
static void *fail_in_its_own_way(void *unused) {
  (void)unused;
  char name[32];
  CHECK(strcmp(rill_last_error_message(), "") == 0, "before any failure of this thread");
  snprintf(name, sizeof name, "parameter_%d", atomic_fetch_add(&thread_number, 1));
  for (int i = 0; i < 500; i++) {
    size_t shape[2], rank;
    CHECK(rill_model_get_parameter_shape(world.model, name, shape, 2, &rank) == RILL_ERROR_ARGUMENT);
    sched_yield();
    CHECK(strstr(rill_last_error_message(), name), "\"%s\" is not about %s", rill_last_error_message(), name);
  }
  return NULL;
}

static void messages_belong_to_their_thread(void) {
  world = make_world(kind_named("lstm"));
  run_threads(THREADS, fail_in_its_own_way, NULL);
  destroy_world(&world);
}

/* Takes a part of a world that the main thread made, uses it and destroys it there, while the others do the same. */
static void *use_and_destroy_a_part(void *argument) {
  struct world *parts = argument;
  float output[MAXIMUM_VALUES];
  double loss;
  switch (atomic_fetch_add(&thread_number, 1) % 4) {
  case 0:
    rill_model_destroy(parts->model);
    break;
  case 1:
    CHECK_OK(step_stream(parts->kind, parts->stream, 0, output));
    rill_stream_destroy(parts->stream);
    break;
  case 2:
    rill_batch_destroy(parts->batch);
    break;
  default:
    CHECK_OK(rill_trainer_get_metric(parts->trainer, "update_count", &loss));
    rill_trainer_destroy(parts->trainer);
  }
  return NULL;
}

static void parts_are_destroyed_in_any_thread(void) {
  thread_number = 0;
  for (int i = 0; i < 100; i++) {
    struct world parts = make_world(&KINDS[i % KIND_COUNT]);
    run_threads(4, use_and_destroy_a_part, &parts);
  }
}

/* Two models save to one path, again and again; what a third thread loads is the one or the other. */
static struct world savers[2];
static uint64_t saved_hashes[2];
static void *save_over_each_other(void *unused) {
  (void)unused;
  int number = atomic_fetch_add(&thread_number, 1) % 3;
  for (int i = 0; i < 60; i++) {
    rill_model *model;
    if (number < 2) {
      CHECK_OK(rill_model_save(savers[number].model, "shared.json", NULL));
    } else if (CHECK_OK(rill_model_load("shared.json", NULL, &model))) {
      uint64_t hash = hash_parameters(model);
      CHECK(hash == saved_hashes[0] || hash == saved_hashes[1], "a file that nobody saved");
      rill_model_destroy(model);
    }
  }
  return NULL;
}

static void a_file_that_two_threads_save_is_always_whole(void) {
  thread_number = 0;
  for (int i = 0; i < 2; i++) {
    savers[i] = make_world(kind_named("gru"));
    if (i) REQUIRE(rill_trainer_update(savers[i].trainer, savers[i].batch, NULL) == RILL_OK);
    saved_hashes[i] = hash_parameters(savers[i].model);
    REQUIRE(rill_model_save(savers[i].model, "shared.json", NULL) == RILL_OK);
  }
  int entries = entry_count(".");
  run_threads(3, save_over_each_other, NULL);
  CHECK(entry_count(".") == entries, "files left behind");
  remove("shared.json");
  for (int i = 0; i < 2; i++) destroy_world(&savers[i]);
}

int main(void) {
  TEST(runs_of_one_model_do_not_disturb_each_other);
  TEST(a_batch_serves_several_trainers);
  TEST(messages_belong_to_their_thread);
  TEST(parts_are_destroyed_in_any_thread);
  TEST(a_file_that_two_threads_save_is_always_whole);
  return finish();
}
