/* Configurations whose sizes are impossible, too large, or do not go together. */
#include "models.h"
#include "small_file.h"

/* Every size of every layer with every number that is no size; the same in a configuration and in a file. */
static void wrong_sizes_are_refused(void) {
  static const struct {
    const char *old, *key, *path;
  } places[] = {{"\"size\": 2", "size", "input.size"},
                {"\"hidden_size\": 1", "hidden_size", "layers[0].hidden_size"},
                {"\"output_size\": 1", "output_size", "layers[1].output_size"}};
  static const char *const numbers[] = {"1e18",
                                        "-1",
                                        "0",
                                        "1.5",
                                        "\"8\"",
                                        "null",
                                        "1e400",
                                        "true",
                                        "[1]",
                                        "{}",
                                        "-0",
                                        "1e-5",
                                        "65537",
                                        "2147483648",
                                        "4294967297",
                                        "9223372036854775808",
                                        "18446744073709551617",
                                        "-18446744073709551615"};
  for (size_t p = 0; p < sizeof places / sizeof *places; p++)
    for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++) {
      char new_text[64];
      snprintf(new_text, sizeof new_text, "\"%s\": %s", places[p].key, numbers[n]);
      char *changed = edited(SMALL_FILE, places[p].old, new_text);
      parse_refuses(changed, strlen(changed), FORMAT, places[p].path, new_text);
      char *parameters = strstr(changed, ",\n \"parameters\"");
      rill_model *model;
      strcpy(parameters, "}");
      CHECK_REFUSED(rill_model_create(changed, 1, NULL, &model), FORMAT, places[p].path);
      CHECK(model == NULL);
      free(changed);
    }
}

/* Sizes within their ranges whose parameters together would fill gigabytes or terabytes: refused before memory is asked for. */
static void huge_models_are_refused_quickly(void) {
  static const char *const layers[] = {"{\"type\": \"lstm\", \"hidden_size\": 65536}",
                                       "{\"type\": \"lstm\", \"hidden_size\": 65536, \"num_layers\": 16}",
                                       "{\"type\": \"gru\", \"hidden_size\": 9500}", // 3 * 9500 * 9500 is a little more than 2^28
                                       "{\"type\": \"rnn\", \"hidden_size\": 65536}",
                                       "{\"type\": \"dense\", \"output_size\": 65536}, {\"type\": \"dense\", \"output_size\": 65536}"};
  for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
    char configuration[1 << 13], *end = configuration;
    end += sprintf(end, "{\"input\": {\"kind\": \"vector\", \"size\": 2}, \"layers\": [%s", layers[i]);
    for (int copy = 0; copy < (i == 1 ? 63 : 0); copy++) end += sprintf(end, ", %s", layers[i]);
    strcpy(end, "]}");
    rill_model *model;
    double start = seconds();
    CHECK_REFUSED(rill_model_create(configuration, 1, NULL, &model), ARGUMENT | FORMAT | MEMORY, "");
    CHECK(model == NULL && seconds() - start < 1, "%s took %.1f s", layers[i], seconds() - start);
  }
  rill_model *model;
  CHECK_REFUSED(
      rill_model_create("{\"input\": {\"kind\": \"token\", \"size\": 1048577}, \"layers\": [{\"type\": \"gru\", \"hidden_size\": 1}]}", 1,
                        NULL, &model),
      FORMAT, "input.size");
  char *changed = edited(SMALL_FILE, "\"hidden_size\": 1", "\"hidden_size\": 65536");
  parse_refuses(changed, strlen(changed), FORMAT | ARGUMENT | MEMORY, "", "a small file that claims gigabytes");
  free(changed);
}

static void numbers_of_layers_are_limited(void) {
  for (int layers = 0; layers <= 65; layers += layers == 0 ? 64 : 1) {
    char configuration[1 << 13], *end = configuration;
    end += sprintf(end, "{\"input\": {\"kind\": \"vector\", \"size\": 1}, \"layers\": [");
    for (int i = 0; i < layers; i++) end += sprintf(end, "%s{\"type\": \"dense\", \"output_size\": 1}", i ? ", " : "");
    strcpy(end, "]}");
    rill_model *model;
    rill_status status = rill_model_create(configuration, 1, NULL, &model);
    if (layers == 64)
      CHECK(status == RILL_OK, "64 layers: %s", rill_last_error_message());
    else
      CHECK(status == RILL_ERROR_FORMAT && says(rill_last_error_message(), "layers"), "%d layers: %s", layers, rill_last_error_message());
    rill_model_destroy(model);
  }
}

/* What a configuration may not combine. */
static const struct {
  const char *text, *path;
} COMBINATIONS[] = {
    {"{" VECTOR "[{\"type\": \"embedding\", \"embedding_dim\": 4}, " DENSE(1) "]}", "layers[0]"},
    {"{" TOKENS "[{\"type\": \"gru\", \"hidden_size\": 2}, {\"type\": \"embedding\", \"embedding_dim\": 4}]}", "layers[1]"},
    {"{" TOKENS "[{\"type\": \"dropout\", \"p\": 0.5}, " DENSE(1) "]}", "layers[0]"},
    {"{" VECTOR "[{\"type\": \"dropout\", \"p\": 1}, " DENSE(1) "]}", "layers[0].p"},
    {"{" VECTOR "[{\"type\": \"dropout\"}, " DENSE(1) "]}", "layers[0]&p"},
    {"{" VECTOR "[{\"type\": \"dense\", \"output_size\": 2, \"activation\": \"softmax\"}, " DENSE(1) "]}", "layers[0].activation"},
    {"{" VECTOR "[{\"type\": \"gru\", \"hidden_size\": 2, \"return_sequences\": false}, {\"type\": \"gru\", \"hidden_size\": 2}]}",
     "return_sequences"},
    {"{" VECTOR "[{\"type\": \"rnn\", \"hidden_size\": 2, \"nonlinearity\": \"sigmoid\"}]}", "layers[0].nonlinearity"},
    {"{" VECTOR "[{\"type\": \"gru\", \"hidden_size\": 2, \"reset_after\": 1}]}", "layers[0].reset_after"},
    {"{" VECTOR "[" DENSE(1) "], \"parameters\": []}", "parameters"},
    {"{" VECTOR "[" DENSE(1) "], \"self_test\": {}}", "self_test"},
    {"{" VECTOR "[" DENSE(1) "], \"format_version\": 2}", "format_version&newer"},
    {"{" VECTOR "[" DENSE(1) "], \"format\": \"other\"}", "format"},
    {"{\"layers\": [" DENSE(1) "]}", "input"},
    {"{\"input\": {\"kind\": \"vector\", \"size\": 3}}", "layers"},
};

static void impossible_configurations_are_refused(void) {
  for (size_t i = 0; i < sizeof COMBINATIONS / sizeof *COMBINATIONS; i++) {
    rill_model *model;
    check_refused(rill_model_create(COMBINATIONS[i].text, 1, NULL, &model), __FILE__, __LINE__, COMBINATIONS[i].text, FORMAT | UNSUPPORTED,
                  COMBINATIONS[i].path);
    CHECK(model == NULL);
  }
}

int main(void) {
  make_guarded_room(1 << 18);
  TEST(wrong_sizes_are_refused);
  TEST(huge_models_are_refused_quickly);
  TEST(numbers_of_layers_are_limited);
  TEST(impossible_configurations_are_refused);
  return finish();
}
