/* Whole sequences in one call. */
#include "sections.h"
#include "timing.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAXIMUM_CONTENDERS = 2 + MAXIMUM_EXTRA_ENGINES };

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
