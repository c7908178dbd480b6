/* Every argument of every rill_model function made invalid in turn. */
#include "refused.h"

static void version_and_names_answer_without_objects(void) {
  CHECK(rill_version_number() == RILL_VERSION_NUMBER);
  CHECK(RILL_VERSION_NUMBER == RILL_VERSION_MAJOR * 1000000 + RILL_VERSION_MINOR * 1000 + RILL_VERSION_PATCH);
  char text[64];
  snprintf(text, sizeof text, "%d.%d.%d", RILL_VERSION_MAJOR, RILL_VERSION_MINOR, RILL_VERSION_PATCH);
  CHECK(strcmp(text, RILL_VERSION_STRING) == 0 && strcmp(rill_version_string(), RILL_VERSION_STRING) == 0);
  CHECK(rill_format_version() == RILL_FORMAT_VERSION && rill_format_version_oldest() == RILL_FORMAT_VERSION_OLDEST);
  CHECK(RILL_FORMAT_VERSION_OLDEST >= 1 && RILL_FORMAT_VERSION_OLDEST <= RILL_FORMAT_VERSION);
  const char *names[] = {"ok", "argument", "state", "format", "io", "memory", "unsupported", "diverged", "internal"};
  for (int i = 0; i < 9; i++) CHECK(strcmp(rill_status_name(-i), names[i]) == 0, "%d", -i);
  const rill_status unknown[] = {1, -9, 100, -100, INT32_MAX, INT32_MIN};
  for (int i = 0; i < 6; i++) CHECK(strcmp(rill_status_name(unknown[i]), "unknown") == 0, "%d", unknown[i]);
  CHECK(strcmp(rill_last_error_message(), "") == 0, "before any failure");
}

static void destroys_accept_null(void) {
  rill_model_destroy(NULL);
  rill_stream_destroy(NULL);
  rill_batch_destroy(NULL);
  rill_trainer_destroy(NULL);
}

static void create_refuses(void) {
  const char *good = world.kind->configuration;
  REFUSED_HANDLE(out_model, rill_model_create(NULL, 1, NULL, &out_model), ARGUMENT, "configuration");
  REFUSED(rill_model_create(good, 1, NULL, NULL), ARGUMENT, "model");
  for (size_t i = 0; i < WRONG_OPTIONS_COUNT; i++)
    REFUSED_HANDLE(out_model, rill_model_create(good, 1, WRONG_OPTIONS[i], &out_model), FORMAT, "options|bogus");
  for (size_t i = 0; i < WRONG_OPTIONS_COUNT; i++)
    REFUSED_HANDLE(out_model, rill_model_create(WRONG_OPTIONS[i], 1, NULL, &out_model), FORMAT, "");
}

static void load_and_parse_refuse(void) {
  REFUSED_HANDLE(out_model, rill_model_load(NULL, NULL, &out_model), ARGUMENT, "path");
  REFUSED(rill_model_load("model.json", NULL, NULL), ARGUMENT, "model");
  REFUSED_HANDLE(out_model, rill_model_load("", NULL, &out_model), IO | ARGUMENT, "");
  REFUSED_HANDLE(out_model, rill_model_parse(NULL, 10, NULL, &out_model), ARGUMENT, "text");
  REFUSED_HANDLE(out_model, rill_model_parse(NULL, 0, NULL, &out_model), ARGUMENT, "text");
  REFUSED_HANDLE(out_model, rill_model_parse("", 0, NULL, &out_model), FORMAT | ARGUMENT, "");
  // Longer than a model file may be: refused before a byte of it is read.
  REFUSED_HANDLE(out_model, rill_model_parse("{}", SIZE_MAX, NULL, &out_model), FORMAT | ARGUMENT, "text");
  REFUSED_HANDLE(out_model, rill_model_parse("{}", SIZE_MAX / 2, NULL, &out_model), FORMAT | ARGUMENT, "text");
  static char text[1 << 16];
  size_t length = 0;
  REQUIRE(rill_model_save_text(world.model, NULL, text, sizeof text, &length) == RILL_OK);
  REFUSED(rill_model_parse(text, length, NULL, NULL), ARGUMENT, "model");
  for (size_t i = 0; i < WRONG_OPTIONS_COUNT; i++)
    REFUSED_HANDLE(out_model, rill_model_parse(text, length, WRONG_OPTIONS[i], &out_model), FORMAT, "options|bogus");
  REFUSED_HANDLE(out_model, rill_model_load("model.json", "{\"bogus\": 1}", &out_model), FORMAT | IO, "");
  const char *const wrong[] = {"{\"initial_state\": 1}",  "{\"initial_state\": \"true\"}",
                               "{\"initial_state\": null}", "{\"initial_state\": []}",
                               "{\"Initial_state\": true}", "{\"initial_state\": true, \"initial_state\": true}"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    REFUSED_HANDLE(out_model, rill_model_parse(text, length, wrong[i], &out_model), FORMAT, "options&nitial_state");
    REFUSED_HANDLE(out_model, rill_model_load("model.json", wrong[i], &out_model), FORMAT, "options&nitial_state");
  }
  REFUSED_HANDLE(out_model, rill_model_create(world.kind->configuration, 1, "{\"initial_state\": true}", &out_model), FORMAT,
                 "initial_state");
}

static const char *const WRONG_SAVE_OPTIONS[] = {"{\"encoding\": \"Base64\"}", "{\"encoding\": 64}",
                                                 "{\"encoding\": null}",       "{\"self_test\": -1}",
                                                 "{\"self_test\": 1001}",      "{\"self_test\": 1.5}",
                                                 "{\"self_test\": \"4\"}",     "{\"self_test\": 1e300}",
                                                 "{\"self_test\": true}",      "{\"self_test\": 1, \"self_test\": 1}"};

static void save_refuses(void) {
  REFUSED(rill_model_save(NULL, "never.json", NULL), ARGUMENT, "model");
  REFUSED(rill_model_save(world.model, NULL, NULL), ARGUMENT, "path");
  REFUSED(rill_model_save(world.model, "", NULL), IO | ARGUMENT, "");
  REFUSED(rill_model_save_text(NULL, NULL, out.text, sizeof out.text, &out_length), ARGUMENT, "model");
  REFUSED(rill_model_save_text(world.model, NULL, out.text, sizeof out.text, NULL), ARGUMENT, "length");
  REFUSED(rill_model_save_text(world.model, NULL, NULL, 10, &out_length), ARGUMENT, "buffer|capacity");
  for (size_t i = 0; i < sizeof WRONG_SAVE_OPTIONS / sizeof *WRONG_SAVE_OPTIONS; i++) {
    REFUSED(rill_model_save(world.model, "never.json", WRONG_SAVE_OPTIONS[i]), FORMAT, "encoding|self_test");
    REFUSED(rill_model_save_text(world.model, WRONG_SAVE_OPTIONS[i], out.text, sizeof out.text, &out_length), FORMAT, "encoding|self_test");
  }
  for (size_t i = 0; i < WRONG_OPTIONS_COUNT; i++)
    REFUSED(rill_model_save(world.model, "never.json", WRONG_OPTIONS[i]), FORMAT, "options|bogus");
  FILE *file = fopen("never.json", "r");
  CHECK(file == NULL);
}

/* The three texts and one name that go out by the two-call pattern: the length is right at once, one byte too little is too little. */
static rill_status text_out(int which, char *buffer, size_t capacity, size_t *length) {
  switch (which) {
  case 0:
    return rill_model_save_text(world.model, NULL, buffer, capacity, length);
  case 1:
    return rill_model_describe(world.model, buffer, capacity, length);
  default:
    return rill_model_get_parameter_name(world.model, 0, buffer, capacity, length);
  }
}

static void texts_follow_the_two_call_pattern(void) {
  for (int which = 0; which < 3; which++) {
    size_t length = 0, again = 0;
    if (!CHECK_OK(text_out(which, NULL, 0, &length))) continue;
    CHECK(length > 0);
    char *buffer = malloc(length + 2);
    memset(buffer, PATTERN, length + 2);
    CHECK_OK(text_out(which, buffer, length + 1, &again));
    CHECK(again == length && strlen(buffer) == length && (unsigned char)buffer[length + 1] == PATTERN && is_utf8(buffer));
    free(buffer);
    const size_t small[] = {0, 1, length - 1, length}; // length: no room for the NUL
    for (size_t i = 0; i < 4; i++) {
      if (small[i] > sizeof out.text) continue;
      REFUSED(text_out(which, out.text, small[i], &out_length), ARGUMENT, "capacity|buffer");
      CHECK(out_length == length, "capacity %zu gives length %zu instead of %zu", small[i], out_length, length);
    }
  }
}

static void describe_and_sizes_refuse(void) {
  REFUSED(rill_model_describe(NULL, out.text, sizeof out.text, &out_length), ARGUMENT, "model");
  REFUSED(rill_model_describe(world.model, out.text, sizeof out.text, NULL), ARGUMENT, "length");
  REFUSED(rill_model_describe(world.model, NULL, SIZE_MAX, &out_length), ARGUMENT, "buffer|capacity");
  REFUSED(rill_model_get_input_kind(NULL, &out.kind), ARGUMENT, "model");
  REFUSED(rill_model_get_input_kind(world.model, NULL), ARGUMENT, "input_kind");
  REFUSED(rill_model_get_input_size(NULL, &out.size), ARGUMENT, "model");
  REFUSED(rill_model_get_input_size(world.model, NULL), ARGUMENT, "input_size");
  REFUSED(rill_model_get_output_size(NULL, &out.size), ARGUMENT, "model");
  REFUSED(rill_model_get_output_size(world.model, NULL), ARGUMENT, "output_size");
  REFUSED(rill_model_get_parameter_count(NULL, &out.size), ARGUMENT, "model");
  REFUSED(rill_model_get_parameter_count(world.model, NULL), ARGUMENT, "parameter_count");
  REFUSED(rill_model_publish(NULL), ARGUMENT, "model");
}

static void parameters_refuse(void) {
  const char *good = world.kind->parameter;
  size_t size = world.kind->parameter_size, parameter_count = 0;
  REQUIRE(rill_model_get_parameter_count(world.model, &parameter_count) == RILL_OK);
  const size_t indices[] = {parameter_count, parameter_count + 1, SIZE_MAX, SIZE_MAX / 2, (size_t)1 << 32};
  for (size_t i = 0; i < 5; i++)
    REFUSED(rill_model_get_parameter_name(world.model, indices[i], out.text, sizeof out.text, &out_length), ARGUMENT, "index");
  REFUSED(rill_model_get_parameter_name(NULL, 0, out.text, sizeof out.text, &out_length), ARGUMENT, "model");
  REFUSED(rill_model_get_parameter_name(world.model, 0, NULL, 5, &out_length), ARGUMENT, "buffer|capacity");
  REFUSED(rill_model_get_parameter_name(world.model, 0, out.text, sizeof out.text, NULL), ARGUMENT, "length");

  REFUSED(rill_model_get_parameter_shape(NULL, good, out.shape, 2, &out.rank), ARGUMENT, "model");
  REFUSED(rill_model_get_parameter_shape(world.model, NULL, out.shape, 2, &out.rank), ARGUMENT, "name");
  REFUSED(rill_model_get_parameter_shape(world.model, good, NULL, 2, &out.rank), ARGUMENT, "shape");
  REFUSED(rill_model_get_parameter_shape(world.model, good, out.shape, 0, &out.rank), ARGUMENT, "shape_capacity");
  REFUSED(rill_model_get_parameter_shape(world.model, good, out.shape, 1, &out.rank), ARGUMENT, "shape_capacity");
  REFUSED(rill_model_get_parameter_shape(world.model, good, out.shape, 2, NULL), ARGUMENT, "rank");
  WRONG_NAMES_REFUSED(rill_model_get_parameter_shape(world.model, name, out.shape, 2, &out.rank));

  float values[MAXIMUM_VALUES];
  REQUIRE(rill_model_get_parameter(world.model, good, values, size) == RILL_OK);
  REFUSED(rill_model_get_parameter(NULL, good, out.values, size), ARGUMENT, "model");
  REFUSED(rill_model_get_parameter(world.model, NULL, out.values, size), ARGUMENT, "name");
  REFUSED(rill_model_get_parameter(world.model, good, NULL, size), ARGUMENT, "values");
  WRONG_COUNTS_REFUSED("value_count", size, rill_model_get_parameter(world.model, good, out.values, count));
  WRONG_NAMES_REFUSED(rill_model_get_parameter(world.model, name, out.values, size));

  REFUSED(rill_model_set_parameter(NULL, good, values, size), ARGUMENT, "model");
  REFUSED(rill_model_set_parameter(world.model, NULL, values, size), ARGUMENT, "name");
  REFUSED(rill_model_set_parameter(world.model, good, NULL, size), ARGUMENT, "values");
  for (size_t i = 0; i < size; i++) values[i] += 1; // so that a partial write would be seen
  WRONG_COUNTS_REFUSED("value_count", size, rill_model_set_parameter(world.model, good, values, count));
  WRONG_NAMES_REFUSED(rill_model_set_parameter(world.model, name, values, size));
  NOT_FINITE_REFUSED(values, size, "values", rill_model_set_parameter(world.model, good, values, size));
}

/* Wrong lengths, with the right counts, and with counts that the product of the sizes wraps around to. */
static void run_refuses_sizes(void) {
  struct data data = data_of(world.kind);
  size_t inputs = input_count_of(world.kind), outputs = output_count_of(world.kind);
  const size_t wrong[] = {0, T - 1, T + 1, SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 2 + 1, SIZE_MAX / 4 + 1, ((size_t)1 << 32) + T};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    REFUSED(rill_model_run(world.model, wrong[i], B, data.inputs, inputs, NULL, 0, out.values, outputs), ARGUMENT,
            "sequence_length|input_count");
  for (size_t i = 3; i < 7; i++)
    for (size_t lanes = 1; lanes <= 4; lanes++) {
      size_t steps = wrong[i] * lanes;
      REFUSED(rill_model_run(world.model, wrong[i], lanes, data.inputs, steps * 3, NULL, 0, out.values, steps * 2), ARGUMENT | MEMORY, "");
    }
}

static void run_refuses(void) {
  struct data data = data_of(world.kind);
  rill_model *model = world.model;
  size_t inputs = input_count_of(world.kind), outputs = output_count_of(world.kind);
  const size_t batch_sizes[] = {0, B - 1, B + 1, 65537, SIZE_MAX, SIZE_MAX / 2, ((size_t)1 << 32) + B};
  REFUSED(rill_model_run(NULL, T, B, data.inputs, inputs, data.lengths, B, out.values, outputs), ARGUMENT, "model");
  for (size_t i = 0; i < sizeof batch_sizes / sizeof *batch_sizes; i++)
    REFUSED(rill_model_run(model, T, batch_sizes[i], data.inputs, inputs, NULL, 0, out.values, outputs), ARGUMENT,
            "batch_size|input_count");
  REFUSED(rill_model_run(model, T, B, NULL, inputs, NULL, 0, out.values, outputs), ARGUMENT, "inputs");
  REFUSED(rill_model_run(model, T, B, data.inputs, inputs, NULL, 0, NULL, outputs), ARGUMENT, "outputs");
  REFUSED(rill_model_run(model, T, B, data.inputs, inputs, NULL, B, out.values, outputs), ARGUMENT, "length");
  WRONG_COUNTS_REFUSED("input_count", inputs, rill_model_run(model, T, B, data.inputs, count, NULL, 0, out.values, outputs));
  WRONG_COUNTS_REFUSED("length_count", B, rill_model_run(model, T, B, data.inputs, inputs, data.lengths, count, out.values, outputs));
  WRONG_COUNTS_REFUSED("output_count", outputs, rill_model_run(model, T, B, data.inputs, inputs, NULL, 0, out.values, count));
  NOT_FINITE_REFUSED(data.inputs, inputs, "inputs", rill_model_run(model, T, B, data.inputs, inputs, NULL, 0, out.values, outputs));
  OUT_OF_RANGE_REFUSED(data.lengths, B, 1, T, "lengths",
                       rill_model_run(model, T, B, data.inputs, inputs, data.lengths, B, out.values, outputs));
  REFUSED(rill_model_run_tokens(model, T, B, data.tokens, T * B, NULL, 0, out.values, outputs), STATE, "vector|token");
}

static void run_tokens_refuses(void) {
  struct data data = data_of(world.kind);
  rill_model *model = world.model;
  size_t outputs = output_count_of(world.kind);
  REFUSED(rill_model_run(model, T, B, data.inputs, T * B * 5, NULL, 0, out.values, outputs), STATE, "token");
  REFUSED(rill_model_run_tokens(NULL, T, B, data.tokens, T * B, NULL, 0, out.values, outputs), ARGUMENT, "model");
  REFUSED(rill_model_run_tokens(model, T, B, NULL, T * B, NULL, 0, out.values, outputs), ARGUMENT, "tokens");
  REFUSED(rill_model_run_tokens(model, T, B, data.tokens, T * B, NULL, 0, NULL, outputs), ARGUMENT, "outputs");
  REFUSED(rill_model_run_tokens(model, T, 0, data.tokens, T * B, NULL, 0, out.values, outputs), ARGUMENT, "batch_size");
  REFUSED(rill_model_run_tokens(model, 0, B, data.tokens, T * B, NULL, 0, out.values, outputs), ARGUMENT, "sequence_length|token_count");
  WRONG_COUNTS_REFUSED("token_count", T * B, rill_model_run_tokens(model, T, B, data.tokens, count, NULL, 0, out.values, outputs));
  WRONG_COUNTS_REFUSED("length_count", B, rill_model_run_tokens(model, T, B, data.tokens, T * B, data.lengths, count, out.values, outputs));
  WRONG_COUNTS_REFUSED("output_count", outputs, rill_model_run_tokens(model, T, B, data.tokens, T * B, NULL, 0, out.values, count));
  OUT_OF_RANGE_REFUSED(data.tokens, T * B, -1, 4, "tokens",
                       rill_model_run_tokens(model, T, B, data.tokens, T * B, NULL, 0, out.values, outputs));
  // Padding too must be a token: the last token of a short sequence.
  OUT_OF_RANGE_REFUSED(data.tokens, T * B, -1, 4, "tokens",
                       rill_model_run_tokens(model, T, B, data.tokens, T * B, data.lengths, B, out.values, outputs));
  OUT_OF_RANGE_REFUSED(data.lengths, B, 1, T, "lengths",
                       rill_model_run_tokens(model, T, B, data.tokens, T * B, data.lengths, B, out.values, outputs));
}

static const char *const WRONG_PRECISIONS[] = {"", "int4", "Int8", "int8 ", "float16", "bfloat", "\xff", "{\"precision\": \"int8\"}"};

static void evaluate_precision_refuses(void) {
  struct data data = data_of(world.kind);
  rill_model *model = world.model;
  size_t inputs = input_count_of(world.kind);
  double *largest = &out.numbers[0], *rms = &out.numbers[1], *output = &out.numbers[2];
  REFUSED(rill_model_evaluate_precision(NULL, "int8", T, B, data.inputs, inputs, largest, rms, output), ARGUMENT, "model");
  REFUSED(rill_model_evaluate_precision(model, NULL, T, B, data.inputs, inputs, largest, rms, output), ARGUMENT, "precision");
  for (size_t i = 0; i < sizeof WRONG_PRECISIONS / sizeof *WRONG_PRECISIONS; i++)
    REFUSED(rill_model_evaluate_precision(model, WRONG_PRECISIONS[i], T, B, data.inputs, inputs, largest, rms, output), ARGUMENT,
            "precision");
  const size_t lengths[] = {0, T - 1, T + 1, SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 2 + 1, SIZE_MAX / 4 + 1, ((size_t)1 << 32) + T};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
    REFUSED(rill_model_evaluate_precision(model, "int8", lengths[i], B, data.inputs, inputs, largest, rms, output), ARGUMENT,
            "sequence_length|input_count");
  const size_t batch_sizes[] = {0, B - 1, B + 1, 65537, SIZE_MAX, SIZE_MAX / 2, ((size_t)1 << 32) + B};
  for (size_t i = 0; i < sizeof batch_sizes / sizeof *batch_sizes; i++)
    REFUSED(rill_model_evaluate_precision(model, "int8", T, batch_sizes[i], data.inputs, inputs, largest, rms, output), ARGUMENT,
            "batch_size|input_count");
  REFUSED(rill_model_evaluate_precision(model, "int8", T, B, NULL, inputs, largest, rms, output), ARGUMENT, "inputs");
  WRONG_COUNTS_REFUSED("input_count", inputs,
                       rill_model_evaluate_precision(model, "int8", T, B, data.inputs, count, largest, rms, output));
  NOT_FINITE_REFUSED(data.inputs, inputs, "inputs",
                     rill_model_evaluate_precision(model, "int8", T, B, data.inputs, inputs, largest, rms, output));
  REFUSED(rill_model_evaluate_precision(model, "int8", T, B, data.inputs, inputs, NULL, rms, output), ARGUMENT, "largest_difference");
  REFUSED(rill_model_evaluate_precision(model, "int8", T, B, data.inputs, inputs, largest, NULL, output), ARGUMENT, "rms_difference");
  REFUSED(rill_model_evaluate_precision(model, "int8", T, B, data.inputs, inputs, largest, rms, NULL), ARGUMENT, "rms_output");
  REFUSED(rill_model_evaluate_precision_tokens(model, "int8", T, B, data.tokens, T * B, largest, rms, output), STATE, "vector|token");
}

static void evaluate_precision_tokens_refuses(void) {
  struct data data = data_of(world.kind);
  rill_model *model = world.model;
  double *largest = &out.numbers[0], *rms = &out.numbers[1], *output = &out.numbers[2];
  REFUSED(rill_model_evaluate_precision(model, "int8", T, B, data.inputs, T * B * 5, largest, rms, output), STATE, "token");
  REFUSED(rill_model_evaluate_precision_tokens(NULL, "int8", T, B, data.tokens, T * B, largest, rms, output), ARGUMENT, "model");
  REFUSED(rill_model_evaluate_precision_tokens(model, NULL, T, B, data.tokens, T * B, largest, rms, output), ARGUMENT, "precision");
  for (size_t i = 0; i < sizeof WRONG_PRECISIONS / sizeof *WRONG_PRECISIONS; i++)
    REFUSED(rill_model_evaluate_precision_tokens(model, WRONG_PRECISIONS[i], T, B, data.tokens, T * B, largest, rms, output), ARGUMENT,
            "precision");
  REFUSED(rill_model_evaluate_precision_tokens(model, "int8", 0, B, data.tokens, T * B, largest, rms, output), ARGUMENT,
          "sequence_length|token_count");
  REFUSED(rill_model_evaluate_precision_tokens(model, "int8", T, 0, data.tokens, T * B, largest, rms, output), ARGUMENT, "batch_size");
  REFUSED(rill_model_evaluate_precision_tokens(model, "int8", T, B, NULL, T * B, largest, rms, output), ARGUMENT, "tokens");
  WRONG_COUNTS_REFUSED("token_count", T * B,
                       rill_model_evaluate_precision_tokens(model, "int8", T, B, data.tokens, count, largest, rms, output));
  OUT_OF_RANGE_REFUSED(data.tokens, T * B, -1, 4, "tokens",
                       rill_model_evaluate_precision_tokens(model, "int8", T, B, data.tokens, T * B, largest, rms, output));
  REFUSED(rill_model_evaluate_precision_tokens(model, "int8", T, B, data.tokens, T * B, NULL, rms, output), ARGUMENT, "largest_difference");
  REFUSED(rill_model_evaluate_precision_tokens(model, "int8", T, B, data.tokens, T * B, largest, NULL, output), ARGUMENT, "rms_difference");
  REFUSED(rill_model_evaluate_precision_tokens(model, "int8", T, B, data.tokens, T * B, largest, rms, NULL), ARGUMENT, "rms_output");
}

int main(void) {
  TEST(version_and_names_answer_without_objects);
  TEST(destroys_accept_null);
  use_world("lstm");
  TEST(create_refuses);
  TEST(load_and_parse_refuse);
  TEST(save_refuses);
  TEST(texts_follow_the_two_call_pattern);
  TEST(describe_and_sizes_refuse);
  TEST(parameters_refuse);
  TEST(run_refuses_sizes);
  TEST(run_refuses);
  TEST(evaluate_precision_refuses);
  forget_world();
  use_world("one_hot");
  TEST(run_tokens_refuses);
  TEST(evaluate_precision_tokens_refuses);
  forget_world();
  return finish();
}
