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
    {"{\"loss\": []}", "loss"},
    {"{\"loss\": {}}", "loss.type"},
    {"{\"loss\": {\"type\": \"hinge\"}}", "loss.type"},
    {"{\"loss\": {\"type\": {\"type\": \"mse\"}}}", "loss.type"},
    {"{\"loss\": {\"type\": \"mse\", \"delta\": 1}}", "loss.delta"},
    {"{\"loss\": {\"type\": \"mae\", \"class_weights\": [1, 1]}}", "loss.class_weights"},
    {"{\"loss\": {\"type\": \"huber\", \"delta\": 0}}", "loss.delta"},
    {"{\"loss\": {\"type\": \"huber\", \"delta\": -1}}", "loss.delta"},
    {"{\"loss\": {\"type\": \"huber\", \"delta\": \"1\"}}", "loss.delta"},
    {"{\"loss\": {\"type\": \"huber\", \"epsilon\": 1}}", "loss.epsilon"},
    {"{\"loss\": {\"type\": \"esr\", \"pre_emphasis\": -0.1}}", "loss.pre_emphasis"},
    {"{\"loss\": {\"type\": \"esr\", \"pre_emphasis\": 1.1}}", "loss.pre_emphasis"},
    {"{\"loss\": {\"type\": \"esr\", \"epsilon\": 0}}", "loss.epsilon"},
    {"{\"loss\": {\"type\": \"esr\", \"epsilon\": 1e39}}", "loss.epsilon"},
    {"{\"loss\": {\"type\": \"cross_entropy\", \"label_smoothing\": -0.1}}", "loss.label_smoothing"},
    {"{\"loss\": {\"type\": \"cross_entropy\", \"label_smoothing\": 1.1}}", "loss.label_smoothing"},
    {"{\"loss\": {\"type\": \"cross_entropy\", \"positive_weights\": [1, 1]}}", "loss.positive_weights"},
    {"{\"loss\": {\"type\": \"cross_entropy\", \"class_weights\": 1}}", "loss.class_weights"},
    {"{\"loss\": {\"type\": \"cross_entropy\", \"class_weights\": null}}", "loss.class_weights"},
    {"{\"loss\": {\"type\": \"cross_entropy\", \"class_weights\": {\"base64\": \"AACAPwAAgD8=\"}}}", "loss.class_weights"},
    {"{\"loss\": {\"type\": \"cross_entropy\", \"class_weights\": []}}", "loss.class_weights"},
    {"{\"loss\": {\"type\": \"cross_entropy\", \"class_weights\": [1]}}", "loss.class_weights"},
    {"{\"loss\": {\"type\": \"cross_entropy\", \"class_weights\": [1, 1, 1]}}", "loss.class_weights"},
    {"{\"loss\": {\"type\": \"cross_entropy\", \"class_weights\": [1, -1]}}", "loss.class_weights[1]"},
    {"{\"loss\": {\"type\": \"cross_entropy\", \"class_weights\": [\"1\", 1]}}", "loss.class_weights[0]"},
    {"{\"loss\": {\"type\": \"cross_entropy\", \"class_weights\": [1, 1e39]}}", "loss.class_weights[1]"},
    {"{\"loss\": {\"type\": \"bce\", \"class_weights\": [1, 1]}}", "loss.class_weights"},
    {"{\"loss\": {\"type\": \"bce\", \"positive_weights\": [1]}}", "loss.positive_weights"},
    {"{\"loss\": {\"type\": \"bce\", \"positive_weights\": [-1e-30, 1]}}", "loss.positive_weights[0]"},
    {"{\"loss\": {\"type\": \"bce\", \"label_smoothing\": 0.1}}", "loss.label_smoothing"},
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
    {"{\"loss\": \"mse\", \"optimizer\": {\"type\": \"sgd\", \"nesterov\": true}}", "nesterov"},
    {"{\"loss\": \"mse\", \"optimizer\": {\"type\": \"sgd\", \"nesterov\": true, \"momentum\": 0}}", "nesterov"},
    {"{\"loss\": \"mse\", \"optimizer\": {\"type\": \"sgd\", \"nesterov\": 1, \"momentum\": 0.9}}", "optimizer.nesterov"},
    {"{\"loss\": \"mse\", \"optimizer\": {\"type\": \"sgd\", \"weight_decay\": -0.1}}", "optimizer.weight_decay"},
    {"{\"loss\": \"mse\", \"optimizer\": {\"type\": \"sgd\", \"epsilon\": 1e-8}}", "optimizer.epsilon"},
    {"{\"loss\": \"mse\", \"optimizer\": {\"type\": \"sgd\", \"\": 1}}", "optimizer"},
    {"{\"loss\": \"mse\", \"optimizer\": {\"type\": \"adagrad\", \"lr_decay\": -1}}", "optimizer.lr_decay"},
    {"{\"loss\": \"mse\", \"optimizer\": {\"type\": \"adagrad\", \"epsilon\": 0}}", "optimizer.epsilon"},
    {"{\"loss\": \"mse\", \"optimizer\": {\"type\": \"adagrad\", \"momentum\": 0.9}}", "optimizer.momentum"},
    {"{\"loss\": \"mse\", \"optimizer\": {\"type\": \"rmsprop\", \"nesterov\": true}}", "optimizer.nesterov"},
    {"{\"loss\": \"mse\", \"optimizer\": {\"type\": \"rmsprop\", \"weight_decay\": \"0\"}}", "optimizer.weight_decay"},
    {"{\"loss\": \"mse\", \"optimizer\": {\"type\": \"adamw\", \"weight_decay\": -1}}", "optimizer.weight_decay"},
    {"{\"loss\": \"mse\", \"optimizer\": {\"type\": \"adamw\", \"momentum_decay\": 0.1}}", "optimizer.momentum_decay"},
    {"{\"loss\": \"mse\", \"optimizer\": {\"type\": \"nadam\", \"momentum_decay\": -1}}", "optimizer.momentum_decay"},
    {"{\"loss\": \"mse\", \"optimizer\": {\"type\": \"nadam\", \"beta1\": 1}}", "optimizer.beta1"},
    {"{\"loss\": \"mse\", \"groups\": {}}", "groups"},
    {"{\"loss\": \"mse\", \"groups\": [1]}", "groups[0]"},
    {"{\"loss\": \"mse\", \"groups\": [{}]}", "groups[0].parameters"},
    {"{\"loss\": \"mse\", \"groups\": [{\"parameters\": 1}]}", "groups[0].parameters"},
    {"{\"loss\": \"mse\", \"groups\": [{\"parameters\": []}]}", "groups[0].parameters"},
    {"{\"loss\": \"mse\", \"groups\": [{\"parameters\": [\"*\", 1]}]}", "groups[0].parameters[1]"},
    {"{\"loss\": \"mse\", \"groups\": [{\"parameters\": [[\"*\"]]}]}", "groups[0].parameters[0]"},
    {"{\"loss\": \"mse\", \"groups\": [{\"parameters\": \"\"}]}", "groups[0].parameters"},
    {"{\"loss\": \"mse\", \"groups\": [{\"parameters\": \"9.*\"}]}", "groups[0].parameters"},
    {"{\"loss\": \"mse\", \"groups\": [{\"parameters\": \"*\"}, {\"parameters\": [\"*\", \"0.weight\"]}]}", "groups[1].parameters[1]"},
    {"{\"loss\": \"mse\", \"groups\": [{\"parameters\": \"*\", \"frozen\": 1}]}", "groups[0].frozen"},
    {"{\"loss\": \"mse\", \"groups\": [{\"parameters\": \"*\", \"learning_rate_factor\": -1}]}", "groups[0].learning_rate_factor"},
    {"{\"loss\": \"mse\", \"groups\": [{\"parameters\": \"*\", \"weight_decay\": -1}]}", "groups[0].weight_decay"},
    {"{\"loss\": \"mse\", \"groups\": [{\"parameters\": \"*\", \"learning_rate\": 1}]}", "groups[0].learning_rate"},
    {"{\"loss\": \"mse\", \"schedule\": \"cosine\"}", "schedule"},
    {"{\"loss\": \"mse\", \"schedule\": []}", "schedule"},
    {"{\"loss\": \"mse\", \"schedule\": {}}", "schedule.type"},
    {"{\"loss\": \"mse\", \"schedule\": {\"type\": \"linear\"}}", "schedule.type"},
    {"{\"loss\": \"mse\", \"schedule\": {\"type\": \"constant\", \"gamma\": 1}}", "schedule.gamma"},
    {"{\"loss\": \"mse\", \"schedule\": {\"type\": \"constant\", \"warmup\": -1}}", "schedule.warmup"},
    {"{\"loss\": \"mse\", \"schedule\": {\"type\": \"constant\", \"warmup\": 1.5}}", "schedule.warmup"},
    {"{\"loss\": \"mse\", \"schedule\": {\"type\": \"step\"}}", "schedule.step_size"},
    {"{\"loss\": \"mse\", \"schedule\": {\"type\": \"step\", \"step_size\": 0}}", "schedule.step_size"},
    {"{\"loss\": \"mse\", \"schedule\": {\"type\": \"step\", \"step_size\": 1, \"gamma\": -1}}", "schedule.gamma"},
    {"{\"loss\": \"mse\", \"schedule\": {\"type\": \"step\", \"step_size\": 1, \"t_max\": 1}}", "schedule.t_max"},
    {"{\"loss\": \"mse\", \"schedule\": {\"type\": \"exponential\"}}", "schedule.gamma"},
    {"{\"loss\": \"mse\", \"schedule\": {\"type\": \"cosine\"}}", "schedule.t_max"},
    {"{\"loss\": \"mse\", \"schedule\": {\"type\": \"cosine\", \"t_max\": 10, \"eta_min\": -1}}", "schedule.eta_min"},
    {"{\"loss\": \"mse\", \"schedule\": {\"type\": \"one_cycle\"}}", "schedule.total_steps"},
    {"{\"loss\": \"mse\", \"schedule\": {\"type\": \"one_cycle\", \"total_steps\": 9, \"pct_start\": 1.1}}", "schedule.pct_start"},
    {"{\"loss\": \"mse\", \"schedule\": {\"type\": \"one_cycle\", \"total_steps\": 9, \"div_factor\": 0}}", "schedule.div_factor"},
    {"{\"loss\": \"mse\", \"schedule\": {\"type\": \"one_cycle\", \"total_steps\": 9, \"final_div_factor\": -1}}", "schedule.final_div_factor"},
    {"{\"loss\": \"mse\", \"schedule\": {\"type\": \"plateau\", \"factor\": 1}}", "schedule.factor"},
    {"{\"loss\": \"mse\", \"schedule\": {\"type\": \"plateau\", \"patience\": -1}}", "schedule.patience"},
    {"{\"loss\": \"mse\", \"schedule\": {\"type\": \"plateau\", \"threshold\": -1}}", "schedule.threshold"},
    {"{\"loss\": \"mse\", \"schedule\": {\"type\": \"plateau\", \"cooldown\": -1}}", "schedule.cooldown"},
    {"{\"loss\": \"mse\", \"schedule\": {\"type\": \"plateau\", \"min_lr\": -1}}", "schedule.min_lr"},
    {"{\"loss\": \"mse\", \"average\": true}", "average"},
    {"{\"loss\": \"mse\", \"average\": {\"decay\": 1.5}}", "average.decay"},
    {"{\"loss\": \"mse\", \"average\": {\"rate\": 1}}", "average.rate"},
    {"{\"loss\": \"mse\", \"keep_best\": 1}", "keep_best"},
    {"{\"loss\": \"mse\", \"patience\": 0}", "patience"},
    {"{\"loss\": \"mse\", \"patience\": 2.5}", "patience"},
    {"{\"loss\": \"mse\", \"patience\": 3, \"min_delta\": -1}", "min_delta"},
    {"{\"loss\": \"mse\", \"min_delta\": 0.1}", "min_delta"},
    {"{\"loss\": \"mse\", \"threads\": 0}", "threads"},
    {"{\"loss\": \"mse\", \"threads\": 65}", "threads"},
    {"{\"loss\": \"mse\", \"threads\": -1}", "threads"},
    {"{\"loss\": \"mse\", \"threads\": 1.5}", "threads"},
    {"{\"loss\": \"mse\", \"threads\": \"2\"}", "threads"},
    {"{\"loss\": \"mse\", \"threads\": 4294967298}", "threads"},
    {"{\"loss\": \"mse\", \"accumulate\": 0}", "accumulate"},
    {"{\"loss\": \"mse\", \"accumulate\": 2.5}", "accumulate"},
    {"{\"loss\": \"mse\", \"accumulate\": 1e300}", "accumulate"},
    {"{\"loss\": \"mse\", \"stateful\": 1}", "stateful"},
    {"{\"loss\": \"mse\", \"stateful\": null}", "stateful"},
    {"{\"loss\": \"mse\", \"burn_in\": -1}", "burn_in"},
    {"{\"loss\": \"mse\", \"burn_in\": true}", "burn_in"},
    {"{\"loss\": \"mse\", \"burn_in\": 4294967296}", "burn_in"},
    {"{\"loss\": \"mse\", \"checkpoint_every\": -1}", "checkpoint_every"},
    {"{\"loss\": \"mse\", \"checkpoint_every\": \"all\"}", "checkpoint_every"},
    {"{\"loss\": \"mse\", \"truncation\": true}", "truncation"},
    {"{\"loss\": \"mse\", \"truncation\": 5}", "truncation"},
    {"{\"loss\": \"mse\", \"truncation\": [5, 5]}", "truncation"},
    {"{\"loss\": \"mse\", \"truncation\": null}", "truncation"},
    {"{\"loss\": \"mse\", \"truncation\": {}}", "truncation.update_every"},
    {"{\"loss\": \"mse\", \"truncation\": {\"backpropagate\": 5}}", "truncation.update_every"},
    {"{\"loss\": \"mse\", \"truncation\": {\"update_every\": 0}}", "truncation.update_every"},
    {"{\"loss\": \"mse\", \"truncation\": {\"update_every\": 2.5}}", "truncation.update_every"},
    {"{\"loss\": \"mse\", \"truncation\": {\"update_every\": 5, \"backpropagate\": 4}}", "truncation.backpropagate"},
    {"{\"loss\": \"mse\", \"truncation\": {\"update_every\": 5, \"backpropagate\": null}}", "truncation.backpropagate"},
    {"{\"loss\": \"mse\", \"truncation\": {\"update_every\": 5, \"backpropagate\": 4294967296}}", "truncation.backpropagate"},
    {"{\"loss\": \"mse\", \"truncation\": {\"update_every\": 5, \"every\": 5}}", "truncation.every"},
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
  REFUSED_HANDLE(out_trainer, rill_trainer_create(sigmoid_head.model, 1, "{\"loss\": \"esr\"}", &out_trainer), UNSUPPORTED, "loss&esr");
  // Options that do not go together with a model or with a loss.
  REFUSED_HANDLE(out_trainer,
                 rill_trainer_create(sigmoid_head.model, 1, "{\"loss\": \"bce\", \"truncation\": {\"update_every\": 2}}", &out_trainer),
                 UNSUPPORTED, "truncation&one output per sequence");
  REFUSED_HANDLE(out_trainer, rill_trainer_create(tanh_head.model, 1, "{\"loss\": \"esr\", \"checkpoint_every\": 2}", &out_trainer),
                 UNSUPPORTED, "checkpoint_every&esr");
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

/* Weights of 0 leave nothing to count; nor does a mean have a divisor if all classes that occur weigh 0. */
static void a_batch_without_weight_is_refused(void) {
  float weights[T * B] = {0};
  rill_trainer *mean, *sum;
  CHECK_OK(rill_batch_set_weights(world.batch, weights, T * B));
  CHECK_REFUSED(rill_trainer_update(world.trainer, world.batch, &out.number), ARGUMENT, "batch");
  CHECK_REFUSED(rill_trainer_evaluate(world.trainer, world.batch), ARGUMENT, "batch");
  CHECK_OK(rill_batch_set_weights(world.batch, NULL, 0));
  CHECK(probe(&world) == answer);
  const char *loss = "\"loss\": {\"type\": \"cross_entropy\", \"class_weights\": [0, 0, 0, 0, 0]}, \"optimizer\": {\"type\": \"sgd\"}";
  char options[256];
  snprintf(options, sizeof options, "{%s}", loss);
  REQUIRE(rill_trainer_create(world.model, 1, options, &mean) == RILL_OK);
  snprintf(options, sizeof options, "{%s, \"reduction\": \"sum\"}", loss);
  REQUIRE(rill_trainer_create(world.model, 1, options, &sum) == RILL_OK);
  CHECK_REFUSED(rill_trainer_update(mean, world.batch, &out.number), ARGUMENT, "batch");
  CHECK_OK(rill_trainer_update(sum, world.batch, &out.number));
  CHECK(out.number == 0);
  CHECK_OK(rill_trainer_evaluate(mean, world.batch));
  CHECK_OK(rill_trainer_get_metric(mean, "accuracy", &out.number));
  CHECK_REFUSED(rill_trainer_get_metric(mean, "loss", &out.number), STATE, "loss");
  rill_trainer_destroy(mean);
  rill_trainer_destroy(sum);
}

/* Metrics that the loss does not have, and weights that it does not take. */
static void metrics_fit_the_loss(void) {
  const char *const names[] = {"accuracy", "macro_f1", "perplexity", "mse", "mae", "r2"};
  static const struct {
    const char *kind, *options, *metrics;
  } cases[] = {
      {"lstm", "{\"loss\": \"mse\"}", "mse mae r2"},
      {"lstm", "{\"loss\": \"mae\"}", "mse mae r2"},
      {"lstm", "{\"loss\": \"huber\"}", "mse mae r2"},
      {"lstm", "{\"loss\": {\"type\": \"esr\"}}", "mse mae r2"},
      {"one_hot", "{\"loss\": \"cross_entropy\"}", "accuracy macro_f1 perplexity"},
      {"deep_per_sequence", "{\"loss\": \"bce\"}", "accuracy macro_f1"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct world other = make_world(kind_named(cases[i].kind));
    rill_trainer *trainer;
    double value;
    REQUIRE(rill_trainer_create(other.model, 1, cases[i].options, &trainer) == RILL_OK);
    // macro_f1 of bce needs an output that is, or should be, above 0.5.
    if (other.kind->is_per_sequence) CHECK_OK(rill_batch_set_targets(other.batch, (float[B]){1, 1, 1}, B));
    for (size_t k = 0; k < 2; k++) {
      for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        if (!strstr(cases[i].metrics, names[n])) {
          REFUSED(rill_trainer_get_metric(trainer, names[n], &out.number), UNSUPPORTED, names[n]);
        } else if (k == 0) {
          REFUSED(rill_trainer_get_metric(trainer, names[n], &out.number), STATE, "evaluate");
        } else {
          CHECK_OK(rill_trainer_get_metric(trainer, names[n], &value));
        }
      }
      CHECK_OK(rill_trainer_evaluate(trainer, other.batch));
    }
    if (strstr(cases[i].options, "esr")) {
      float weights[T * B] = {1};
      CHECK_OK(rill_batch_set_weights(other.batch, weights, T * B));
      REFUSED(rill_trainer_update(trainer, other.batch, &out.number), UNSUPPORTED, "esr&weights");
      REFUSED(rill_trainer_evaluate(trainer, other.batch), UNSUPPORTED, "esr&weights");
    }
    rill_trainer_destroy(trainer);
    destroy_world(&other);
  }
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

static void validation_and_copies_refuse(void) {
  struct world other = make_world(kind_named("lstm")), narrow = make_world(kind_named("gru"));
  const char *options = "{\"loss\": \"mse\", \"keep_best\": true, \"average\": {}, \"patience\": 1}";
  rill_trainer *trainer;
  REQUIRE(rill_trainer_create(other.model, 11, options, &trainer) == RILL_OK);

  // Nothing is remembered yet, or never will be.
  const char *sources[] = {"best", "average"};
  for (size_t i = 0; i < 2; i++) {
    REFUSED(rill_trainer_copy_parameters(trainer, sources[i], world.model), STATE, "source");
    REFUSED(rill_trainer_copy_parameters(other.trainer, sources[i], world.model), STATE, "source");
  }
  REFUSED(rill_trainer_get_metric(trainer, "best_validation_loss", &out.number), STATE, "validation");
  REFUSED(rill_trainer_get_metric(trainer, "validations_since_best", &out.number), STATE, "validation");

  CHECK_OK(rill_trainer_update(trainer, other.batch, NULL));
  REFUSED(rill_trainer_set_validation_loss(NULL, 1), ARGUMENT, "trainer");
  const double losses[] = {NAN, -NAN, INFINITY, -INFINITY};
  for (size_t i = 0; i < 4; i++) REFUSED(rill_trainer_set_validation_loss(trainer, losses[i]), ARGUMENT, "loss");
  REFUSED(rill_trainer_get_metric(trainer, "best_validation_loss", &out.number), STATE, "validation");
  CHECK_OK(rill_trainer_set_validation_loss(trainer, -0.5));
  CHECK_OK(rill_trainer_set_validation_loss(trainer, -0.25));
  const struct {
    const char *name;
    double value;
  } metrics[] = {{"best_validation_loss", -0.5}, {"validations_since_best", 1}, {"should_stop", 1}, {"learning_rate", 0.001}};
  for (size_t i = 0; i < 4; i++) {
    double value = NAN;
    CHECK_OK(rill_trainer_get_metric(trainer, metrics[i].name, &value));
    CHECK(value == metrics[i].value, "%s is %g", metrics[i].name, value);
  }

  for (size_t i = 0; i < 2; i++) {
    REFUSED(rill_trainer_copy_parameters(NULL, sources[i], world.model), ARGUMENT, "trainer");
    REFUSED(rill_trainer_copy_parameters(trainer, sources[i], NULL), ARGUMENT, "model");
    REFUSED(rill_trainer_copy_parameters(trainer, sources[i], narrow.model), ARGUMENT, "model");
  }
  REFUSED(rill_trainer_copy_parameters(trainer, NULL, world.model), ARGUMENT, "source");
  const char *wrong[] = {"", "Best", "bes", "best ", "first"};
  for (size_t i = 0; i < 5; i++) REFUSED(rill_trainer_copy_parameters(trainer, wrong[i], world.model), ARGUMENT, "source");

  // After one update the average is what the parameters are, and so are the best.
  for (size_t i = 0; i < 2; i++) {
    struct world copy = make_world(kind_named("lstm"));
    CHECK(hash_parameters(copy.model) != hash_parameters(other.model));
    CHECK_OK(rill_trainer_copy_parameters(trainer, sources[i], copy.model));
    CHECK(hash_parameters(copy.model) == hash_parameters(other.model));
    CHECK_OK(rill_trainer_copy_parameters(trainer, sources[i], other.model));
    destroy_world(&copy);
  }
  rill_trainer_destroy(trainer);
  destroy_world(&other);
  destroy_world(&narrow);
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
  TEST(validation_and_copies_refuse);
  TEST(training_goes_on);
  forget_world();
  use_world("gru"); // sgd without clipping
  TEST(diverged_updates_change_nothing);
  forget_world();
  use_world("one_hot");
  TEST(incomplete_batches_are_a_wrong_state);
  TEST(a_batch_without_a_step_that_counts_is_refused);
  TEST(a_batch_without_weight_is_refused);
  TEST(metrics_fit_the_loss);
  forget_world();
  use_world("deep_per_sequence");
  TEST(bce_targets_lie_between_0_and_1);
  forget_world();
  return finish();
}
