/* Model files that are broken as text: cut short, with changed bytes, nested, not UTF-8, not JSON. */
#include "models.h"
#include "small_file.h"

enum { MAXIMUM_TEXT = 1 << 20 };
static char text[MAXIMUM_TEXT]; // a file that the library wrote
static size_t length;

static void write_text(const char *kind, const char *options) {
  rill_model *model;
  REQUIRE(rill_model_create(kind_named(kind)->configuration, 3, NULL, &model) == RILL_OK);
  REQUIRE(rill_model_save_text(model, options, text, sizeof text, &length) == RILL_OK);
  rill_model_destroy(model);
}

/* What was loaded from a changed file must be a whole model. */
static void use_model(rill_model *model) {
  size_t inputs = 0, outputs = 0;
  float zeros[16] = {0}, results[16];
  const int32_t token = 0;
  rill_stream *stream;
  CHECK_OK(rill_model_get_input_size(model, &inputs));
  CHECK_OK(rill_model_get_output_size(model, &outputs));
  if (inputs > 16 || outputs > 16 || !CHECK_OK(rill_stream_create(model, 1, NULL, &stream))) return;
  rill_status status = rill_stream_step(stream, zeros, inputs, results, outputs);
  if (status == RILL_ERROR_STATE) status = rill_stream_step_tokens(stream, &token, 1, results, outputs);
  CHECK(status == RILL_OK || status == RILL_ERROR_DIVERGED, "a loaded model cannot step: %s", rill_last_error_message());
  rill_stream_destroy(stream);
}

static void parse_anyhow(const char *bytes, size_t count) {
  rill_model *model;
  if (parse(bytes, count, &model) == RILL_OK) {
    use_model(model);
    rill_model_destroy(model);
  } else {
    CHECK(is_message(rill_last_error_message()), "message \"%s\"", rill_last_error_message());
  }
}

static void every_truncation_is_refused(void) {
  const char *options[] = {"{\"self_test\": 2}", "{\"encoding\": \"base64\"}"};
  for (int i = 0; i < 2; i++) {
    write_text("normalized", options[i]);
    size_t end = length; // behind the last brace
    while (text[end - 1] != '}') end--;
    for (size_t cut = 0; cut < end; cut += 7) parse_refuses(text, cut, FORMAT | (cut ? 0 : ARGUMENT), "", "a truncated file");
    parse_refuses(text, end - 1, FORMAT, "", "a file without its last byte");
    parse_anyhow(text, end);
  }
}

static void truncated_files_are_refused(void) {
  write_text("embedding", NULL);
  for (size_t cut = 0; cut < length - 2; cut += 97) {
    rill_model *model;
    FILE *file = fopen("cut.json", "w");
    REQUIRE(file && fwrite(text, 1, cut, file) == cut && fclose(file) == 0);
    CHECK_REFUSED(rill_model_load("cut.json", NULL, &model), FORMAT, "");
    CHECK(model == NULL);
  }
  unlink("cut.json");
}

/* Every byte of the first 2000 changed to several values: the file is refused, or what it says now is a model. */
static void changed_bytes_do_not_crash(void) {
  static const unsigned char values[] = {0, ' ', '"', '9', '-', '}', '[', 'e', '\\', 0x80, 0xff};
  const char *kinds[] = {"normalized", "embedding"};
  for (int k = 0; k < 2; k++) {
    write_text(kinds[k], k ? "{\"encoding\": \"base64\"}" : "{\"self_test\": 1}");
    for (size_t i = 0; i < length && i < 2000; i++) {
      char original = text[i];
      for (size_t v = 0; v < sizeof values; v++) {
        text[i] = (char)values[v];
        parse_anyhow(text, length);
      }
      text[i] = original;
    }
    parse_anyhow(text, length);
  }
}

static void nesting_is_limited(void) {
  static const char *const openings[] = {"[", "{\"a\":", "{\"format\": \"rill\", \"metadata\": {\"a\":[", "[{\"a\":"};
  static char nested[1 << 20];
  for (size_t i = 0; i < 4; i++)
    for (size_t depth = 33; depth <= 100000; depth = depth == 33 ? 1000 : depth * 100) {
      char *end = nested;
      for (size_t d = 0; d < depth && end < nested + sizeof nested - 100; d++) end = stpcpy(end, openings[i]);
      parse_refuses(nested, (size_t)(end - nested), FORMAT, "", "a nested text");
      rill_model *model;
      CHECK_REFUSED(rill_model_create(nested, 1, NULL, &model), FORMAT, "");
      CHECK_REFUSED(rill_model_parse(SMALL_FILE, strlen(SMALL_FILE), nested, &model), FORMAT, "");
    }
  // Closed properly, and inside metadata, which is otherwise never looked at: 20 lists fit into the 32 levels, 100 do not.
  for (int depth = 20; depth <= 100; depth += 80) {
    char metadata[300] = "{\"unit\": ";
    for (int d = 0; d < depth; d++) strcat(metadata, "[");
    for (int d = 0; d < depth; d++) strcat(metadata, "]");
    char *deep = edited(SMALL_FILE, "{\"unit\": \"ppm\"", metadata);
    rill_model *model;
    if (depth == 20) {
      CHECK_OK(parse(deep, strlen(deep), &model));
      rill_model_destroy(model);
    } else {
      parse_refuses(deep, strlen(deep), FORMAT, "", "deep metadata");
    }
    free(deep);
  }
}

/* Edits that leave no JSON. */
static const struct {
  const char *old, *new_text, *what;
} NOT_JSON[] = {
    {"\"ppm\"", "\"p\xff\"", "a byte that is not UTF-8"},
    {"\"ppm\"", "\"\xc0\xaf\"", "an overlong form"},
    {"\"ppm\"", "\"\xed\xa0\x80\"", "a surrogate"},
    {"\"ppm\"", "\"\xf4\x90\x80\x80\"", "a code point beyond U+10FFFF"},
    {"\"unit\"", "\"u\xe2\x82\"", "a key that is cut inside a character"},
    {"\"ppm\"", "\"p\nm\"", "a raw newline in a string"},
    {"\"ppm\"", "\"\\x41\"", "an unknown escape"},
    {"\"ppm\"", "\"\\u12g4\"", "a broken escape"},
    {"\"ppm\"", "'ppm'", "single quotes"},
    {"\"ppm\"", "ppm", "a bare word"},
    {"\"ppm\"", "NaN", "NaN in metadata"},
    {"\"ppm\"", "-Infinity", "infinity in metadata"},
    {"\"ppm\"", "01", "a leading zero"},
    {"\"ppm\"", "+1", "a plus sign"},
    {"\"ppm\"", ".5", "no digit before the point"},
    {"\"ppm\"", "1.", "no digit after the point"},
    {"\"ppm\"", "0x10", "a hexadecimal number"},
    {"\"ppm\"", "1e", "an exponent without digits"},
    {"\"ppm\"", "TRUE", "a capital literal"},
    {"\"ppm\"}", "\"ppm\",}", "a comma too many"},
    {"0.125]", "0.125,]", "a comma too many in a list"},
    {"\"ppm\"}", "\"ppm\"", "a brace too few"},
    {"{\"format\"", "{{\"format\"", "a brace too many"},
    {"{\"unit\": \"ppm\"}", "{/* unit */}", "a comment"},
    {"{\"format\"", "\xef\xbb\xbf{\"format\"", "a byte order mark"},
    {"[0.125]}]}\n", "[0.125]}]}}", "text after the end"},
    {"[0.125]}]}\n", "[0.125]}]} x", "a word after the end"},
    {"[0.125]}]}\n", "[0.125]}]} {}", "a second object"},
    {"0.5, 1]", "0.5 1]", "a missing comma"},
    {"\"kind\": \"sequential\"", "\"kind\" \"sequential\"", "a missing colon"},
};

static void text_that_is_not_json_is_refused(void) {
  for (size_t i = 0; i < sizeof NOT_JSON / sizeof *NOT_JSON; i++) {
    char *changed = edited(SMALL_FILE, NOT_JSON[i].old, NOT_JSON[i].new_text);
    parse_refuses(changed, strlen(changed), FORMAT, "", NOT_JSON[i].what);
    free(changed);
  }
  static const char *const texts[] = {" ",    "\n\t\r ", "null", "true", "1",  "\"rill\"", "[]",
                                      "[{}]", "{}",      "{",    "}",    "\"", "-",        "\xef\xbb\xbf"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) parse_refuses(texts[i], strlen(texts[i]), FORMAT, "", texts[i]);
  parse_refuses(SMALL_FILE, sizeof SMALL_FILE, FORMAT, "", "a NUL at the end");
  char inside[sizeof SMALL_FILE];
  memcpy(inside, SMALL_FILE, sizeof inside);
  inside[40] = 0;
  parse_refuses(inside, strlen(SMALL_FILE), FORMAT, "", "a NUL inside");
}

static void white_space_around_the_text_is_fine(void) {
  char *changed = edited(SMALL_FILE, "{\"format\"", " \n\t\r{\"format\"");
  rill_model *model;
  CHECK_OK(parse(changed, strlen(changed), &model));
  rill_model_destroy(model);
  CHECK_OK(parse(SMALL_FILE, strlen(SMALL_FILE) - 1, &model)); // without the last newline
  rill_model_destroy(model);
  free(changed);
}

int main(void) {
  make_guarded_room(MAXIMUM_TEXT);
  TEST(white_space_around_the_text_is_fine);
  TEST(text_that_is_not_json_is_refused);
  TEST(every_truncation_is_refused);
  TEST(truncated_files_are_refused);
  TEST(changed_bytes_do_not_crash);
  TEST(nesting_is_limited);
  return finish();
}
