/* load.c - what a host pays before the first step, in a process that has just started
 *
 *   load LIBRARY prepare FOLDER     writes small.json (an lstm of 32 units), decimal.json and base64.json (the same million parameters)
 *   load LIBRARY first MODEL        opens the library, parses the model from memory, makes one step; a line of results for each
 *   load LIBRARY file MODEL         loads a model file; the time without opening the library
 *
 * It is not linked to Rill, so that opening the library is part of what it times. Run each several times.
 */
#include <dlfcn.h>
#include <rill.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void stop(const char *what, const char *why) {
  fprintf(stderr, "load: %s: %s\n", what, why);
  exit(1);
}

static void *find(void *library, const char *name) {
  void *function = dlsym(library, name);
  if (!function) stop(name, "is not in the library");
  return function;
}
#define FIND(library, name) ((__typeof__(name) *)find(library, #name))

static void result(const char *network, const char *metric, double value) { printf("load,%s,rill,%s,%.9g\n", network, metric, value); }

static void prepare(void *library, const char *folder) {
  static const struct {
    const char *file, *configuration, *options;
  } models[] = {
      {"small.json",
       "{\"input\": {\"kind\": \"vector\", \"size\": 1}, \"layers\": [{\"type\": \"lstm\", \"hidden_size\": 32},"
       " {\"type\": \"dense\", \"output_size\": 1}]}",
       NULL},
      {"decimal.json",
       "{\"input\": {\"kind\": \"vector\", \"size\": 16}, \"layers\": [{\"type\": \"lstm\", \"hidden_size\": 491},"
       " {\"type\": \"dense\", \"output_size\": 1}]}",
       "{\"encoding\": \"decimal\"}"},
      {"base64.json",
       "{\"input\": {\"kind\": \"vector\", \"size\": 16}, \"layers\": [{\"type\": \"lstm\", \"hidden_size\": 491},"
       " {\"type\": \"dense\", \"output_size\": 1}]}",
       "{\"encoding\": \"base64\"}"},
  };
  for (int i = 0; i < 3; i++) {
    char path[4096];
    rill_model *model;
    snprintf(path, sizeof path, "%s/%s", folder, models[i].file);
    if (FIND(library, rill_model_create)(models[i].configuration, 1, NULL, &model) != RILL_OK ||
        FIND(library, rill_model_save)(model, path, models[i].options) != RILL_OK)
      stop(path, FIND(library, rill_last_error_message)());
    FIND(library, rill_model_destroy)(model);
  }
}

/* The whole file, for the caller to free. */
static char *read_file(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END) != 0) stop(path, "cannot be read");
  *length = (size_t)ftell(file);
  rewind(file);
  char *text = malloc(*length + 1);
  if (!text || fread(text, 1, *length, file) != *length) stop(path, "cannot be read");
  fclose(file);
  return text;
}

int main(int count, char **arguments) {
  if (count != 4) stop("usage", "load LIBRARY prepare|first|file PATH");
  size_t length = 0;
  int is_first = strcmp(arguments[2], "first") == 0;
  char *text = is_first ? read_file(arguments[3], &length) : NULL;

  double start = now_us();
  void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (!library) stop(arguments[1], dlerror());
  double opened = now_us();
  rill_model *model;
  if (is_first) {
    rill_stream *stream;
    float input = 0.5f, output;
    rill_status status = FIND(library, rill_model_parse)(text, length, NULL, &model);
    double parsed = now_us();
    if (status == RILL_OK) status = FIND(library, rill_stream_create)(model, 1, NULL, &stream);
    if (status == RILL_OK) status = FIND(library, rill_stream_step)(stream, &input, 1, &output, 1);
    double stepped = now_us();
    if (status != RILL_OK) stop(arguments[3], FIND(library, rill_last_error_message)());
    result("lstm-1x32 from memory", "open_us", opened - start);
    result("lstm-1x32 from memory", "parse_us", parsed - opened);
    result("lstm-1x32 from memory", "first_step_us", stepped - parsed);
    result("lstm-1x32 from memory", "total_us", stepped - start);
  } else if (strcmp(arguments[2], "file") == 0) {
    const char *slash = strrchr(arguments[3], '/');
    if (FIND(library, rill_model_load)(arguments[3], NULL, &model) != RILL_OK) stop(arguments[3], FIND(library, rill_last_error_message)());
    result(slash ? slash + 1 : arguments[3], "total_us", now_us() - opened);
  } else if (strcmp(arguments[2], "prepare") == 0) {
    prepare(library, arguments[3]);
  } else {
    stop(arguments[2], "is none of prepare, first, file");
  }
  free(text);
  return 0;
}
