/* Every allocation of every function made to fail in turn: the status is MEMORY, and nothing else has happened. */
#include "allocator.h"
#include "files.h"
#include "models.h"
#include <locale.h>

/* Saves need not be durable here, and there are thousands: waiting for a disk each time would take most of a minute. */
int fsync(int file) {
  (void)file;
  return 0;
}

static struct world world;
static uint64_t answer;
static char text[1 << 16]; // a file of the world's model
static size_t length;
static char room[1 << 16];
static float values[MAXIMUM_VALUES];

/* What the operations make; destroyed after each of them. */
static rill_model *made_model;
static rill_stream *made_stream;
static rill_batch *made_batch;
static rill_trainer *made_trainer;

static void forget_made(void) {
  rill_model_destroy(made_model);
  rill_stream_destroy(made_stream);
  rill_batch_destroy(made_batch);
  rill_trainer_destroy(made_trainer);
  made_model = NULL, made_stream = NULL, made_batch = NULL, made_trainer = NULL;
}

static rill_status create(void) { return rill_model_create(world.kind->configuration, 7, "{}", &made_model); }
static rill_status parse(void) { return rill_model_parse(text, length, "{}", &made_model); }
static rill_status load(void) { return rill_model_load("old.json", NULL, &made_model); }
static rill_status save(void) { return rill_model_save(world.model, "old.json", "{\"self_test\": 3}"); }
static rill_status save_base64(void) { return rill_model_save(world.model, "old.json", "{\"encoding\": \"base64\"}"); }
static rill_status save_text(void) {
  size_t count = 0;
  return rill_model_save_text(world.model, "{\"self_test\": 2}", room, sizeof room, &count);
}
static rill_status describe(void) {
  size_t count = 0;
  return rill_model_describe(world.model, room, sizeof room, &count);
}
static rill_status save_trainer(void) { return rill_trainer_save(world.trainer, "old.json", NULL); }
static rill_status describe_trainer(void) {
  size_t count = 0;
  return rill_trainer_describe(world.trainer, room, sizeof room, &count);
}
static char *checkpoint;
static size_t checkpoint_length;
static rill_status parse_trainer(void) {
  return rill_trainer_parse(checkpoint, checkpoint_length, NULL, &made_model, &made_trainer);
}
static rill_status set_data(void) { return rill_trainer_set_data(world.trainer, "", 0); }
static rill_status get_names(void) {
  size_t count = 0, shape[2], rank = 0;
  rill_status status = rill_model_get_parameter_name(world.model, 0, room, sizeof room, &count);
  if (status == RILL_OK) status = rill_model_get_parameter_shape(world.model, world.kind->parameter, shape, 2, &rank);
  if (status == RILL_OK) status = rill_model_get_parameter(world.model, world.kind->parameter, values, world.kind->parameter_size);
  if (status == RILL_OK) status = rill_model_set_parameter(world.model, world.kind->parameter, values, world.kind->parameter_size);
  return status;
}
static rill_status run(void) { return run_model(world.kind, world.model, values); }
static rill_status publish(void) { return rill_model_publish(world.model); }
static rill_status create_stream(void) { return rill_stream_create(world.model, B, "{}", &made_stream); }
static rill_status create_bfloat16(void) {
  return rill_stream_create(world.model, B, "{\"precision\": \"bfloat16\"}", &made_stream);
}
static rill_status create_int8(void) {
  return rill_stream_create(world.model, B, "{\"precision\": \"int8\", \"nonfinite\": \"zero\"}", &made_stream);
}
static rill_status parse_with_initial_states(void) {
  rill_model *model;
  rill_status status = rill_model_parse(text, length, "{\"initial_state\": true}", &model);
  rill_model_destroy(model);
  return status;
}
/* The state is put back, since an operation must leave everything as it was. */
static rill_status settle(void) {
  unsigned char state[4096];
  size_t count = 0;
  struct data data = data_of(world.kind);
  REQUIRE(rill_stream_save_state(world.stream, state, sizeof state, &count) == RILL_OK);
  size_t steps = 0;
  float change = 0;
  rill_status status = world.kind->has_tokens
                           ? rill_stream_settle_tokens(world.stream, data.tokens, B, 1e-3f, 50, &steps, &change)
                           : rill_stream_settle(world.stream, data.inputs, B * world.kind->input_size, 1e-3f, 50, &steps, &change);
  if (status == RILL_OK) REQUIRE(rill_stream_load_state(world.stream, state, count) == RILL_OK);
  return status;
}
static const char *precision = "int8";
static rill_status evaluate_precision(void) {
  struct data data = data_of(world.kind);
  double numbers[3];
  if (world.kind->has_tokens)
    return rill_model_evaluate_precision_tokens(world.model, precision, T, B, data.tokens, T * B, &numbers[0], &numbers[1], &numbers[2]);
  return rill_model_evaluate_precision(world.model, precision, T, B, data.inputs, input_count_of(world.kind), &numbers[0], &numbers[1],
                                       &numbers[2]);
}
static rill_status create_batch(void) { return rill_batch_create(world.model, T, B, "{}", &made_batch); }
static rill_status set_batch(void) {
  float ones[T * B]; // the same as no weights
  for (size_t i = 0; i < T * B; i++) ones[i] = 1;
  rill_status status = fill_batch(world.kind, world.batch);
  return status == RILL_OK ? rill_batch_set_weights(world.batch, ones, world.kind->is_per_sequence ? B : T * B) : status;
}
static rill_status create_trainer(void) { return rill_trainer_create(world.model, 11, world.kind->training, &made_trainer); }
static rill_status create_full_trainer(void) {
  return rill_trainer_create(world.model, 11,
                             "{\"loss\": \"mse\", \"optimizer\": {\"type\": \"nadam\"}, \"groups\": [{\"parameters\": [\"*bias*\", \"*\"], "
                             "\"frozen\": true}], \"schedule\": {\"type\": \"cosine\", \"t_max\": 9}, \"average\": {}, \"keep_best\": true}",
                             &made_trainer);
}
/* Threads too, each of which needs memory of the C library. */
static int way;
static rill_status create_threaded_trainer(void) {
  return rill_trainer_create(world.model, 11, way_of_training(world.kind, way), &made_trainer);
}
static rill_status give_and_take_states(void) {
  rill_trainer *trainer;
  rill_status status = rill_trainer_create(world.model, 11, world.kind->training, &trainer);
  if (status == RILL_OK) status = rill_trainer_set_state(trainer, world.stream);
  if (status == RILL_OK) status = rill_trainer_get_state(trainer, world.stream);
  rill_trainer_destroy(trainer);
  return status;
}
/* One trainer after another, so that each time all that an update needs is made, and nothing is left behind. */
static rill_status evaluate_gradients(void) {
  rill_trainer *trainer;
  rill_status status = rill_trainer_create(world.model, 11, training_with(world.kind, "\"threads\": 2, \"checkpoint_every\": 2"), &trainer);
  if (status == RILL_OK) status = rill_trainer_evaluate_gradients(trainer, world.batch, NULL);
  rill_trainer_destroy(trainer);
  return status;
}
static rill_status evaluate(void) {
  rill_status status = rill_trainer_evaluate(world.trainer, world.batch);
  rill_trainer_reset_metrics(world.trainer);
  return status;
}

static long json_forgot; // blocks that json-c leaked, all told

/* Runs an operation with its first, second, ... allocation failing until one run needs fewer allocations than that. Returns how many it
 * needs, so that a test can know that failures happened at all. `balance`: the operation keeps nothing when it fails. */
static long fail_each_allocation(const char *name, rill_status (*operation)(void), bool balance) {
  enum { MANY = 20000 };
  locale_t locale = uselocale((locale_t)0); // json-c changes it for a while
  for (long at = 1; at < MANY; at++) {
    long live = live_count, own = own_count;
    write_file("old.json", text, length);
    failing_at = at;
    has_failed = a_buffer_failed = false;
    rill_status status = operation();
    failing_at = 0;
    if (made_model) CHECK(hash_parameters(made_model) == hash_parameters(world.model), "%s gives another model", name);
    CHECK(uselocale((locale_t)0) == locale, "%s with allocation %ld failing leaves another locale", name, at);
    if (!has_failed) {
      CHECK(status == RILL_OK, "%s: %s", name, rill_last_error_message());
      forget_made();
      return at - 1;
    }
    // json-c and the C library can do without some of theirs (a copy of the locale, a list cut to size): then all must be as if nothing
    // had failed. They cannot do without a buffer of the library.
    CHECK(status == RILL_ERROR_MEMORY || (status == RILL_OK && !a_buffer_failed), "%s with allocation %ld failing: %s (%s)", name, at,
          rill_status_name(status), status ? rill_last_error_message() : "");
    CHECK(status == RILL_OK || is_message(rill_last_error_message()), "%s", name);
    CHECK(status == RILL_OK || (!made_model && !made_stream && !made_batch && !made_trainer), "%s left a handle", name);
    CHECK(status == RILL_OK || file_is("old.json", text, length), "%s with allocation %ld failing: the old file", name, at);
    forget_made();
    // json-c 0.16 loses blocks of its own when it cannot copy a key or enlarge a table; nobody else can reach them.
    if (balance) {
      CHECK(own_count == own, "%s with allocation %ld failing leaks %ld blocks", name, at, own_count - own);
      CHECK(!a_buffer_failed || live_count == live, "%s with allocation %ld failing leaks %ld blocks", name, at, live_count - live);
      json_forgot += live_count - live;
    }
    CHECK(probe(&world) == answer, "%s with allocation %ld failing: an object answers differently", name, at);
    if (failed_checks > 5) return at; // the rest would say the same
  }
  CHECK(false, "%s never succeeds", name);
  return MANY;
}

static void for_each_kind(void (*test)(void)) {
  static const char *const kinds[] = {"lstm", "embedding", "deep_per_sequence", "normalized"};
  for (size_t k = 0; k < 4; k++) {
    long live = live_count;
    json_forgot = 0;
    world = make_world(kind_named(kinds[k]));
    answer = probe(&world);
    REQUIRE(rill_model_save_text(world.model, NULL, text, sizeof text, &length) == RILL_OK);
    test();
    destroy_world(&world);
    CHECK(live_count == live + json_forgot, "%s: %ld blocks are left when all is destroyed", kinds[k], live_count - live - json_forgot);
  }
}

static void making_things(void) {
  CHECK(fail_each_allocation("create", create, true) > 0);
  CHECK(fail_each_allocation("parse", parse, true) > 0);
  CHECK(fail_each_allocation("load", load, true) > 0);
  CHECK_OK(rill_trainer_save_text(world.trainer, NULL, NULL, 0, &checkpoint_length));
  checkpoint = malloc(checkpoint_length + 1);
  CHECK_OK(rill_trainer_save_text(world.trainer, NULL, checkpoint, checkpoint_length + 1, &checkpoint_length));
  CHECK(fail_each_allocation("trainer_parse", parse_trainer, true) > 0);
  free(checkpoint);
  CHECK(fail_each_allocation("load with initial states", parse_with_initial_states, true) > 0);
  CHECK(fail_each_allocation("stream_create", create_stream, true) > 0);
  // The first use of a precision makes the weights too, which the snapshot keeps, also when a later allocation of the same call fails.
  for (int p = 0; p < 2; p++) {
    precision = p == 0 ? "bfloat16" : "int8";
    CHECK(fail_each_allocation("evaluate_precision", evaluate_precision, false) > 0);
    CHECK(fail_each_allocation("evaluate_precision again", evaluate_precision, true) > 0);
  }
  CHECK(fail_each_allocation("stream_create bfloat16", create_bfloat16, true) > 0);
  CHECK(fail_each_allocation("stream_create int8", create_int8, true) > 0);
  CHECK(fail_each_allocation("batch_create", create_batch, true) > 0);
  CHECK(fail_each_allocation("trainer_create", create_trainer, true) > 0);
  CHECK(fail_each_allocation("trainer_create with all options", create_full_trainer, true) > 0);
  for (way = 0; way < WAYS; way++) CHECK(fail_each_allocation("trainer_create with threads", create_threaded_trainer, true) > 0);
}
static void objects_are_not_made(void) { for_each_kind(making_things); }

static void writing_things(void) {
  CHECK(fail_each_allocation("save", save, true) > 0);
  CHECK(fail_each_allocation("save with base64", save_base64, true) > 0);
  CHECK(fail_each_allocation("save_text", save_text, true) > 0);
  CHECK(fail_each_allocation("describe", describe, true) > 0);
  CHECK(fail_each_allocation("trainer_save", save_trainer, true) > 0);
  CHECK(fail_each_allocation("trainer_describe", describe_trainer, true) > 0);
  CHECK(fail_each_allocation("trainer_set_data", set_data, true) > 0);
  fail_each_allocation("get and set", get_names, true);
}
static void texts_are_not_written(void) { for_each_kind(writing_things); }

static void computing_things(void) {
  CHECK(fail_each_allocation("model_run", run, true) > 0);
  long plain = fail_each_allocation("publish", publish, true);
  CHECK(plain > 0);
  // What smaller weights cost: they are made once, and then by every publish.
  CHECK_OK(evaluate_precision());
  CHECK(fail_each_allocation("publish with int8", publish, true) == plain + 1);
  CHECK_OK(create_bfloat16());
  forget_made();
  CHECK(fail_each_allocation("publish with both", publish, true) == plain + 2);
  CHECK(fail_each_allocation("settle", settle, true) > 0 || !strstr(world.kind->state, "cell"));
  fail_each_allocation("batch_set", set_batch, false);
  fail_each_allocation("evaluate", evaluate, false);
  CHECK(fail_each_allocation("set_state and get_state", give_and_take_states, true) > 0);
  CHECK(fail_each_allocation("evaluate_gradients", evaluate_gradients, true) > 0);
}
static void computations_do_not_start(void) { for_each_kind(computing_things); }

/* The first update of a trainer, and the first with a larger batch: after the failures the parameters are those of a twin that never
 * failed. */
static rill_batch *trained_batch;
static rill_status update(void) { return rill_trainer_update(world.trainer, trained_batch, NULL); }

static void copy_parameters(const rill_model *from, rill_model *to) {
  size_t count = 0;
  REQUIRE(rill_model_get_parameter_count(from, &count) == RILL_OK);
  for (size_t i = 0; i < count; i++) {
    char name[128];
    size_t shape[2] = {1, 1}, rank = 0, name_length;
    REQUIRE(rill_model_get_parameter_name(from, i, name, sizeof name, &name_length) == RILL_OK);
    REQUIRE(rill_model_get_parameter_shape(from, name, shape, 2, &rank) == RILL_OK);
    size_t value_count = shape[0] * (rank == 2 ? shape[1] : 1);
    float *copied = malloc(value_count * sizeof *copied);
    REQUIRE(rill_model_get_parameter(from, name, copied, value_count) == RILL_OK);
    REQUIRE(rill_model_set_parameter(to, name, copied, value_count) == RILL_OK);
    free(copied);
  }
}

static void updating_with(const char *options) {
  enum { LARGE = 4 };
  struct world twin = make_world(world.kind);
  rill_trainer_destroy(twin.trainer);
  REQUIRE(rill_trainer_create(twin.model, 11, options, &twin.trainer) == RILL_OK);
  // What other ways of training have learned.
  copy_parameters(world.model, twin.model);
  struct data data = data_of(world.kind);
  rill_batch *large;
  size_t steps = (size_t)T * B * LARGE, size = world.kind->has_tokens ? 1 : world.kind->input_size;
  size_t targets = world.kind->is_per_sequence ? B * LARGE : steps;
  float many[MAXIMUM_VALUES * LARGE];
  int32_t indices[T * B * LARGE];
  for (size_t i = 0; i < MAXIMUM_VALUES * LARGE; i++) many[i] = data.targets[i % MAXIMUM_VALUES];
  for (size_t i = 0; i < steps; i++) indices[i] = data.tokens[i % (T * B)];
  REQUIRE(rill_batch_create(world.model, T, B * LARGE, NULL, &large) == RILL_OK);
  if (world.kind->has_tokens) {
    REQUIRE(rill_batch_set_tokens(large, indices, steps) == RILL_OK && rill_batch_set_classes(large, indices, targets) == RILL_OK);
  } else {
    REQUIRE(rill_batch_set_inputs(large, many, steps * size) == RILL_OK);
    REQUIRE(rill_batch_set_targets(large, many, targets * world.kind->output_size) == RILL_OK);
  }
  // A probe evaluates, and so makes a workspace for the small batch: a fresh trainer has none yet.
  rill_trainer *fresh, *probed = world.trainer;
  REQUIRE(rill_trainer_create(world.model, 11, options, &fresh) == RILL_OK);
  for (int round = 0; round < 2; round++) {
    trained_batch = round == 0 ? world.batch : large;
    long count = 0;
    rill_status status = RILL_ERROR_MEMORY;
    for (; status == RILL_ERROR_MEMORY && count < 10000; count++) {
      world.trainer = fresh;
      failing_at = count + 1;
      has_failed = false;
      status = update();
      failing_at = 0;
      world.trainer = probed;
      CHECK(has_failed == (status != RILL_OK) && (status == RILL_OK || probe(&world) == answer), "round %d, allocation %ld: %s", round,
            count + 1, rill_status_name(status));
    }
    CHECK(status == RILL_OK && count > 1, "round %d: %s after %ld failures", round, rill_last_error_message(), count - 1);
    CHECK_OK(rill_trainer_update(twin.trainer, trained_batch, NULL));
    CHECK(hash_parameters(twin.model) == hash_parameters(world.model), "round %d", round);
    answer = probe(&world);
  }
  rill_trainer_destroy(fresh);
  rill_batch_destroy(large);
  destroy_world(&twin);
}
static void updating(void) {
  updating_with(world.kind->training);
  for (way = 0; way < WAYS; way++) updating_with(way_of_training(world.kind, way));
}
static void updates_do_not_happen(void) { for_each_kind(updating); }

/* A batch of `steps` full sequences of the world's kind. */
static rill_batch *long_batch(size_t steps) {
  const struct kind *kind = world.kind;
  size_t rows = steps * B, width = kind->has_tokens ? 1 : kind->input_size, answers = kind->is_per_sequence ? B : rows;
  float *numbers = malloc(rows * MAXIMUM_SIZE * sizeof *numbers);
  int32_t *indices = malloc(rows * sizeof *indices);
  rill_batch *batch;
  for (size_t i = 0; i < rows * MAXIMUM_SIZE; i++) numbers[i] = 0.5f + sample(i) / 2; // also targets of "bce"
  for (size_t i = 0; i < rows; i++) indices[i] = (int32_t)(i % 5);
  REQUIRE(rill_batch_create(world.model, steps, B, NULL, &batch) == RILL_OK);
  CHECK_OK(kind->has_tokens ? rill_batch_set_tokens(batch, indices, rows) : rill_batch_set_inputs(batch, numbers, rows * width));
  CHECK_OK(kind->has_tokens ? rill_batch_set_classes(batch, indices, answers)
                            : rill_batch_set_targets(batch, numbers, answers * kind->output_size));
  free(numbers), free(indices);
  return batch;
}

/* Once there is room, an update allocates little, however long the batch, and leaves none of it behind. */
static void updating_again(void) {
  enum { MANY_STEPS = 500, FEW = 20000 };
  rill_batch *batch = long_batch(MANY_STEPS);
  for (way = -1; way < WAYS; way++) {
    rill_trainer *trainer;
    const char *options = way < 0 ? world.kind->training : way_of_training(world.kind, way);
    REQUIRE(rill_trainer_create(world.model, 11, options, &trainer) == RILL_OK);
    for (int i = 0; i < 6; i++) {
      long live = live_count, before = allocated_bytes;
      CHECK_OK(rill_trainer_update(trainer, batch, NULL));
      long bytes = allocated_bytes - before;
      // Two steps in a part, or windows of two in three parts.
      long parts = !strstr(options, "checkpoint_every") ? 1 : strstr(options, "truncation") ? 3 * MANY_STEPS / 2 : MANY_STEPS / 2;
      CHECK(i < 2 || (bytes <= parts * FEW && live_count == live), "%s, way %d: %ld bytes, %ld blocks", world.kind->name, way, bytes,
            live_count - live);
    }
    rill_trainer_destroy(trainer);
  }
  rill_batch_destroy(batch);
}
static void later_updates_allocate_little(void) { for_each_kind(updating_again); }

int main(void) {
  // The first line makes the C library's own buffer for it, which would look like a leak later.
  printf("     every allocation in turn\n");
  // So does it for the stacks of the first threads, which it keeps.
  world = make_world(kind_named("lstm"));
  REQUIRE(rill_trainer_create(world.model, 1, training_with(world.kind, "\"threads\": 5"), &made_trainer) == RILL_OK);
  forget_made();
  destroy_world(&world);
  TEST(objects_are_not_made);
  TEST(texts_are_not_written);
  TEST(computations_do_not_start);
  TEST(updates_do_not_happen);
  TEST(later_updates_allocate_little);
  remove("old.json");
  return finish();
}
