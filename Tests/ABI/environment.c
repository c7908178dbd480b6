/* The host's surroundings change no result, and the library changes nothing in them: floating-point mode, locale, output, signals,
 * files. */
#include "files.h"
#include "float_mode.h"
#include "models.h"
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <unistd.h>

/* Uses everything that computes or reads and writes numbers; the bits of all results as one number. */
static uint64_t results_of(const struct kind *kind) {
  uint64_t hash = HASH_START;
  rill_model *model, *copy;
  rill_stream *stream, *other;
  rill_batch *batch;
  rill_trainer *trainer;
  float outputs[MAXIMUM_VALUES], values[MAXIMUM_VALUES];
  double number = 0;
  static char text[1 << 16];
  size_t length = 0;
  struct data data = data_of(kind);
  size_t inputs = kind->input_size * B * T, count = kind->output_size * B * T;
  // Denormal inputs and states: with "denormals are zero" or without, they must count the same.
  for (size_t i = 0; i < MAXIMUM_VALUES; i += 3) data.inputs[i] = 1e-40f;
  IN_MODE(rill_model_create(kind->configuration, 7, NULL, &model));
  IN_MODE(rill_stream_create(model, B, NULL, &stream));
  if (kind->has_tokens)
    IN_MODE(rill_stream_run_tokens(stream, T, data.tokens, T * B, outputs, count));
  else
    IN_MODE(rill_stream_run(stream, T, data.inputs, inputs, outputs, count));
  hash = hash_bytes(hash, outputs, count * sizeof *outputs);
  if (kind->has_tokens)
    IN_MODE(rill_stream_step_tokens(stream, data.tokens, B, outputs, count / T));
  else
    IN_MODE(rill_stream_step(stream, data.inputs, inputs / T, outputs, count / T));
  hash = hash_bytes(hash, outputs, count / T * sizeof *outputs);
  // The state, taken, put back and passed on.
  static unsigned char saved[4096];
  IN_MODE(rill_stream_create(model, B, NULL, &other));
  IN_MODE(rill_stream_save_state(stream, saved, sizeof saved, &length));
  hash = hash_bytes(hash, saved, length);
  IN_MODE(rill_stream_reset(stream));
  IN_MODE(rill_stream_reset_lane(stream, 1));
  IN_MODE(rill_stream_copy(stream, other));
  IN_MODE(rill_stream_load_state(stream, saved, length));
  IN_MODE(rill_stream_copy_lane(stream, 0, other, 1));
  IN_MODE(rill_stream_get_state(other, kind->state, values, B * kind->state_size));
  hash = hash_bytes(hash, values, B * kind->state_size * sizeof *values);
  values[0] = 1e-40f;
  IN_MODE(rill_stream_set_state(other, kind->state, values, B * kind->state_size));
  IN_MODE(step_stream(kind, other, 0, outputs));
  hash = hash_bytes(hash, outputs, count / T * sizeof *outputs);
  IN_MODE(rill_batch_create(model, T, B, NULL, &batch));
  IN_MODE(fill_batch(kind, batch));
  IN_MODE(rill_trainer_create(model, 11, kind->training, &trainer));
  for (int i = 0; i < 3; i++) IN_MODE(rill_trainer_update(trainer, batch, &number));
  hash = hash_bytes(hash, &number, sizeof number);
  IN_MODE(rill_trainer_evaluate(trainer, batch));
  IN_MODE(rill_trainer_get_metric(trainer, "loss", &number));
  hash = hash_bytes(hash, &number, sizeof number);
  IN_MODE(rill_model_publish(model));
  IN_MODE(rill_stream_refresh(stream));
  IN_MODE(rill_stream_get_state(stream, kind->state, values, B * kind->state_size));
  hash = hash_bytes(hash, values, B * kind->state_size * sizeof *values);
  // A denormal, and decimals that round: written and read in every mode the same.
  for (size_t i = 0; i < kind->parameter_size; i++) values[i] = i % 5 == 0 ? 1.1e-42f : sample(i) * 1e-3f;
  IN_MODE(rill_model_set_parameter(model, kind->parameter, values, kind->parameter_size));
  IN_MODE(rill_model_save_text(model, "{\"encoding\": \"decimal\", \"self_test\": 2}", text, sizeof text, &length));
  hash = hash_bytes(hash, text, length);
  IN_MODE(rill_model_parse(text, length, NULL, &copy));
  if (copy) {
    uint64_t parameters = hash_parameters(copy);
    hash = hash_bytes(hash, &parameters, sizeof parameters);
    IN_MODE(run_model(kind, copy, outputs));
    hash = hash_bytes(hash, outputs, output_count_of(kind) * sizeof *outputs);
  }
  IN_MODE(rill_model_describe(model, text, sizeof text, &length));
  hash = hash_bytes(hash, text, length);
  // Failing calls keep the mode too.
  data.inputs[0] = NAN;
  IN_MODE(rill_stream_step(stream, data.inputs, inputs / T, outputs, count / T));
  IN_MODE(rill_stream_step(stream, data.inputs, 0, outputs, count / T));
  IN_MODE(rill_stream_load_state(stream, saved, 40));
  IN_MODE(rill_stream_reset_lane(stream, B));
  IN_MODE(rill_stream_copy(stream, NULL));
  IN_MODE(rill_stream_get_state(stream, "no.state", values, 1));
  IN_MODE(rill_trainer_update(trainer, NULL, NULL));
  IN_MODE(rill_model_run(model, T, B, NULL, 0, NULL, 0, outputs, count));
  rill_model *none;
  IN_MODE(rill_model_parse(text, length / 2, NULL, &none));
  rill_trainer_destroy(trainer);
  rill_batch_destroy(batch);
  rill_stream_destroy(stream);
  rill_stream_destroy(other);
  rill_model_destroy(copy);
  rill_model_destroy(model);
  return hash;
}

static uint64_t usual_results[KIND_COUNT];

static void results_are_the_same(const char *what) {
  for (size_t k = 0; k < KIND_COUNT; k++) CHECK(results_of(&KINDS[k]) == usual_results[k], "%s with %s", KINDS[k].name, what);
}

static void the_usual_mode_gives_the_usual_results(void) {
  for (size_t k = 0; k < KIND_COUNT; k++) usual_results[k] = results_of(&KINDS[k]);
  results_are_the_same("the usual mode");
}

static void flushing_denormals_changes_nothing(void) {
  mode_of_host = usual_mode | FLUSHING;
  results_are_the_same("denormals flushed by the host");
  mode_of_host = usual_mode;
}

static void rounding_changes_nothing(void) {
  const int roundings[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
  for (int i = 0; i < 3; i++) {
    // On x86-64 fesetround also sets the x87 unit, which the C library asks when it reads decimals: that half stays during the whole pass.
    REQUIRE(fesetround(roundings[i]) == 0);
    mode_of_host = get_mode();
    set_mode(usual_mode);
    int other_half = fegetround();
    results_are_the_same("another rounding");
    CHECK(fegetround() == other_half);
    fesetround(FE_TONEAREST);
  }
  mode_of_host = usual_mode;
}

/* CHECK_LOCALE names a locale with a decimal comma; LOCPATH may say where it is. */
static void a_decimal_comma_changes_nothing(void) {
  const char *name = getenv("CHECK_LOCALE");
  if (!name || !setlocale(LC_ALL, name)) {
    printf("     no locale with a decimal comma: not checked\n");
    return;
  }
  char number[16];
  snprintf(number, sizeof number, "%.1f", 0.5);
  CHECK(strcmp(number, "0,5") == 0, "the locale itself writes %s", number);
  results_are_the_same("a decimal comma");
  snprintf(number, sizeof number, "%.1f", 0.5);
  CHECK(strcmp(number, "0,5") == 0, "the locale afterwards writes %s", number);
  setlocale(LC_ALL, "C");
}

static void failing_calls_of_all_sorts(void) {
  rill_model *model;
  rill_model_load("no such file", NULL, &model);
  rill_model_load(".", NULL, &model);
  rill_model_parse("{\"format\": [}", 13, NULL, &model);
  rill_model_parse("{\"a\": \"\xff\"}", 10, NULL, &model);
  rill_model_create("{\"input\": 1e999}", 1, NULL, &model);
  rill_stream_step(NULL, NULL, 0, NULL, 0);
}

/* Both standard streams go to one file while everything is done; it stays empty. */
static void nothing_is_printed(void) {
  fflush(NULL);
  int file = open("printed.txt", O_CREAT | O_TRUNC | O_RDWR, 0600), out = dup(1), error = dup(2);
  REQUIRE(file >= 0 && dup2(file, 1) == 1 && dup2(file, 2) == 2);
  for (size_t k = 0; k < KIND_COUNT; k++) results_of(&KINDS[k]);
  failing_calls_of_all_sorts();
  fflush(NULL);
  off_t size = lseek(file, 0, SEEK_END);
  dup2(out, 1), dup2(error, 2), close(out), close(error), close(file);
  CHECK(size == 0, "%ld bytes", (long)size);
  remove("printed.txt");
}

/* Signal handlers, the signal mask, open files, the working folder and the umask. */
static uint64_t surroundings(void) {
  uint64_t hash = HASH_START;
  for (int number = 1; number < 32; number++) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    if (sigaction(number, NULL, &action) == 0) hash = hash_bytes(hash, &action.sa_handler, sizeof action.sa_handler);
  }
  sigset_t blocked;
  memset(&blocked, 0, sizeof blocked);
  sigprocmask(SIG_BLOCK, NULL, &blocked);
  hash = hash_bytes(hash, &blocked, sizeof blocked);
  int files = entry_count("/proc/self/fd"), threads = entry_count("/proc/self/task");
  char folder[4096];
  REQUIRE(getcwd(folder, sizeof folder));
  mode_t mask = umask(0);
  umask(mask);
  hash = hash_bytes(hash, &files, sizeof files);
  hash = hash_bytes(hash, &threads, sizeof threads);
  hash = hash_bytes(hash, &mask, sizeof mask);
  return hash_bytes(hash, folder, strlen(folder));
}

static void nothing_around_is_changed(void) {
  uint64_t before = surroundings();
  for (size_t k = 0; k < KIND_COUNT; k++) {
    struct world world = make_world(&KINDS[k]);
    rill_model *copy;
    CHECK_OK(rill_model_save(world.model, "around.json", NULL));
    CHECK_OK(rill_model_load("around.json", NULL, &copy));
    CHECK_REFUSED(rill_model_save(world.model, "missing/around.json", NULL), IO, "");
    CHECK_REFUSED(rill_model_save(world.model, ".", NULL), IO, "");
    rill_model_destroy(copy);
    destroy_world(&world);
  }
  failing_calls_of_all_sorts();
  CHECK(surroundings() == before);
  remove("around.json");
}

int main(void) {
  usual_mode = mode_of_host = get_mode();
  TEST(the_usual_mode_gives_the_usual_results);
  TEST(flushing_denormals_changes_nothing);
  TEST(rounding_changes_nothing);
  TEST(a_decimal_comma_changes_nothing);
  TEST(nothing_is_printed);
  TEST(nothing_around_is_changed);
  return finish();
}
