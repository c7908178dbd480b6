/* Every argument of every rill_batch function made invalid in turn. */
#include "refused.h"

static void batch_create_refuses(void) {
  const size_t batch_sizes[] = {0, 65537, SIZE_MAX, SIZE_MAX / 2, ((size_t)1 << 32) + 1};
  REFUSED_HANDLE(out_batch, rill_batch_create(NULL, T, B, NULL, &out_batch), ARGUMENT, "model");
  REFUSED_HANDLE(out_batch, rill_batch_create(world.model, 0, B, NULL, &out_batch), ARGUMENT, "sequence_length");
  // No limit is stated for sequences: what no machine can hold may be refused as an argument or for want of memory.
  const size_t lengths[] = {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 2 + 1, SIZE_MAX / 4 + 1, SIZE_MAX / 9 + 1, (size_t)1 << 48};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
    REFUSED_HANDLE(out_batch, rill_batch_create(world.model, lengths[i], B, NULL, &out_batch), ARGUMENT | MEMORY, "");
  for (size_t i = 0; i < sizeof batch_sizes / sizeof *batch_sizes; i++)
    REFUSED_HANDLE(out_batch, rill_batch_create(world.model, T, batch_sizes[i], NULL, &out_batch), ARGUMENT, "batch_size");
  for (size_t i = 0; i < WRONG_OPTIONS_COUNT; i++)
    REFUSED_HANDLE(out_batch, rill_batch_create(world.model, T, B, WRONG_OPTIONS[i], &out_batch), FORMAT, "options|bogus");
  REFUSED(rill_batch_create(world.model, T, B, NULL, NULL), ARGUMENT, "batch");
}

static void batch_of_vectors_refuses(void) {
  struct data data = data_of(world.kind);
  rill_batch *batch = world.batch;
  size_t inputs = T * B * 3, targets = T * B * 2;
  for (size_t i = 0; i < MAXIMUM_VALUES; i++) data.inputs[i] += 1, data.targets[i] += 1; // so that a partial write would be seen
  REFUSED(rill_batch_set_inputs(NULL, data.inputs, inputs), ARGUMENT, "batch");
  REFUSED(rill_batch_set_inputs(batch, NULL, inputs), ARGUMENT, "inputs");
  WRONG_COUNTS_REFUSED("input_count", inputs, rill_batch_set_inputs(batch, data.inputs, count));
  NOT_FINITE_REFUSED(data.inputs, inputs, "inputs", rill_batch_set_inputs(batch, data.inputs, inputs));
  REFUSED(rill_batch_set_tokens(batch, data.tokens, T * B), STATE, "vector|token");
  REFUSED(rill_batch_set_lengths(NULL, data.lengths, B), ARGUMENT, "batch");
  REFUSED(rill_batch_set_lengths(batch, NULL, B), ARGUMENT, "length");
  WRONG_COUNTS_REFUSED("length_count", B, rill_batch_set_lengths(batch, data.lengths, count));
  data.lengths[1] = 2;
  OUT_OF_RANGE_REFUSED(data.lengths, B, 1, T, "lengths", rill_batch_set_lengths(batch, data.lengths, B));
  REFUSED(rill_batch_set_targets(NULL, data.targets, targets), ARGUMENT, "batch");
  REFUSED(rill_batch_set_targets(batch, NULL, targets), ARGUMENT, "targets");
  WRONG_COUNTS_REFUSED("target_count", targets, rill_batch_set_targets(batch, data.targets, count));
  NOT_FINITE_REFUSED(data.targets, targets, "targets", rill_batch_set_targets(batch, data.targets, targets));
}

/* Weights: one for every step, or for every sequence. */
static void weights_refuse(void) {
  size_t weight_count = world.kind->is_per_sequence ? B : T * B;
  float weights[T * B];
  for (size_t i = 0; i < T * B; i++) weights[i] = (float)i / 8 + 2;
  REFUSED(rill_batch_set_weights(NULL, weights, weight_count), ARGUMENT, "batch");
  REFUSED(rill_batch_set_weights(world.batch, NULL, weight_count), ARGUMENT, "weight");
  WRONG_COUNTS_REFUSED("weight_count", weight_count, rill_batch_set_weights(world.batch, weights, count));
  NOT_FINITE_REFUSED(weights, weight_count, "weights", rill_batch_set_weights(world.batch, weights, weight_count));
  for (size_t i = 0; i < 2; i++) {
    float *place = weights + (i ? weight_count - 1 : 0), good = *place;
    *place = i ? -1e-30f : -1;
    REFUSED(rill_batch_set_weights(world.batch, weights, weight_count), ARGUMENT, i ? "weights[" : "weights[0]");
    *place = good;
  }
  // Good ones change the loss, and without them all is as before.
  CHECK_OK(rill_batch_set_weights(world.batch, weights, weight_count));
  CHECK(probe(&world) != answer);
  CHECK_OK(rill_batch_set_weights(world.batch, NULL, 0));
  CHECK(probe(&world) == answer);
}

static void batch_of_tokens_refuses(void) {
  struct data data = data_of(world.kind);
  rill_batch *batch = world.batch;
  for (size_t i = 0; i < T * B; i++) data.tokens[i] = data.classes[i] = 2;
  REFUSED(rill_batch_set_tokens(NULL, data.tokens, T * B), ARGUMENT, "batch");
  REFUSED(rill_batch_set_tokens(batch, NULL, T * B), ARGUMENT, "tokens");
  WRONG_COUNTS_REFUSED("token_count", T * B, rill_batch_set_tokens(batch, data.tokens, count));
  OUT_OF_RANGE_REFUSED(data.tokens, T * B, -1, 4, "tokens", rill_batch_set_tokens(batch, data.tokens, T * B));
  REFUSED(rill_batch_set_inputs(batch, data.inputs, T * B * 5), STATE, "token");
  REFUSED(rill_batch_set_classes(NULL, data.classes, T * B), ARGUMENT, "batch");
  REFUSED(rill_batch_set_classes(batch, NULL, T * B), ARGUMENT, "classes");
  WRONG_COUNTS_REFUSED("class_count", T * B, rill_batch_set_classes(batch, data.classes, count));
  OUT_OF_RANGE_REFUSED(data.classes, T * B, -1, 4, "classes", rill_batch_set_classes(batch, data.classes, T * B));
}

int main(void) {
  use_world("lstm");
  TEST(batch_create_refuses);
  TEST(batch_of_vectors_refuses);
  TEST(weights_refuse);
  forget_world();
  use_world("one_hot");
  TEST(batch_of_tokens_refuses);
  TEST(weights_refuse);
  forget_world();
  use_world("deep_per_sequence");
  TEST(weights_refuse);
  forget_world();
  return finish();
}
