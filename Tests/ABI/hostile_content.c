/* Model files and configurations that are JSON, but say something wrong. The message gives the JSON path of the fault. */
#include "models.h"
#include "small_file.h"

struct fault {
  const char *old, *new_text; // an edit of SMALL_FILE
  const char *path;           // what the message must say
};

static void refuse_faults(const struct fault *faults, size_t count, int statuses) {
  for (size_t i = 0; i < count; i++) {
    char *changed = edited(SMALL_FILE, faults[i].old, faults[i].new_text);
    parse_refuses(changed, strlen(changed), statuses, faults[i].path, faults[i].new_text);
    free(changed);
  }
}
#define REFUSE_FAULTS(faults, statuses) refuse_faults((faults), sizeof(faults) / sizeof *(faults), (statuses))

static const struct fault TOP_LEVEL[] = {
    {"\"format\": \"rill\"", "\"format\": \"onnx\"", "format"},
    {"\"format\": \"rill\"", "\"format\": 1", "format"},
    {"\"format\": \"rill\", ", "", "format"},
    {"\"format\": \"rill\"", "\"format\": \"rill\\u0000\"", "format|NUL"},
    {"\"format\": \"rill\"", "\"format\": \"rill\", \"format\": \"rill\"", "format"},
    {"\"format_version\": 1, ", "", "format_version"},
    {"\"format_version\": 1", "\"format_version\": 2", "format_version&newer"},
    {"\"format_version\": 1", "\"format_version\": 2000000000", "format_version&newer"},
    {"\"format_version\": 1", "\"format_version\": 0", "format_version"},
    {"\"format_version\": 1", "\"format_version\": -1", "format_version"},
    {"\"format_version\": 1", "\"format_version\": 1.5", "format_version"},
    {"\"format_version\": 1", "\"format_version\": \"1\"", "format_version"},
    {"\"format_version\": 1", "\"format_version\": null", "format_version"},
    {"\"format_version\": 1", "\"format_version\": 4294967297", "format_version"},
    {"\"format_version\": 1", "\"format_version\": 18446744073709551617", "format_version"},
    {"\"kind\": \"sequential\", ", "", "kind"},
    {"\"name\": \"small\"", "\"name\": 5", "name"},
    {"\"name\": \"small\"", "\"name\": \"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg\"", "name"},
    {"\"name\": \"small\"", "\"Name\": \"small\"", "Name"},
    {"\"name\": \"small\"", "\"bogus\": 1", "bogus"},
    {"\"name\": \"small\"", "\"name\\u0000x\": \"small\"", "name|NUL"},
    {"{\"unit\": \"ppm\"}", "\"text\"", "metadata"},
    {"{\"unit\": \"ppm\"}", "[1]", "metadata"},
    {"{\"unit\": \"ppm\"}", "null", "metadata"},
    {"{\"unit\": \"ppm\"}", "{\"unit\": 1, \"unit\": 2}", "metadata"},
    {"{\"unit\": \"ppm\"}", "{\"unit\": {\"a\": [{\"b\": 1, \"b\": 2}]}}", "metadata.unit.a[0]"},
    {"{\"unit\": \"ppm\"}", "{\"unit\": 1e999}", "metadata"},
    {"\"metadata\"", "\"self_test\"", "self_test"},
};

static const struct fault BOUNDARIES[] = {
    {"\"kind\": \"vector\", ", "", "input.kind"},
    {"\"kind\": \"vector\"", "\"kind\": \"matrix\"", "input.kind"},
    {"\"kind\": \"vector\"", "\"kind\": \"vector\\u0000\"", "input.kind|NUL"},
    {"\"kind\": \"vector\"", "\"kind\": \"token\"", "input&shift"},
    {"\"size\": 2, ", "", "input.size"},
    {"\"size\": 2,", "\"size\": 2, \"bogus\": 1,", "input.bogus"},
    {"\"size\": 2,", "\"size\": 2, \"size\": 2,", "input.size"},
    {"\"shift\": [0.5, 1]", "\"shift\": [0.5]", "input.shift"},
    {"\"shift\": [0.5, 1]", "\"shift\": [0.5, 1, 2]", "input.shift"},
    {"\"shift\": [0.5, 1]", "\"shift\": []", "input.shift"},
    {"\"shift\": [0.5, 1]", "\"shift\": \"0.5\"", "input.shift"},
    {"\"shift\": [0.5, 1]", "\"shift\": [0.5, null]", "input.shift[1]"},
    {"\"shift\": [0.5, 1]", "\"shift\": [[0.5, 1]]", "input.shift"},
    {"\"shift\": [0.5, 1]", "\"shift\": [0.5, 1e39]", "input.shift[1]"},
    {"\"scale\": 2", "\"scale\": 0", "input.scale"},
    {"\"scale\": 2", "\"scale\": -0.0", "input.scale"},
    {"\"scale\": 2", "\"scale\": 1e-60", "input.scale"}, // 0 in float32
    {"\"scale\": 2", "\"scale\": 1e39", "input.scale"},  // infinite in float32
    {"\"scale\": 2", "\"scale\": [1, 0]", "input.scale"},
    {"\"shift\": [1]", "\"shift\": [1, 2]", "output.shift|output.scale"},
    {"\"scale\": [3]", "\"scale\": [0]", "output.scale"},
    {"\"scale\": [3]", "\"scale\": {}", "output.scale"},
    {"\"scale\": [3]", "\"size\": 1", "output.size"},
    {"{\"shift\": [1], \"scale\": [3]}", "1", "output"},
};

static const struct fault LAYERS[] = {
    {"\"type\": \"lstm\", ", "", "layers[0].type"},
    {"\"type\": \"lstm\"", "\"type\": \"transformer\"", "layers[0].type"},
    {"\"type\": \"lstm\"", "\"type\": \"lstm\\u0000\"", "layers[0].type|NUL"},
    {"\"type\": \"lstm\"", "\"type\": 3", "layers[0].type"},
    {"\"type\": \"lstm\"", "\"type\": \"lstm\", \"type\": \"lstm\"", "layers[0].type"},
    {"\"hidden_size\": 1}", "\"hidden_size\": 1, \"nonlinearity\": \"tanh\"}", "layers[0].nonlinearity"},
    {"\"hidden_size\": 1}", "\"hidden_size\": 1, \"hidden_size\": 1}", "layers[0].hidden_size"},
    {"\"hidden_size\": 1}", "\"hidden_size\": 1, \"input_size\": 3}", "layers[0].input_size"},
    {"\"hidden_size\": 1}", "\"hidden_size\": 1, \"num_layers\": 17}", "layers[0].num_layers"},
    {"\"hidden_size\": 1}", "\"hidden_size\": 1, \"num_layers\": 0}", "layers[0].num_layers"},
    {"\"hidden_size\": 1}", "\"hidden_size\": 1, \"dropout\": 1}", "layers[0].dropout"},
    {"\"hidden_size\": 1}", "\"hidden_size\": 1, \"dropout\": -0.1}", "layers[0].dropout"},
    {"\"hidden_size\": 1}", "\"hidden_size\": 1, \"bias\": 1}", "layers[0].bias"},
    {"\"hidden_size\": 1}", "\"hidden_size\": 1, \"bias\": \"true\"}", "layers[0].bias"},
    {"\"hidden_size\": 1}", "\"hidden_size\": 1, \"bias\": null}", "layers[0].bias"},
    {"\"hidden_size\": 1}", "\"hidden_size\": 1, \"forget_bias\": 1e39}", "layers[0].forget_bias"},
    {"\"hidden_size\": 1}", "\"hidden_size\": 1, \"forget_bias\": \"1\"}", "layers[0].forget_bias"},
    {"\"hidden_size\": 1}", "\"hidden_size\": 1, \"bidirectional\": true}", "layers[0].bidirectional"},
    {"{\"type\": \"lstm\", \"name\": \"memory\", \"hidden_size\": 1}", "{\"type\": \"lstm\", \"name\": \"memory\"}",
     "layers[0]&hidden_size"},
    {"{\"type\": \"lstm\", \"name\": \"memory\", \"hidden_size\": 1}", "5", "layers[0]"},
    {"\"output_size\": 1}", "\"output_size\": 1, \"activation\": \"swish\"}", "layers[1].activation"},
    {"\"output_size\": 1}", "\"output_size\": 1, \"hidden_size\": 1}", "layers[1].hidden_size"},
    {"\"output_size\": 1}", "\"output_size\": 1, \"name\": \"memory\"}", "layers[1].name"},
    {"\"output_size\": 1}", "\"output_size\": 1, \"input_size\": 2}", "layers[1].input_size"},
    {"\"name\": \"memory\"", "\"name\": \"1\"", "name"}, // the default name of the layer after it
    {"\"name\": \"memory\"", "\"name\": \"\"", "layers[0].name"},
    {"\"name\": \"memory\"", "\"name\": \"a.b\"", "layers[0].name"},
    {"\"name\": \"memory\"", "\"name\": \"a b\"", "layers[0].name"},
    {"\"name\": \"memory\"", "\"name\": \"memory\\u0000\"", "layers[0].name|NUL"},
    {"\"name\": \"memory\"", "\"name\": \"\xc3\xa9\"", "layers[0].name"},
    {"\"name\": \"memory\"", "\"name\": \"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg\"", "layers[0].name"},
    {"\"layers\": [", "\"layers\": [[], ", "layers[0]"},
    {"\"layers\": [", "\"layers\": {}, \"extra\": [", "layers|extra"},
    {"\"layers\"", "\"Layers\"", "ayers"},
};

static const struct fault PARAMETERS[] = {
    {"\"shape\": [4, 2]", "\"shape\": [2, 4]", "parameters[0].shape"},
    {"\"shape\": [4, 2]", "\"shape\": [8]", "parameters[0].shape"},
    {"\"shape\": [4, 2]", "\"shape\": [4, 2, 1]", "parameters[0].shape"},
    {"\"shape\": [4, 2]", "\"shape\": []", "parameters[0].shape"},
    {"\"shape\": [4, 2]", "\"shape\": [4, \"2\"]", "parameters[0].shape"},
    {"\"shape\": [4, 2]", "\"shape\": [4.5, 2]", "parameters[0].shape"},
    {"\"shape\": [4, 2]", "\"shape\": [-4, -2]", "parameters[0].shape"},
    {"\"shape\": [4, 2]", "\"shape\": [1e18, 1e18]", "parameters[0].shape"},
    {"\"shape\": [4, 2]", "\"shape\": [4, 4294967298]", "parameters[0].shape"},
    {"\"shape\": [4, 2]", "\"shape\": 8", "parameters[0].shape"},
    {"\"shape\": [4, 2], ", "", "parameters[0]&shape"},
    {"\"shape\": [4, 2]", "\"shape\": [4, 2], \"shape\": [4, 2]", "parameters[0].shape"},
    {"\"shape\": [4, 2]", "\"shape\": [4, 2], \"dtype\": \"float32\"", "parameters[0].dtype"},
    {"0.7, 0.8]", "0.7]", "parameters[0].data"},
    {"0.7, 0.8]", "0.7, 0.8, 0.9]", "parameters[0].data"},
    {"0.7, 0.8]", "0.7, \"0.8\"]", "parameters[0].data[7]"},
    {"0.7, 0.8]", "0.7, null]", "parameters[0].data[7]"},
    {"0.7, 0.8]", "0.7, true]", "parameters[0].data[7]"},
    {"0.7, 0.8]", "0.7, [0.8]]", "parameters[0].data[7]"},
    {"0.7, 0.8]", "0.7, 1e999]", "parameters[0].data[7]"},
    {"0.7, 0.8]", "0.7, -1e39]", "parameters[0].data[7]"},
    {"0.7, 0.8]", "0.7, 3.4028236e38]", "parameters[0].data[7]"}, // rounds to infinity: above the largest float by more than half a step
    {"0.7, 0.8]", "0.7, NaN]", ""},
    {"0.7, 0.8]", "0.7, Infinity]", ""},
    {"0.7, 0.8]", "0.7, -Infinity]", ""},
    {"[1.25]", "1.25", "parameters[4].data"},
    {"[1.25]", "\"AACgPw==\"", "parameters[4].data"},
    {"[1.25]", "{}", "parameters[4].data"},
    {"[1.25]", "{\"base64\": 5}", "parameters[4].data.base64"},
    {"[1.25]", "{\"base64\": \"AACgPw==\", \"x\": 1}", "parameters[4].data.x"},
    {"[1.25]", "{\"base64\": \"AACgPw==\", \"base64\": \"AACgPw==\"}", "parameters[4].data.base64"},
    {"[1.25]", "{\"base64\": \"\"}", "parameters[4].data"},
    {"[1.25]", "{\"base64\": \"AACgPw=\"}", "parameters[4].data"},
    {"[1.25]", "{\"base64\": \"AACgPw\"}", "parameters[4].data"},
    {"[1.25]", "{\"base64\": \"AACgPw===\"}", "parameters[4].data"},
    {"[1.25]", "{\"base64\": \"AACgP\"}", "parameters[4].data"},
    {"[1.25]", "{\"base64\": \"AACgP===\"}", "parameters[4].data"},
    {"[1.25]", "{\"base64\": \"AACgPwA=\"}", "parameters[4].data"},
    {"[1.25]", "{\"base64\": \"AACgPwAAgD8=\"}", "parameters[4].data"},
    {"[1.25]", "{\"base64\": \"AAC_Pw==\"}", "parameters[4].data"},
    {"[1.25]", "{\"base64\": \"AACg Pw==\"}", "parameters[4].data"},
    {"[1.25]", "{\"base64\": \"AACgPw==\\n\"}", "parameters[4].data"},
    {"[1.25]", "{\"base64\": \"AA=gPw==\"}", "parameters[4].data"},
    {"[1.25]", "{\"base64\": \"AACg\xc3\xa9==\"}", "parameters[4].data"},
    {"[1.25]", "{\"base64\": \"AADAfw==\"}", "parameters[4].data"}, // NaN
    {"[1.25]", "{\"base64\": \"AACAfw==\"}", "parameters[4].data"}, // infinity
    {"\"name\": \"1.weight\"", "\"name\": \"1.bias\"", "1.bias"},
    {"\"name\": \"1.weight\"", "\"name\": \"2.weight\"", "parameters[4].name"},
    {"\"name\": \"1.weight\"", "\"name\": \"1.weight\\u0000\"", "parameters[4].name|NUL"},
    {"\"name\": \"1.weight\"", "\"name\": 7", "parameters[4].name"},
    {"\"name\": \"1.weight\", ", "", "parameters[4]&name"},
    {",\n  {\"name\": \"1.bias\", \"shape\": [1], \"data\": [0.125]}]", "]", "1.bias"},
    {"[0.125]}]", "[0.125]}, {\"name\": \"1.bias\", \"shape\": [1], \"data\": [0.125]}]", "1.bias"},
    {"[0.125]}]", "[0.125]}, {\"name\": \"1.extra\", \"shape\": [1], \"data\": [0.125]}]", "1.extra|parameters[6]"},
    {"[0.125]}]", "[0.125]}, 3]", "parameters[6]"},
    {"\"parameters\"", "\"Parameters\"", "arameters"},
};

static void wrong_top_levels_are_refused(void) { REFUSE_FAULTS(TOP_LEVEL, FORMAT); }
static void wrong_inputs_and_outputs_are_refused(void) { REFUSE_FAULTS(BOUNDARIES, FORMAT); }
static void wrong_layers_are_refused(void) { REFUSE_FAULTS(LAYERS, FORMAT); }
static void wrong_parameters_are_refused(void) { REFUSE_FAULTS(PARAMETERS, FORMAT); }

static void another_kind_of_model_is_refused(void) {
  static const struct fault kinds[] = {{"\"kind\": \"sequential\"", "\"kind\": \"encoder_decoder\"", "kind"},
                                       {"\"kind\": \"sequential\"", "\"kind\": 1", "kind"}};
  REFUSE_FAULTS(kinds, FORMAT | UNSUPPORTED);
}

/* A file with a self-test loads; with another output, another input or another shape it does not. */
static void self_tests_are_checked(void) {
  static const struct kind *kinds[2];
  kinds[0] = kind_named("normalized"), kinds[1] = kind_named("embedding");
  for (int k = 0; k < 2; k++) {
    static char text[1 << 16];
    size_t length = 0;
    rill_model *model;
    REQUIRE(rill_model_create(kinds[k]->configuration, 3, NULL, &model) == RILL_OK);
    REQUIRE(rill_model_save_text(model, "{\"self_test\": 3}", text, sizeof text, &length) == RILL_OK);
    rill_model_destroy(model);
    if (!CHECK_OK(parse(text, length, &model))) continue;
    rill_model_destroy(model);
    char *test = strstr(text, "\"self_test\""), *digit = test ? strpbrk(strstr(test, "\"outputs\""), "0123456789") : NULL;
    if (!CHECK(digit, "a saved self_test has outputs")) continue;
    char changed[sizeof text + 1]; // a digit more before the first output: at least 1 becomes at least 10, and 0.5 becomes 90.5
    snprintf(changed, sizeof changed, "%.*s9%s", (int)(digit - text), text, digit);
    parse_refuses(changed, strlen(changed), FORMAT, "self_test", "another output");
  }
  static const struct fault faults[] = {
      {"{\"format\"", "{\"self_test\": {}, \"format\"", "self_test"},
      {"{\"format\"", "{\"self_test\": {\"inputs\": [[1, 2]], \"outputs\": [[1], [2]], \"tolerance\": 1e5}, \"format\"", "self_test"},
      {"{\"format\"", "{\"self_test\": {\"inputs\": [[1]], \"outputs\": [[1]], \"tolerance\": 1e5}, \"format\"", "self_test.inputs"},
      {"{\"format\"", "{\"self_test\": {\"inputs\": [[1, 2]], \"outputs\": [[1, 2]], \"tolerance\": 1e5}, \"format\"", "self_test.outputs"},
      {"{\"format\"", "{\"self_test\": {\"inputs\": [1, 2], \"outputs\": [[1], [1]], \"tolerance\": 1e5}, \"format\"", "self_test.inputs"},
      {"{\"format\"", "{\"self_test\": {\"inputs\": [[1, 2]], \"outputs\": [[1]], \"tolerance\": -1}, \"format\"", "self_test.tolerance"},
      {"{\"format\"", "{\"self_test\": {\"inputs\": [[1, 2]], \"outputs\": [[1]], \"tolerance\": 1, \"x\": 1}, \"format\"", "self_test.x"},
      {"{\"format\"", "{\"self_test\": {\"inputs\": [[1, 1e39]], \"outputs\": [[1]], \"tolerance\": 1}, \"format\"", "self_test.inputs"},
  };
  REFUSE_FAULTS(faults, FORMAT);
}

int main(void) {
  make_guarded_room(1 << 18);
  TEST(wrong_top_levels_are_refused);
  TEST(wrong_inputs_and_outputs_are_refused);
  TEST(wrong_layers_are_refused);
  TEST(wrong_parameters_are_refused);
  TEST(another_kind_of_model_is_refused);
  TEST(self_tests_are_checked);
  return finish();
}
