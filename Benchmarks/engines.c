#include "engines.h"
#include "timing.h"
#include <dlfcn.h>
#include <fenv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

engine extra_engines[MAXIMUM_EXTRA_ENGINES];
int extra_engine_count;

static engine built_in[5];
static const char *const built_in_names[] = {"rill", "plain-col", "plain-col-v3", "plain-row", "onednn"};

/* The extra engine's label: its file's name without what follows the first dot, so that two builds of one engine can be told apart. */
static const char *file_label(const char *path) {
  const char *slash = strrchr(path, '/'), *start = slash ? slash + 1 : path;
  char *label = strndup(start, strcspn(start, ".,"));
  if (!label || !*label) fail("%s: has no name", path);
  return label;
}

static engine open_engine(const char *path) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) fail("%s", dlerror());
  __typeof__(peer_name) *name = (__typeof__(peer_name) *)dlsym(library, "peer_name");
  engine it = {
      .make = (__typeof__(peer_new) *)dlsym(library, "peer_new"),
      .step = (__typeof__(peer_step) *)dlsym(library, "peer_step"),
      .release = (__typeof__(peer_free) *)dlsym(library, "peer_free"),
      .make_sequence = (__typeof__(peer_seq_new) *)dlsym(library, "peer_seq_new"),
      .run_sequence = (__typeof__(peer_seq_run) *)dlsym(library, "peer_seq_run"),
  };
  if (!name || !it.make || !it.step) fail("%s: peer_name, peer_new or peer_step is missing", path);
  it.name = name();
  return it;
}

void open_engines(const char *folder) {
  for (int i = 0; i < 5; i++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.so", folder, built_in_names[i]);
    if (access(path, R_OK) == 0) built_in[i] = open_engine(path);
  }
  const char *extra = getenv("ENGINES");
  char *paths = strdup(extra ? extra : ""), *rest = NULL;
  for (char *path = strtok_r(paths, " ", &rest); path; path = strtok_r(NULL, " ", &rest)) {
    if (extra_engine_count == MAXIMUM_EXTRA_ENGINES) fail("ENGINES: more than %d", MAXIMUM_EXTRA_ENGINES);
    char *whole = realpath(path, NULL); /* a name without a slash would be looked for among the system's libraries */
    if (!whole) fail("ENGINES: %s: cannot be read", path);
    extra_engines[extra_engine_count] = open_engine(whole);
    free(whole);
    extra_engines[extra_engine_count++].name = file_label(path);
  }
  free(paths);
  /* A library that was linked with -ffast-math has told the processor to flush denormals, for the whole thread. */
  fesetenv(FE_DFL_ENV);
}

const engine *find_engine(const char *name) {
  for (int i = 0; i < 5; i++)
    if (built_in[i].name && strcmp(built_in_names[i], name) == 0) return &built_in[i];
  return NULL;
}

const char *shape_name(const shape *it, char *buffer) {
  int length = snprintf(buffer, 64, "%s-%dx%d", it->cell, it->input_size, it->hidden_size);
  if (it->num_layers > 1) snprintf(buffer + length, 64 - (size_t)length, "x%d", it->num_layers);
  return buffer;
}

enum { INPUT_COUNT = 64 }; /* different inputs, so that no step is like the one before */

struct stepper {
  const engine *engine;
  void *network;
  float *inputs;
  int input_size, place;
  float output[16]; /* room for an engine that writes a whole vector */
};

static void set(const char *name, const char *value) {
  if (value)
    setenv(name, value, 1);
  else
    unsetenv(name);
}

stepper *make_stepper(const variant *how, const shape *what) {
  if (!how->engine) return NULL;
  set("RILL_ISA", how->isa);
  set("BENCH_PRECISION", how->precision);
  void *network = how->engine->make(what->cell, what->input_size, what->hidden_size, what->num_layers);
  set("RILL_ISA", NULL);
  set("BENCH_PRECISION", NULL);
  if (!network) return NULL;
  stepper *it = bench_allocate(sizeof *it);
  *it = (stepper){.engine = how->engine, .network = network, .input_size = what->input_size};
  it->inputs = bench_allocate(INPUT_COUNT * sizeof(float) * (unsigned long)what->input_size);
  uint32_t state = 2;
  bench_fill(it->inputs, INPUT_COUNT * (size_t)what->input_size, 1, &state);
  return it;
}

void run_stepper(void *context, long count) {
  stepper *it = context;
  for (long i = 0; i < count; i++) step_once(it);
}

float step_once(stepper *it) {
  const float *input = it->inputs + it->place * it->input_size;
  it->place = (it->place + 1) % INPUT_COUNT;
  it->engine->step(it->network, input, it->output);
  return it->output[0];
}

void free_stepper(stepper *it) {
  if (!it) return;
  if (it->engine->release) it->engine->release(it->network);
  free(it->inputs);
  free(it);
}
