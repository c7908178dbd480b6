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
  TEST(unpublished_parameters_are_saved);
  return finish();
}
