/* The life of every object of every kind: in all orders of destruction, what is left goes on working.
 *
 * This program runs under valgrind and AddressSanitizer too: neither finds an error or a leak. */
#include "files.h"
#include "models.h"

/* The results of a world that nothing is taken from: the hashes of what each part answers. */
struct answers {
  uint64_t model, stream, training;
};

static uint64_t use_model(const struct world *world) {
  float outputs[MAXIMUM_VALUES];
  CHECK_OK(run_model(world->kind, world->model, outputs));
  return hash_bytes(HASH_START, outputs, output_count_of(world->kind) * sizeof *outputs);
}

/* A step and a run from the initial state, a refresh in between. */
static uint64_t use_stream(const struct world *world) {
  const struct kind *kind = world->kind;
  float outputs[MAXIMUM_VALUES];
  CHECK_OK(rill_stream_reset(world->stream));
  CHECK_OK(step_stream(kind, world->stream, 0, outputs));
  CHECK_OK(rill_stream_refresh(world->stream));
  CHECK_OK(run_stream(kind, world->stream, outputs));
  return hash_bytes(HASH_START, outputs, kind->output_size * T * B * sizeof *outputs);
}

/* An update, when there is a batch; without one, what the trainer can say by itself. */
static uint64_t use_training(const struct world *world) {
  double loss = 0;
  if (world->trainer && world->batch) CHECK_OK(rill_trainer_evaluate(world->trainer, world->batch));
  if (world->trainer && world->batch) CHECK_OK(rill_trainer_get_metric(world->trainer, "loss", &loss));
  if (world->trainer) CHECK_OK(rill_trainer_reset_metrics(world->trainer));
  if (world->batch) CHECK_OK(fill_batch(world->kind, world->batch));
  return hash_bytes(HASH_START, &loss, sizeof loss);
}

static void destroy_part(struct world *world, int part) {
  switch (part) {
  case 0:
    rill_model_destroy(world->model), world->model = NULL;
    break;
  case 1:
    rill_stream_destroy(world->stream), world->stream = NULL;
    break;
  case 2:
    rill_batch_destroy(world->batch), world->batch = NULL;
    break;
  default:
    rill_trainer_destroy(world->trainer), world->trainer = NULL;
  }
}

static void destroy_in_order(const struct kind *kind, const int *order, const struct answers *answers) {
  struct world world = make_world(kind);
  for (int i = 0; i < 4; i++) {
    destroy_part(&world, order[i]);
    if (world.model) CHECK(use_model(&world) == answers->model, "%s: the model", kind->name);
    if (world.stream) CHECK(use_stream(&world) == answers->stream, "%s: the stream", kind->name);
    uint64_t training = use_training(&world);
    if (world.trainer && world.batch) CHECK(training == answers->training, "%s: the trainer", kind->name);
  }
}

static void every_order_of_destruction_leaves_the_rest_working(void) {
  for (size_t k = 0; k < KIND_COUNT; k++) {
    struct world whole = make_world(&KINDS[k]);
    struct answers answers = {use_model(&whole), use_stream(&whole), use_training(&whole)};
    destroy_world(&whole);
    int count = 0;
    for (int code = 0; code < 256; code++) { // four digits to the base 4; those with four different ones are the orders
      int order[4] = {code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6 & 3};
      if ((1 << order[0] | 1 << order[1] | 1 << order[2] | 1 << order[3]) != 15) continue;
      destroy_in_order(&KINDS[k], order, &answers);
      count++;
    }
    CHECK(count == 24);
  }
}

/* Without the handle of its model a trainer goes on to train it; a stream of the model sees that no more, since nobody can publish. */
static void training_goes_on_without_the_model(void) {
  for (size_t k = 0; k < KIND_COUNT; k++) {
    struct world world = make_world(&KINDS[k]), twin = make_world(&KINDS[k]);
    double loss = 0, twin_loss = 0;
    rill_model_destroy(world.model);
    world.model = NULL;
    for (int i = 0; i < 3; i++) {
      CHECK_OK(rill_trainer_update(world.trainer, world.batch, &loss));
      CHECK_OK(rill_trainer_update(twin.trainer, twin.batch, &twin_loss));
      CHECK(memcmp(&loss, &twin_loss, sizeof loss) == 0, "%s", KINDS[k].name);
    }
    CHECK(use_stream(&world) == use_stream(&twin));
    destroy_world(&world);
    destroy_world(&twin);
  }
}

/* Streams of smaller weights outlive a snapshot, then the model's handle goes first. */
static void smaller_weights_are_used_once(const struct kind *kind, rill_model *model) {
  struct data data = data_of(kind);
  rill_stream *streams[2];
  float outputs[MAXIMUM_VALUES];
  double numbers[3];
  CHECK_OK(rill_stream_create(model, B, "{\"precision\": \"int8\", \"nonfinite\": \"zero\"}", &streams[0]));
  CHECK_OK(rill_stream_create(model, B, "{\"precision\": \"bfloat16\"}", &streams[1]));
  for (int round = 0; round < 3; round++) {
    for (int s = 0; s < 2; s++) {
      CHECK_OK(step_stream(kind, streams[s], 0, outputs));
      CHECK_OK(run_stream(kind, streams[s], outputs));
      if (round == s) CHECK_OK(rill_stream_refresh(streams[s]));
    }
    CHECK_OK(rill_model_publish(model));
  }
  CHECK_OK(rill_stream_copy(streams[0], streams[1]));
  const char *precision = "int8";
  CHECK_OK(kind->has_tokens
               ? rill_model_evaluate_precision_tokens(model, precision, T, B, data.tokens, T * B, &numbers[0], &numbers[1], &numbers[2])
               : rill_model_evaluate_precision(model, precision, T, B, data.inputs, input_count_of(kind), &numbers[0], &numbers[1],
                                               &numbers[2]));
  for (int s = 0; s < 2; s++) rill_stream_destroy(streams[s]);
}

/* The file lifetime.json, begun where it rests. */
static void initial_states_are_used_once(const struct kind *kind) {
  struct data data = data_of(kind);
  rill_model *model;
  rill_stream *stream;
  size_t steps = 0;
  float change = 0, outputs[MAXIMUM_VALUES];
  CHECK_OK(rill_model_load("lifetime.json", "{\"initial_state\": true}", &model));
  CHECK_OK(rill_stream_create(model, B, NULL, &stream));
  CHECK_OK(kind->has_tokens ? rill_stream_settle_tokens(stream, data.tokens, B, 1e-4f, 1000, &steps, &change)
                            : rill_stream_settle(stream, data.inputs, B * kind->input_size, 1e-4f, 1000, &steps, &change));
  CHECK(steps > 0 && steps <= 1000);
  CHECK_OK(rill_model_set_initial_state(model, stream, B - 1));
  CHECK_OK(rill_model_publish(model));
  rill_model_destroy(model);
  CHECK_OK(rill_stream_refresh(stream));
  CHECK_OK(rill_stream_reset(stream));
  CHECK_OK(step_stream(kind, stream, 0, outputs));
  rill_stream_destroy(stream);
}

/* Every way of training, gradients that wait, and states that come and go; the trainer is left with all of that in it. */
static void training_is_done_once(const struct world *world) {
  for (int way = 0; way < WAYS; way++) {
    const char *options = way_of_training(world->kind, way);
    rill_trainer *trainer;
    size_t count = 0;
    double loss;
    CHECK_OK(rill_trainer_create(world->model, 3, options, &trainer));
    CHECK_OK(rill_trainer_set_state(trainer, world->stream));
    for (int i = 0; i < 3; i++) CHECK_OK(rill_trainer_update(trainer, world->batch, &loss));
    CHECK_OK(rill_trainer_evaluate(trainer, world->batch));
    CHECK_OK(rill_trainer_get_state(trainer, world->stream));
    if (strstr(options, "stateful")) {
      CHECK_OK(rill_trainer_reset_state_lane(trainer, 1));
      CHECK_OK(rill_trainer_update(trainer, world->batch, NULL));
      CHECK_OK(rill_trainer_reset_state(trainer));
    }
    CHECK_OK(rill_trainer_get_gradients_count(trainer, &count));
    float *gradients = malloc(count * sizeof *gradients);
    if (strstr(options, "truncation")) {
      CHECK_REFUSED(rill_trainer_evaluate_gradients(trainer, world->batch, &loss), STATE, "truncation");
    } else {
      CHECK_OK(rill_trainer_evaluate_gradients(trainer, world->batch, &loss));
      CHECK_OK(rill_trainer_get_gradients(trainer, gradients, count));
      CHECK_OK(rill_trainer_update_from_gradients(trainer));
      CHECK_OK(rill_trainer_set_gradients(trainer, gradients, count));
    }
    free(gradients);
    rill_trainer_destroy(trainer);
  }
}

/* Threads begin and end with their trainers. */
static void trainers_with_threads_come_and_go(void) {
  for (size_t k = 0; k < KIND_COUNT; k += 2) {
    struct world world = make_world(&KINDS[k]);
    rill_trainer *trainers[3] = {NULL};
    for (int i = 0; i < 12; i++) {
      rill_trainer_destroy(trainers[i % 3]);
      CHECK_OK(rill_trainer_create(world.model, 3, training_with(world.kind, "\"threads\": 4"), &trainers[i % 3]));
      if (i % 2) CHECK_OK(rill_trainer_update(trainers[i % 3], world.batch, NULL)); // others end without having worked
    }
    destroy_world(&world);
    for (int i = 0; i < 3; i++) rill_trainer_destroy(trainers[i]);
  }
}

/* All that can be done with a kind once: for the memory checkers. */
static void everything_is_done_once(void) {
  for (size_t k = 0; k < KIND_COUNT; k++) {
    const struct kind *kind = &KINDS[k];
    struct world world = make_world(kind);
    rill_stream *other;
    rill_model *copy;
    float values[MAXIMUM_VALUES], outputs[MAXIMUM_VALUES];
    double number;
    char text[1 << 15];
    unsigned char state[4096];
    size_t length;
    for (int i = 0; i < 2; i++) CHECK_OK(rill_trainer_update(world.trainer, world.batch, &number));
    CHECK_OK(rill_trainer_evaluate(world.trainer, world.batch));
    CHECK_OK(rill_trainer_get_metric(world.trainer, "loss", &number));
    CHECK_OK(rill_trainer_get_gradient(world.trainer, kind->parameter, values, kind->parameter_size));
    CHECK_OK(rill_model_publish(world.model));
    CHECK_OK(rill_model_save(world.model, "lifetime.json", "{\"self_test\": 3}"));
    CHECK_OK(rill_model_load("lifetime.json", NULL, &copy));
    CHECK_OK(rill_model_describe(copy, text, sizeof text, &length));
    CHECK_OK(rill_stream_create(world.model, B, NULL, &other));
    CHECK_OK(run_stream(kind, other, outputs));
    CHECK_OK(rill_stream_copy(other, world.stream));
    CHECK_OK(rill_stream_copy_lane(other, 0, world.stream, 1));
    CHECK_OK(rill_stream_reset_lane(world.stream, 2));
    CHECK_OK(rill_stream_get_state(world.stream, kind->state, values, B * kind->state_size));
    CHECK_OK(rill_stream_set_state(world.stream, kind->state, values, B * kind->state_size));
    CHECK_OK(rill_stream_save_state(world.stream, state, sizeof state, &length));
    CHECK_OK(rill_stream_refresh(world.stream));
    CHECK_OK(rill_stream_load_state(world.stream, state, length));
    CHECK_OK(step_stream(kind, world.stream, 1, outputs));
    // An older snapshot is freed by a publish once no stream uses it.
    for (int i = 0; i < 3; i++) {
      CHECK_OK(rill_model_publish(world.model));
      if (i == 1) CHECK_OK(rill_stream_refresh(other));
    }
    CHECK_OK(run_model(kind, copy, outputs));
    rill_model_destroy(copy);
    training_is_done_once(&world);
    smaller_weights_are_used_once(kind, world.model);
    initial_states_are_used_once(kind);
    CHECK_REFUSED(rill_model_parse(text, length, NULL, &copy), FORMAT, ""); // a failure leaves nothing behind either
    rill_stream_destroy(other);
    destroy_world(&world);
  }
  remove("lifetime.json");
}

int main(void) {
  TEST(every_order_of_destruction_leaves_the_rest_working);
  TEST(training_goes_on_without_the_model);
  TEST(trainers_with_threads_come_and_go);
  TEST(everything_is_done_once);
  return finish();
}
