/* What is saved comes back: every bit of every parameter, in both encodings, and all that the file says besides. */
#include "files.h"
#include "models.h"

static char text[1 << 22];
static size_t length;

static rill_model *reloaded(const rill_model *model, const char *options) {
  rill_model *copy;
  REQUIRE(rill_model_save_text(model, options, text, sizeof text, &length) == RILL_OK);
  REQUIRE(rill_model_parse(text, length, NULL, &copy) == RILL_OK);
  return copy;
}

/* Every kind: the same parameters, the same results, and the same text when it is saved again. */
static void every_kind_reloads_to_the_same_bits(void) {
  static const char *const options[] = {NULL, "{}", "{\"encoding\": \"decimal\"}", "{\"encoding\": \"base64\", \"self_test\": 4}"};
  static char again[sizeof text];
  for (size_t k = 0; k < KIND_COUNT; k++)
    for (size_t o = 0; o < 4; o++) {
      struct world world = make_world(&KINDS[k]);
      float outputs[MAXIMUM_VALUES], copies[MAXIMUM_VALUES];
      rill_model *copy = reloaded(world.model, options[o]);
      size_t again_length = 0;
      CHECK_OK(rill_model_save_text(copy, options[o], again, sizeof again, &again_length));
      CHECK(again_length == length && memcmp(again, text, length) == 0, "%s is saved differently the second time", KINDS[k].name);
      CHECK_OK(run_model(&KINDS[k], world.model, outputs));
      CHECK_OK(run_model(&KINDS[k], copy, copies));
      CHECK(memcmp(outputs, copies, output_count_of(&KINDS[k]) * sizeof *outputs) == 0, "%s", KINDS[k].name);
      CHECK(hash_parameters(world.model) == hash_parameters(copy), "%s", KINDS[k].name);
      CHECK_OK(rill_model_save(copy, "kind.json", options[o]));
      CHECK(file_is("kind.json", text, length), "%s: file and text differ", KINDS[k].name);
      rill_model_destroy(copy);
      destroy_world(&world);
    }
  remove("kind.json");
}

/* Floats where decimal conversions and flushed denormals show: zeros, the smallest and largest of their kinds, powers of two and ten with
 * their neighbors, and a spread over all finite bit patterns. */
static void hard_values(float *values, size_t count) {
  static const uint32_t bits[] = {0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007fffff, 0x00800000, 0x00800001, 0x7f7fffff,
                                  0xff7fffff, 0x3f800000, 0x3f7fffff, 0x3f800001, 0x3dcccccd, 0x3eaaaaab, 0x4b800000, 0x4b800001,
                                  0x4b7fffff, 0x5f000000, 0x49742400, 0x4cbebc20, 0x501502f9, 0x0da24260, 0x15ae43fd, 0x7149f2ca};
  uint32_t state = 1;
  for (size_t i = 0; i < count; i++) {
    uint32_t pattern = i < sizeof bits / sizeof *bits ? bits[i] : (state = state * 1664525 + 1013904223);
    if ((pattern & 0x7f800000) == 0x7f800000) pattern ^= 0x40000000; // not infinity, not NaN
    memcpy(&values[i], &pattern, sizeof pattern);
  }
}

static void hard_values_keep_every_bit(void) {
  enum { COUNT = 40 * 200 };
  static float values[COUNT], copies[COUNT];
  rill_model *model;
  REQUIRE(rill_model_create("{\"input\": {\"kind\": \"vector\", \"size\": 200}, \"layers\": [" DENSE(40) "]}", 1, NULL, &model) == RILL_OK);
  hard_values(values, COUNT);
  CHECK_OK(rill_model_set_parameter(model, "0.weight", values, COUNT));
  CHECK_OK(rill_model_get_parameter(model, "0.weight", copies, COUNT));
  CHECK(memcmp(values, copies, sizeof values) == 0, "after set and get");
  static const char *const options[] = {"{\"encoding\": \"decimal\"}", "{\"encoding\": \"base64\"}", "{\"encoding\": \"auto\"}"};
  for (int o = 0; o < 3; o++) {
    rill_model *copy = reloaded(model, options[o]);
    CHECK_OK(rill_model_get_parameter(copy, "0.weight", copies, COUNT));
    for (size_t i = 0; i < COUNT; i++)
      if (!CHECK(memcmp(&values[i], &copies[i], 4) == 0, "%s: %a became %a", options[o], (double)values[i], (double)copies[i])) break;
    rill_model_destroy(copy);
  }
  rill_model_destroy(model);
}

/* "auto" writes decimals up to 100,000 values: 999 * 100 + 100 is that many, 999 * 101 + 101 is more. */
static void auto_chooses_by_the_number_of_values(void) {
  static const char *const layers[] = {DENSE(100), DENSE(101)};
  for (int i = 0; i < 2; i++) {
    char configuration[256];
    rill_model *model;
    snprintf(configuration, sizeof configuration, "{\"input\": {\"kind\": \"vector\", \"size\": 999}, \"layers\": [%s]}", layers[i]);
    REQUIRE(rill_model_create(configuration, 1, NULL, &model) == RILL_OK);
    rill_model *copy = reloaded(model, NULL);
    CHECK((strstr(text, "\"base64\"") != NULL) == (i == 1));
    CHECK(hash_parameters(copy) == hash_parameters(model));
    rill_model_destroy(copy);
    rill_model_destroy(model);
  }
}

static void name_and_metadata_are_kept(void) {
  struct world world = make_world(kind_named("normalized"));
  rill_model *copy = reloaded(world.model, NULL);
  static const char *const kept[] = {"\"normalized\"", "\"ppm\"", "null", "\"deep\"", "\"format\"", "\"format_version\"", "\"sequential\""};
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) CHECK(strstr(text, kept[i]), "%s", kept[i]);
  rill_model_destroy(copy);
  destroy_world(&world);
}

static void describe_says_what_the_header_lists(void) {
  static const char *const keys[] = {"input_size", "output_size",       "output_per_sequence", "parameters",      "parameter_values",
                                     "states",     "multiply_adds",     "weight_bytes",        "instruction_set", "forget_bias",
                                     "num_layers", RILL_VERSION_STRING, "0.weight_ih_l0",      "0.cell"};
  struct world world = make_world(kind_named("lstm"));
  CHECK_OK(rill_model_describe(world.model, text, sizeof text, &length));
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\"", keys[i]);
    CHECK(strstr(text, quoted), "%s", quoted);
  }
  destroy_world(&world);
}

/* One block of 16 units and 4 gates: 4 vectors of biases, then rows of 4 vectors, 3 for the input (4, as there are two chains) and 6 for
 * the state. bfloat16 puts two rows into one, int8 four, and has a vector of scales per gate and matrix. The head of 2 outputs stays as it
 * is: 16 biases, 2 rows of 16. */
static void weight_bytes_are_those_of_the_layout(void) {
  struct world world = make_world(kind_named("lstm"));
  CHECK_OK(rill_model_describe(world.model, text, sizeof text, &length));
  const char *place = strstr(text, "\"weight_bytes\"");
  long float32 = 0, bfloat16 = 0, int8 = 0;
  if (CHECK(place)) {
    const char *format = "\"weight_bytes\" : { \"float32\" : %ld , \"bfloat16\" : %ld , \"int8\" : %ld }";
    CHECK(sscanf(place, format, &float32, &bfloat16, &int8) == 3, "%.100s", place);
  }
  const long head = 4 * (16 + 2 * 16), vectors = 4 * 16 * 4;
  CHECK(float32 == vectors * (1 + 4 + 6) + head, "%ld", float32);
  CHECK(bfloat16 == vectors * (1 + 2 + 3) + head, "%ld", bfloat16);
  CHECK(int8 == vectors * (1 + 2 + 1 + 2) + head, "%ld", int8);
  destroy_world(&world);
}

/* The bytes of a state are those of float32 numbers, whatever the weights of its stream or the processor's level are. */
static void states_have_no_precision(void) {
  static const char *const options[] = {NULL, "{\"precision\": \"bfloat16\"}", "{\"precision\": \"int8\"}"};
  static const char *const levels[] = {"baseline", "v3", NULL};
  for (size_t k = 0; k < KIND_COUNT; k++)
    for (int l = 0; l < 3; l++)
      for (int o = 0; o < 3; o++) {
        unsigned char saved[4096], again[4096];
        size_t saved_length = 0, again_length = 0;
        float outputs[MAXIMUM_VALUES];
        rill_stream *small;
        struct world world = make_world(&KINDS[k]);
        if (levels[l]) setenv("RILL_ISA", levels[l], 1);
        struct world lower = make_world(&KINDS[k]);
        unsetenv("RILL_ISA");
        REQUIRE(rill_stream_create(lower.model, B, options[o], &small) == RILL_OK);
        CHECK_OK(run_stream(&KINDS[k], small, outputs));
        CHECK_OK(rill_stream_save_state(small, saved, sizeof saved, &saved_length));
        CHECK_OK(rill_stream_load_state(world.stream, saved, saved_length));
        CHECK_OK(rill_stream_save_state(world.stream, again, sizeof again, &again_length));
        CHECK(saved_length == again_length && memcmp(saved, again, saved_length) == 0, "%s", KINDS[k].name);
        CHECK_OK(run_stream(&KINDS[k], world.stream, outputs));
        CHECK_OK(rill_stream_copy(world.stream, small));
        CHECK_OK(step_stream(&KINDS[k], small, 0, outputs));
        saved[saved_length / 2] ^= 1;
        CHECK_REFUSED(rill_stream_load_state(small, saved, saved_length), FORMAT, "");
        rill_stream_destroy(small);
        destroy_world(&lower);
        destroy_world(&world);
      }
}

/* Whether a parameter of that name is there; its values, or none. */
static bool has_parameter(const rill_model *model, const char *name, float *values, size_t *count) {
  size_t shape[2] = {1, 1}, rank = 0;
  *count = 0;
  if (rill_model_get_parameter_shape(model, name, shape, 2, &rank) != RILL_OK) return false;
  *count = shape[0] * (rank == 2 ? shape[1] : 1);
  return rill_model_get_parameter(model, name, values, *count) == RILL_OK;
}

/* Of one file, loaded as it is and with initial states: these are zeros where the file has none, and everything else is the same. Returns
 * how many are new. */
static int new_initial_states(const char *file, const rill_model *plain, const rill_model *given) {
  static float values[1 << 16], others[1 << 16];
  size_t count = 0, other_count = 0, number = 0;
  int new_count = 0;
  REQUIRE(rill_model_get_parameter_count(given, &number) == RILL_OK);
  for (size_t i = 0; i < number; i++) {
    char name[128];
    size_t name_length = 0;
    REQUIRE(rill_model_get_parameter_name(given, i, name, sizeof name, &name_length) == RILL_OK);
    CHECK(has_parameter(given, name, values, &count), "%s: %s", file, name);
    if (has_parameter(plain, name, others, &other_count)) {
      CHECK(count == other_count && memcmp(values, others, count * sizeof *values) == 0, "%s: %s", file, name);
      continue;
    }
    CHECK(strstr(name, ".h0_l") || strstr(name, ".c0_l"), "%s: %s", file, name);
    for (size_t v = 0; v < count; v++) CHECK(values[v] == 0, "%s: %s", file, name);
    new_count++;
  }
  return new_count;
}

/* Files of every version, with the self-tests in them. */
static void a_load_gives_initial_states_to_golden_files(void) {
  static const char *const names[] = {"v1-gru-base64.json", "v1-lstm-decimal.json", "v1-rnn-minimal.json"};
  for (int i = 0; i < 3; i++) {
    char path[1024];
    rill_model *plain, *given;
    snprintf(path, sizeof path, "%.*s/../Golden/%s", (int)(strrchr(__FILE__, '/') - __FILE__), __FILE__, names[i]);
    REQUIRE(rill_model_load(path, "{\"initial_state\": false}", &plain) == RILL_OK);
    REQUIRE(rill_model_load(path, "{\"initial_state\": true}", &given) == RILL_OK);
    int new_count = new_initial_states(names[i], plain, given);
    rill_model *copy = reloaded(given, "{\"self_test\": 3}");
    CHECK(hash_parameters(copy) == hash_parameters(given));
    CHECK(strstr(text, "\"initial_state\"") && strstr(text, ".h0_l0\""), "%s", names[i]);
    CHECK(new_count > 0 || hash_parameters(plain) == hash_parameters(given), "%s", names[i]);
    rill_model_destroy(copy);
    rill_model_destroy(given);
    rill_model_destroy(plain);
  }
}

/* A file whose upper layer has initial states keeps them; the lower one's begin at zero. */
static void a_load_keeps_the_initial_states_of_a_file(void) {
  struct world world = make_world(kind_named("deep_per_sequence"));
  const float h0[] = {1, -2, 3, -4, 5};
  float values[5], outputs[MAXIMUM_VALUES], copies[MAXIMUM_VALUES];
  CHECK_OK(rill_model_set_parameter(world.model, "top.h0_l1", h0, 5));
  CHECK_OK(rill_model_set_parameter(world.model, "top.c0_l0", h0, 5));
  CHECK_OK(rill_model_publish(world.model));
  REQUIRE(rill_model_save_text(world.model, "{\"self_test\": 3}", text, sizeof text, &length) == RILL_OK);
  rill_model *given, *again;
  REQUIRE(rill_model_parse(text, length, "{\"initial_state\": true}", &given) == RILL_OK);
  CHECK(new_initial_states("deep_per_sequence", world.model, given) == 1);
  CHECK_OK(run_model(world.kind, world.model, outputs));
  CHECK_OK(run_model(world.kind, given, copies));
  CHECK(memcmp(outputs, copies, output_count_of(world.kind) * sizeof *outputs) == 0);

  // From a stream of the one model into the other, and through a file.
  CHECK_OK(run_stream(world.kind, world.stream, outputs));
  CHECK_OK(rill_model_set_initial_state(given, world.stream, 1));
  CHECK_OK(rill_stream_get_state(world.stream, "top.hidden", outputs, 2 * B * 5));
  CHECK_OK(rill_model_get_parameter(given, "top.h0_l1", values, 5));
  CHECK(memcmp(values, outputs + (B + 1) * 5, sizeof values) == 0);
  again = reloaded(given, NULL);
  CHECK(hash_parameters(again) == hash_parameters(given));
  rill_model_destroy(again);
  rill_model_destroy(given);
  destroy_world(&world);
}

/* A parameter that is not published is saved all the same, and the same seed gives the same file. */
static void unpublished_parameters_are_saved(void) {
  struct world world = make_world(kind_named("gru")), twin = make_world(kind_named("gru"));
  CHECK(hash_parameters(world.model) == hash_parameters(twin.model), "the same seed");
  CHECK_OK(rill_trainer_update(world.trainer, world.batch, NULL));
  uint64_t trained = hash_parameters(world.model);
  CHECK(trained != hash_parameters(twin.model));
  rill_model *copy = reloaded(world.model, NULL);
  CHECK(hash_parameters(copy) == trained);
  rill_model_destroy(copy);
  destroy_world(&twin);
  destroy_world(&world);
}

int main(void) {
  TEST(every_kind_reloads_to_the_same_bits);
  TEST(hard_values_keep_every_bit);
  TEST(auto_chooses_by_the_number_of_values);
  TEST(name_and_metadata_are_kept);
  TEST(describe_says_what_the_header_lists);
  TEST(weight_bytes_are_those_of_the_layout);
  TEST(states_have_no_precision);
  TEST(a_load_gives_initial_states_to_golden_files);
  TEST(a_load_keeps_the_initial_states_of_a_file);
  TEST(unpublished_parameters_are_saved);
  return finish();
}
