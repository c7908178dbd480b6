/* Whole sequences in one call, and training. */
#include "sections.h"
#include "timing.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAXIMUM_CONTENDERS = 2 + MAXIMUM_EXTRA_ENGINES };

/* ---------------------------------------------------------- whole sequences */

typedef struct {
  const engine *engine;
  void *network;
  float *inputs, *outputs;
} sequence;

static void run_sequence(void *context, long count) {
  sequence *it = context;
  for (long i = 0; i < count; i++) it->engine->run_sequence(it->network, it->inputs, it->outputs);
}

/* The interface has no way to free the network; a few are left over at the end. */
static sequence *make_sequence(const engine *engine, const shape *what, int T, int B) {
  if (!engine || !engine->make_sequence || !engine->run_sequence) return NULL;
  void *network = engine->make_sequence(what->cell, what->input_size, what->hidden_size, what->num_layers, T, B);
  if (!network) return NULL;
  sequence *it = bench_allocate(sizeof *it);
  size_t rows = (size_t)T * (size_t)B, values = rows * (size_t)what->input_size;
  *it =
      (sequence){engine, network, bench_allocate(values * sizeof(float)), bench_allocate(rows * (size_t)what->hidden_size * sizeof(float))};
  uint32_t state = 4;
  bench_fill(it->inputs, values, 1, &state);
  return it;
}

/* By how much the outputs differ from those of the first engine. */
static void report_differences(const char *name, const contender *contenders, int count, size_t values) {
  const sequence *first = contenders[0].context;
  for (int i = 1; first && i < count; i++) {
    const sequence *it = contenders[i].context;
    double largest = 0;
    for (size_t v = 0; it && v < values; v++) largest = fmax(largest, fabs((double)it->outputs[v] - (double)first->outputs[v]));
    if (it) report("sequence", name, contenders[i].label, "max_difference", largest);
  }
}

static void measure_sequence(int T, int B) {
  const shape what = {"lstm", 64, 256, 1};
  char name[96], network[64];
  snprintf(name, sizeof name, "%s T=%d B=%d", shape_name(&what, network), T, B);
  const engine *engines[MAXIMUM_CONTENDERS] = {find_engine("rill"), find_engine("onednn")};
  contender contenders[MAXIMUM_CONTENDERS] = {{.label = "rill"}, {.label = "onednn"}};
  int count = engines[1] ? 2 : 1;
  for (int i = 0; i < extra_engine_count; i++, count++) engines[count] = &extra_engines[i], contenders[count].label = extra_engines[i].name;
  for (int pass = 0; pass < bench_effort.passes; pass++) {
    for (int i = 0; i < count; i++) {
      contenders[i].run = run_sequence, contenders[i].reference = "rill";
      contenders[i].context = make_sequence(engines[i], &what, T, B);
    }
    measure_in_turn(contenders, count);
    if (pass == 0) report_differences(name, contenders, count, (size_t)T * (size_t)B * (size_t)what.hidden_size);
    for (int i = 0; i < count; i++) {
      sequence *it = contenders[i].context;
      if (it) free(it->inputs), free(it->outputs), free(it);
    }
  }
  double multiply_adds = 4.0 * what.hidden_size * (what.input_size + what.hidden_size) * T * B;
  report("sequence", name, "host", "flops", 2 * multiply_adds);
  report_contenders("sequence", name, contenders, count, 1);
}

void section_sequence(void) {
  progress("sequence");
  measure_sequence(200, 1);
  measure_sequence(200, 32);
}

/* ----------------------------------------------------------------- training */

typedef struct {
  const char *name, *kind, *cell;
  int input_size, hidden_size, num_layers, output_size, B, T;
} task;

typedef struct {
  const engine *engine;
  void *network;
  int *tokens, *classes;
  float *inputs, *targets, loss;
} training;

static void run_training(void *context, long count) {
  training *it = context;
  for (long i = 0; i < count; i++) it->loss = it->engine->train(it->network, it->tokens, it->classes, it->inputs, it->targets);
}

/* Data that can be learned, so that a falling loss shows that something is: the next token follows from the last one; a target is a
 * product of two inputs of the step before. */
static training *make_training(const engine *engine, const task *what) {
  if (!engine || !engine->make_training || !engine->train) return NULL;
  void *network = engine->make_training(what->kind, what->cell, what->input_size, what->hidden_size, what->num_layers, what->output_size,
                                        what->B, what->T, 1);
  if (!network) return NULL;
  training *it = bench_allocate(sizeof *it);
  int rows = what->T * what->B, inputs = what->input_size, outputs = what->output_size;
  *it = (training){.engine = engine, .network = network};
  it->tokens = bench_allocate((size_t)rows * sizeof(int)), it->classes = bench_allocate((size_t)rows * sizeof(int));
  it->inputs = bench_allocate((size_t)rows * (size_t)inputs * sizeof(float));
  it->targets = bench_allocate((size_t)rows * (size_t)outputs * sizeof(float));
  uint32_t state = 5;
  bench_fill(it->inputs, (size_t)rows * (size_t)inputs, 1, &state);
  for (int row = 0; row < rows; row++) {
    int before = row - what->B; /* the same sequence, one step earlier */
    it->tokens[row] = before < 0 ? row % inputs : it->classes[before];
    it->classes[row] = (7 * it->tokens[row] + 3) % inputs;
    if (before >= 0) it->targets[row * outputs] = it->inputs[before * inputs] * it->inputs[before * inputs + 1];
  }
  return it;
}

static void measure_training(const task *what) {
  const engine *engines[MAXIMUM_CONTENDERS] = {find_engine("rill")};
  contender contenders[MAXIMUM_CONTENDERS] = {{.label = "rill"}};
  float first_losses[MAXIMUM_CONTENDERS];
  int count = 1;
  for (int i = 0; i < extra_engine_count; i++, count++) engines[count] = &extra_engines[i], contenders[count].label = extra_engines[i].name;
  progress("training: %s", what->name);
  for (int i = 0; i < count; i++) {
    contenders[i].run = run_training, contenders[i].reference = "rill";
    training *it = contenders[i].context = make_training(engines[i], what);
    if (it) run_training(it, 1), first_losses[i] = it->loss;
  }
  for (int pass = 0; pass < bench_effort.passes; pass++) measure_in_turn(contenders, count);
  for (int i = 0; i < count; i++) {
    training *it = contenders[i].context;
    if (!it) continue;
    report("training", what->name, contenders[i].label, "loss_first", first_losses[i]);
    report("training", what->name, contenders[i].label, "loss_last", it->loss);
    free(it->tokens), free(it->classes), free(it->inputs), free(it->targets), free(it);
  }
  report("training", what->name, "host", "time_steps", what->T * what->B);
  report_contenders("training", what->name, contenders, count, 1);
}

void section_training(void) {
  static const task tasks[] = {{"a: characters lstm 65-128 B=50 T=50", "charlm", "lstm", 65, 128, 1, 65, 50, 50},
                               {"b: characters lstm 65-256-256 B=32 T=64", "charlm", "lstm", 65, 256, 2, 65, 32, 64},
                               {"c: regression gru 8-64 B=32 T=100", "reg", "gru", 8, 64, 1, 1, 32, 100}};
  for (int i = 0; i < 3; i++) measure_training(&tasks[i]);
}
