/* Every argument of every rill_trainer function made invalid in turn, and batches that a trainer cannot take. */
#include "refused.h"

/* Options of a trainer and the word that the message must have. */
static const struct {
  const char *text, *word;
} WRONG_TRAINING[] = {
    {"{}", "loss"},
    {"{\"loss\": \"hinge\"}", "loss"},
    {"{\"loss\": 1}", "loss"},
    {"{\"loss\": null}", "loss"},
    {"{\"loss\": \"mse\", \"loss\": \"mse\"}", "loss"},
    {"{\"loss\": \"mse\", \"bogus\": 1}", "bogus"},
    {"{\"loss\": \"mse\", \"reduction\": \"none\"}", "reduction"},
    {"{\"loss\": \"mse\", \"clip_norm\": -1}", "clip_norm"},
    {"{\"loss\": \"mse\", \"clip_norm\": \"1\"}", "clip_norm"},
    {"{\"loss\": \"mse\", \"clip_norm\": 1e999}", "clip_norm"},
    {"{\"loss\": \"mse\", \"clip_value\": -0.5}", "clip_value"},
    {"{\"loss\": \"mse\", \"clip_value\": NaN}", ""},
    {"{\"loss\": \"mse\", \"optimizer\": \"adam\"}", "optimizer"},
    {"{\"loss\": \"mse\", \"optimizer\": []}", "optimizer"},
    {"{\"loss\": \"mse\", \"optimizer\": {}}", "optimizer"},
    {"{\"loss\": \"mse\", \"optimizer\": {\"type\": \"lion\"}}", "optimizer.type"},
    {"{\"loss\": \"mse\", \"optimizer\": {\"type\": \"adam\", \"learning_rate\": -0.1}}", "optimizer.learning_rate"},
    {"{\"loss\": \"mse\", \"optimizer\": {\"type\": \"adam\", \"learning_rate\": true}}", "optimizer.learning_rate"},
    {"{\"loss\": \"mse\", \"optimizer\": {\"type\": \"adam\", \"learning_rate\": Infinity}}", ""},
    {"{\"loss\": \"mse\", \"optimizer\": {\"type\": \"adam\", \"learning_rate\": 1e400}}", "optimizer.learning_rate"},
    {"{\"loss\": \"mse\", \"optimizer\": {\"type\": \"adam\", \"momentum\": 0.9}}", "optimizer.momentum"},
    {"{\"loss\": \"mse\", \"optimizer\": {\"type\": \"adam\", \"beta1\": 1}}", "optimizer.beta1"},
    {"{\"loss\": \"mse\", \"optimizer\": {\"type\": \"adam\", \"beta2\": -0.1}}", "optimizer.beta2"},
    {"{\"loss\": \"mse\", \"optimizer\": {\"type\": \"adam\", \"epsilon\": -1}}", "optimizer.epsilon"},
    {"{\"loss\": \"mse\", \"optimizer\": {\"type\": \"sgd\", \"beta1\": 0.9}}", "optimizer.beta1"},
    {"{\"loss\": \"mse\", \"optimizer\": {\"type\": \"sgd\", \"momentum\": -1}}", "optimizer.momentum"},
    {"{\"loss\": \"mse\", \"optimizer\": {\"type\": \"rmsprop\", \"alpha\": 1.5}}", "optimizer.alpha"},
    {"{\"loss\": \"mse\", \"optimizer\": {\"type\": \"rmsprop\", \"alpha\": 0.9, \"alpha\": 0.9}}", "alpha"},
};

static void trainer_create_refuses(void) {
  const char *good = world.kind->training;
  REFUSED_HANDLE(out_trainer, rill_trainer_create(NULL, 1, good, &out_trainer), ARGUMENT, "model");
  REFUSED_HANDLE(out_trainer, rill_trainer_create(world.model, 1, NULL, &out_trainer), FORMAT | ARGUMENT, "loss");
  REFUSED(rill_trainer_create(world.model, 1, good, NULL), ARGUMENT, "trainer");
  for (size_t i = 0; i < WRONG_OPTIONS_COUNT; i++)
    REFUSED_HANDLE(out_trainer, rill_trainer_create(world.model, 1, WRONG_OPTIONS[i], &out_trainer), FORMAT, "");
  for (size_t i = 0; i < sizeof WRONG_TRAINING / sizeof *WRONG_TRAINING; i++) {
    REFUSED_HANDLE(out_trainer, rill_trainer_create(world.model, 1, WRONG_TRAINING[i].text, &out_trainer), FORMAT, WRONG_TRAINING[i].word);
  }
}

/* Losses that do not fit a model's head, or its output scale. */
static void losses_that_do_not_fit_are_unsupported(void) {
  struct world tanh_head = make_world(kind_named("rnn_tanh")), sigmoid_head = make_world(kind_named("deep_per_sequence"));
  struct world softmax_head = make_world(kind_named("one_hot")), scaled = make_world(kind_named("normalized"));
  const struct {
    rill_model *model;
    const char *options;
  } cases[] = {
      {tanh_head.model, "{\"loss\": \"cross_entropy\"}"},    {tanh_head.model, "{\"loss\": \"bce\"}"},
      {sigmoid_head.model, "{\"loss\": \"cross_entropy\"}"}, {softmax_head.model, "{\"loss\": \"bce\"}"},
      {scaled.model, "{\"loss\": \"cross_entropy\"}"},       {scaled.model, "{\"loss\": \"bce\"}"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    REFUSED_HANDLE(out_trainer, rill_trainer_create(cases[i].model, 1, cases[i].options, &out_trainer), UNSUPPORTED,
                   "loss|cross_entropy|bce");
  rill_model *recurrent_only;
  REQUIRE(rill_model_create("{" VECTOR "[{\"type\": \"lstm\", \"hidden_size\": 4}]}", 1, NULL, &recurrent_only) == RILL_OK);
  REFUSED_HANDLE(out_trainer, rill_trainer_create(recurrent_only, 1, "{\"loss\": \"cross_entropy\"}", &out_trainer), UNSUPPORTED,
                 "dense|loss");
  rill_model_destroy(recurrent_only);
  destroy_world(&tanh_head);
  destroy_world(&sigmoid_head);
  destroy_world(&softmax_head);
  destroy_world(&scaled);
}

static void update_refuses(void) {
  struct world other = make_world(kind_named("one_hot")), narrow = make_world(kind_named("deep_per_sequence"));
  REFUSED(rill_trainer_update(NULL, world.batch, &out.number), ARGUMENT, "trainer");
  REFUSED(rill_trainer_update(world.trainer, NULL, &out.number), ARGUMENT, "batch");
  REFUSED(rill_trainer_evaluate(NULL, world.batch), ARGUMENT, "trainer");
  REFUSED(rill_trainer_evaluate(world.trainer, NULL), ARGUMENT, "batch");
  rill_batch *wrong[] = {other.batch, narrow.batch}; // of another input, of another output
  for (size_t i = 0; i < 2; i++) {
    REFUSED(rill_trainer_update(world.trainer, wrong[i], &out.number), ARGUMENT, "batch");
    REFUSED(rill_trainer_evaluate(world.trainer, wrong[i]), ARGUMENT, "batch");
  }
  REFUSED(rill_trainer_reset_metrics(NULL), ARGUMENT, "trainer");
  destroy_world(&other);
  destroy_world(&narrow);
}

/* Each part that a batch lacks is asked for by its name. */
static void incomplete_batches_are_a_wrong_state(void) {
  struct data data = data_of(world.kind);
  rill_batch *batch;
  REQUIRE(rill_batch_create(world.model, T, B, NULL, &batch) == RILL_OK);
  bool has_tokens = world.kind->has_tokens;
  REFUSED(rill_trainer_update(world.trainer, batch, &out.number), STATE, "inputs|tokens|targets|classes");
  if (has_tokens)
    CHECK_OK(rill_batch_set_tokens(batch, data.tokens, T * B));
  else
    CHECK_OK(rill_batch_set_inputs(batch, data.inputs, T * B * 3));
  REFUSED(rill_trainer_update(world.trainer, batch, &out.number), STATE, has_tokens ? "classes" : "targets");
  REFUSED(rill_trainer_evaluate(world.trainer, batch), STATE, has_tokens ? "classes" : "targets");
  rill_batch_destroy(batch);
  REQUIRE(rill_batch_create(world.model, T, B, NULL, &batch) == RILL_OK);
  if (has_tokens)
    CHECK_OK(rill_batch_set_classes(batch, data.classes, T * B));
  else
    CHECK_OK(rill_batch_set_targets(batch, data.targets, T * B * 2));
  REFUSED(rill_trainer_update(world.trainer, batch, &out.number), STATE, has_tokens ? "tokens" : "inputs");
  // The other kind of target replaces this one, and does not fit the loss.
  if (has_tokens) {
    CHECK_OK(rill_batch_set_tokens(batch, data.tokens, T * B));
    CHECK_OK(rill_batch_set_targets(batch, data.targets, T * B * 5));
  } else {
    CHECK_OK(rill_batch_set_inputs(batch, data.inputs, T * B * 3));
    for (size_t i = 0; i < T * B; i++) data.classes[i] = 1;
    CHECK_OK(rill_batch_set_classes(batch, data.classes, T * B));
  }
  REFUSED(rill_trainer_update(world.trainer, batch, &out.number), STATE, has_tokens ? "classes" : "targets");
  rill_batch_destroy(batch);
}

/* Classes of -1 count in no loss; a batch of nothing else has none. */
static void a_batch_without_a_step_that_counts_is_refused(void) {
  struct data data = data_of(world.kind);
  for (size_t i = 0; i < T * B; i++) data.classes[i] = -1;
  CHECK_OK(rill_batch_set_classes(world.batch, data.classes, T * B));
  fill_outputs();
  CHECK_REFUSED(rill_trainer_update(world.trainer, world.batch, &out.number), ARGUMENT, "batch");
  CHECK_REFUSED(rill_trainer_evaluate(world.trainer, world.batch), ARGUMENT, "batch");
  CHECK(outputs_are_untouched());
  CHECK_OK(fill_batch(world.kind, world.batch));
  CHECK(probe(&world) == answer);
}

static void bce_targets_lie_between_0_and_1(void) {
  float targets[B] = {0, 1, 0.5f};
  CHECK_OK(rill_batch_set_targets(world.batch, targets, B));
  CHECK_OK(rill_trainer_evaluate(world.trainer, world.batch));
  for (int i = 0; i < 2; i++) {
    targets[2] = i ? 1.001f : -0.001f;
    CHECK_OK(rill_batch_set_targets(world.batch, targets, B));
    fill_outputs();
    CHECK_REFUSED(rill_trainer_update(world.trainer, world.batch, &out.number), ARGUMENT, "targets");
    CHECK_REFUSED(rill_trainer_evaluate(world.trainer, world.batch), ARGUMENT, "targets");
    CHECK(outputs_are_untouched());
  }
  CHECK_OK(fill_batch(world.kind, world.batch));
  CHECK(probe(&world) == answer);
}

static void numbers_of_a_trainer_refuse(void) {
  struct world fresh = make_world(world.kind);
  rill_trainer *trainer = world.trainer;
  const char *good = world.kind->parameter;
  size_t size = world.kind->parameter_size;
  const double rates[] = {-1e-9, -1, NAN, INFINITY, -INFINITY};
  double rate = 0;

  // Before there is anything to read.
  const char *early[] = {"loss", "step_count", "update_loss", "gradient_norm"};
  for (size_t i = 0; i < 4; i++) CHECK_REFUSED(rill_trainer_get_metric(fresh.trainer, early[i], &out.number), STATE, "");
  CHECK_REFUSED(rill_trainer_get_gradient(fresh.trainer, good, out.values, size), STATE, "update");
  double updates = -1;
  CHECK_OK(rill_trainer_get_metric(fresh.trainer, "update_count", &updates));
  CHECK(updates == 0);

  CHECK_OK(rill_trainer_update(trainer, world.batch, NULL));
  CHECK_OK(rill_trainer_evaluate(trainer, world.batch));
  answer = probe(&world);
  REFUSED(rill_trainer_get_metric(NULL, "loss", &out.number), ARGUMENT, "trainer");
  REFUSED(rill_trainer_get_metric(trainer, NULL, &out.number), ARGUMENT, "name");
  REFUSED(rill_trainer_get_metric(trainer, "update_count", NULL), ARGUMENT, "value");
  WRONG_NAMES_REFUSED(rill_trainer_get_metric(trainer, name, &out.number));
  CHECK_OK(rill_trainer_evaluate(trainer, world.batch));
  fill_outputs();
  CHECK_REFUSED(rill_trainer_get_metric(trainer, "accuracy", &out.number), UNSUPPORTED, "accuracy|mse");
  CHECK(outputs_are_untouched());

  REFUSED(rill_trainer_get_gradient(NULL, good, out.values, size), ARGUMENT, "trainer");
  REFUSED(rill_trainer_get_gradient(trainer, NULL, out.values, size), ARGUMENT, "name");
  REFUSED(rill_trainer_get_gradient(trainer, good, NULL, size), ARGUMENT, "values");
  WRONG_COUNTS_REFUSED("value_count", size, rill_trainer_get_gradient(trainer, good, out.values, count));
  WRONG_NAMES_REFUSED(rill_trainer_get_gradient(trainer, name, out.values, size));

  REFUSED(rill_trainer_get_learning_rate(NULL, &out.number), ARGUMENT, "trainer");
  REFUSED(rill_trainer_get_learning_rate(trainer, NULL), ARGUMENT, "learning_rate");
  REFUSED(rill_trainer_set_learning_rate(NULL, 0.1), ARGUMENT, "trainer");
  CHECK_OK(rill_trainer_set_learning_rate(trainer, 0.125));
  for (size_t i = 0; i < 5; i++) REFUSED(rill_trainer_set_learning_rate(trainer, rates[i]), ARGUMENT, "learning_rate");
  CHECK_OK(rill_trainer_get_learning_rate(trainer, &rate));
  CHECK(rate == 0.125);
  CHECK_OK(rill_trainer_set_learning_rate(trainer, 0));
  destroy_world(&fresh);
}

/* After everything above, training goes on with the same bits as in a world where nothing failed. */
static void training_goes_on(void) {
  struct world twin = make_world(world.kind);
  CHECK_OK(rill_trainer_update(twin.trainer, twin.batch, NULL));
  double loss = 0, twin_loss = -1, count = 0;
  CHECK_OK(rill_trainer_set_learning_rate(twin.trainer, 0.125));
  CHECK_OK(rill_trainer_set_learning_rate(world.trainer, 0.125));
  for (int i = 0; i < 3; i++) {
    CHECK_OK(rill_trainer_update(world.trainer, world.batch, &loss));
    CHECK_OK(rill_trainer_update(twin.trainer, twin.batch, &twin_loss));
    CHECK(memcmp(&loss, &twin_loss, sizeof loss) == 0, "%.17g and %.17g", loss, twin_loss);
  }
  CHECK(hash_parameters(world.model) == hash_parameters(twin.model));
  CHECK_OK(rill_trainer_get_metric(world.trainer, "update_count", &count));
  CHECK(count == 4);
  destroy_world(&twin);
}

/* An update that cannot be finite leaves parameters and moments as they were. */
static void diverged_updates_change_nothing(void) {
  struct world twin = make_world(world.kind), hurt = make_world(world.kind);
  struct data data = data_of(world.kind);
  CHECK_OK(rill_trainer_update(twin.trainer, twin.batch, NULL));
  CHECK_OK(rill_trainer_update(hurt.trainer, hurt.batch, NULL));
  uint64_t before = hash_parameters(hurt.model);
  for (size_t i = 0; i < MAXIMUM_VALUES; i++) data.targets[i] = 3e38f; // times the learning rate, its gradient is infinite
  CHECK_OK(rill_batch_set_targets(hurt.batch, data.targets, T * B * 2));
  CHECK_OK(rill_trainer_set_learning_rate(hurt.trainer, 1e30));
  fill_outputs();
  CHECK_REFUSED(rill_trainer_update(hurt.trainer, hurt.batch, &out.number), DIVERGED, "");
  CHECK(outputs_are_untouched() && hash_parameters(hurt.model) == before);
  double rate = 0, count = 0;
  CHECK_OK(rill_trainer_get_learning_rate(twin.trainer, &rate));
  CHECK_OK(rill_trainer_set_learning_rate(hurt.trainer, rate));
  CHECK_OK(fill_batch(hurt.kind, hurt.batch));
  CHECK_OK(rill_trainer_update(hurt.trainer, hurt.batch, NULL));
  CHECK_OK(rill_trainer_update(twin.trainer, twin.batch, NULL));
  CHECK(hash_parameters(hurt.model) == hash_parameters(twin.model));
  CHECK_OK(rill_trainer_get_metric(hurt.trainer, "update_count", &count));
  CHECK(count == 2);
  destroy_world(&hurt);
  destroy_world(&twin);
}

int main(void) {
  use_world("lstm");
  TEST(trainer_create_refuses);
  TEST(losses_that_do_not_fit_are_unsupported);
  TEST(update_refuses);
  TEST(incomplete_batches_are_a_wrong_state);
  TEST(numbers_of_a_trainer_refuse);
  TEST(training_goes_on);
  forget_world();
  use_world("gru"); // sgd without clipping
  TEST(diverged_updates_change_nothing);
  forget_world();
  use_world("one_hot");
  TEST(incomplete_batches_are_a_wrong_state);
  TEST(a_batch_without_a_step_that_counts_is_refused);
  forget_world();
  use_world("deep_per_sequence");
  TEST(bce_targets_lie_between_0_and_1);
  forget_world();
  return finish();
}
