/* train.c - trains with one engine, in a process of its own, so that its threads and its peak memory are its own
 *
 *   train ENGINE.so TASK CELL INPUTS HIDDEN LAYERS OUTPUTS T B THREADS
 *   train limit            prints what one core can multiply and add at best, in GFLOP/s
 *
 * training.py starts it beside other engines and gives them turns: it first prints "ready" and the losses of the first updates, or
 * "unsupported"; then it answers each line of standard input with one of its own.
 *
 *   run WARM COUNT         WARM updates that are not timed, then COUNT that are: nanoseconds of one
 *   parts COUNT            medians over COUNT updates: nanoseconds forward, backward, of clipping and Adam ("nan": not known)
 *   end                    peak resident memory in KiB, and the last loss
 */
#include "engine.h"
#include "sections.h"
#include "timing.h"
#include <dlfcn.h>
#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_LOSSES = 10, MAXIMUM_PARTS = 100 };

typedef struct {
  __typeof__(peer_train_step) *step;
  __typeof__(peer_train_parts) *parts; /* or NULL */
  void *network;
  int *tokens, *classes;
  float *inputs, *targets, loss;
} training;

static void update(training *it) { it->loss = it->step(it->network, it->tokens, it->classes, it->inputs, it->targets); }

static void run(training *it, long warm, long count) {
  for (long i = 0; i < warm; i++) update(it);
  double start = now_ns();
  for (long i = 0; i < count; i++) update(it);
  printf("%.9g\n", (now_ns() - start) / (double)count);
}

static void run_parts(training *it, int count) {
  double samples[3][MAXIMUM_PARTS], ns[3];
  for (int i = 0; it->parts && i < count; i++) {
    it->parts(it->network, it->tokens, it->classes, it->inputs, it->targets, ns);
    for (int part = 0; part < 3; part++) samples[part][i] = ns[part];
  }
  for (int part = 0; part < 3; part++) {
    int is_known = it->parts && !isnan(samples[part][0]);
    if (is_known) sort_values(samples[part], count);
    printf("%.9g%c", is_known ? quantile(samples[part], count, 0.5) : NAN, part < 2 ? ' ' : '\n');
  }
}

/* From /proc: what getrusage says contains the program that this process was before exec. */
static long peak_memory_kib(void) {
  FILE *file = fopen("/proc/self/status", "r");
  char line[256];
  long peak = 0;
  while (file && !peak && fgets(line, sizeof line, file)) sscanf(line, "VmHWM: %ld", &peak);
  if (file) fclose(file);
  return peak;
}

/* Data that can be learned, so that a falling loss shows that something is: the next token follows from the last one; a target is a
 * product of two inputs of the step before. training_peer.py makes the same. */
static void make_data(training *it, int rows, int B, int inputs, int outputs) {
  it->tokens = bench_allocate((size_t)rows * sizeof(int)), it->classes = bench_allocate((size_t)rows * sizeof(int));
  it->inputs = bench_allocate((size_t)rows * (size_t)inputs * sizeof(float));
  it->targets = bench_allocate((size_t)rows * (size_t)outputs * sizeof(float));
  uint32_t state = 5;
  bench_fill(it->inputs, (size_t)rows * (size_t)inputs, 1, &state);
  for (int row = 0; row < rows; row++) {
    int before = row - B; /* the same sequence, one step earlier */
    it->tokens[row] = before < 0 ? row % inputs : it->classes[before];
    it->classes[row] = (7 * it->tokens[row] + 3) % inputs;
    if (before >= 0) it->targets[row * outputs] = it->inputs[before * inputs] * it->inputs[before * inputs + 1];
  }
}

static int number(const char *text) {
  int value = atoi(text);
  if (value < 1 || value > 1 << 16) fail("train: %s: is not a size", text);
  return value;
}

int main(int count, char **arguments) {
  read_effort();
  if (count == 2 && strcmp(arguments[1], "limit") == 0) return printf("%.6g\n", 2 * measure_multiply_adds()) < 0;
  if (count != 11) fail("usage: train ENGINE.so TASK CELL INPUTS HIDDEN LAYERS OUTPUTS T B THREADS");
  int sizes[7];
  for (int i = 0; i < 7; i++) sizes[i] = number(arguments[4 + i]);
  int inputs = sizes[0], hidden = sizes[1], layers = sizes[2], outputs = sizes[3], T = sizes[4], B = sizes[5], threads = sizes[6];
  void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (!library) fail("%s", dlerror());
  fesetenv(FE_DFL_ENV); /* -ffast-math would flush denormals */
  __typeof__(peer_train_new) *make = (__typeof__(peer_train_new) *)dlsym(library, "peer_train_new");
  training it = {.step = (__typeof__(peer_train_step) *)dlsym(library, "peer_train_step"),
                 .parts = (__typeof__(peer_train_parts) *)dlsym(library, "peer_train_parts")};
  it.network = make && it.step ? make(arguments[2], arguments[3], inputs, hidden, layers, outputs, B, T, threads) : NULL;
  if (!it.network) return puts("unsupported") < 0;
  make_data(&it, T * B, B, inputs, outputs);
  printf("ready");
  for (int i = 0; i < FIRST_LOSSES; i++) update(&it), printf(" %.9g", (double)it.loss);
  puts("");
  char line[64];
  long warm, times;
  while (fflush(stdout) == 0 && fgets(line, sizeof line, stdin)) {
    if (sscanf(line, "run %ld %ld", &warm, &times) == 2 && times > 0)
      run(&it, warm, times);
    else if (sscanf(line, "parts %ld", &times) == 1 && times > 0)
      run_parts(&it, times > MAXIMUM_PARTS ? MAXIMUM_PARTS : (int)times);
    else if (strncmp(line, "end", 3) == 0)
      return printf("%ld %.9g\n", peak_memory_kib(), (double)it.loss) < 0;
    else
      fail("train: cannot read: %s", line);
  }
  return 1;
}
