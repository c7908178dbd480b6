/* Steps that are timed one by one: how much slower than the usual one are the slowest? */
#include "sections.h"
#include "timing.h"
#include <stdlib.h>

enum { CONTENDERS = 2 };

/* What reading the clock twice costs: it is part of every sample, and is taken off again. */
static double measure_clock(void) {
  enum { COUNT = 10001 };
  double *samples = bench_allocate(COUNT * sizeof *samples);
  for (int i = 0; i < COUNT; i++) {
    double start = now_ns();
    samples[i] = now_ns() - start;
  }
  sort_values(samples, COUNT);
  double median = quantile(samples, COUNT, 0.5);
  free(samples);
  return median;
}

static void time_steps(stepper *it, double *samples, int count) {
  run_stepper(it, 10);
  for (int i = 0; i < count; i++) {
    double start = now_ns();
    step_once(it);
    samples[i] = now_ns() - start;
  }
}

static void measure_tail(const shape *what, const variant *variants, double clock) {
  enum { BLOCK = 200 };
  int count = bench_effort.is_quick ? 2000 : 100000;
  char name[64];
  shape_name(what, name);
  stepper *steppers[CONTENDERS];
  double *samples[CONTENDERS];
  for (int i = 0; i < CONTENDERS; i++) {
    steppers[i] = make_stepper(&variants[i], what);
    if (!steppers[i]) fail("%s: %s makes no network", name, variants[i].label);
    samples[i] = bench_allocate((unsigned long)count * sizeof(double));
    run_stepper(steppers[i], 1000);
  }
  for (int start = 0; start < count; start += BLOCK)
    for (int i = 0; i < CONTENDERS; i++) time_steps(steppers[i], samples[i] + start, BLOCK);
  for (int i = 0; i < CONTENDERS; i++) {
    sort_values(samples[i], count);
    double median = quantile(samples[i], count, 0.5) - clock, slow = quantile(samples[i], count, 0.999) - clock;
    report("tail", name, variants[i].label, "p50_ns", median);
    report("tail", name, variants[i].label, "p999_ns", slow);
    report("tail", name, variants[i].label, "tail_ratio", slow / median);
    free_stepper(steppers[i]);
    free(samples[i]);
  }
}

void section_tail(void) {
  static const char *const cells[] = {"lstm", "gru", "rnn"};
  const variant variants[CONTENDERS] = {{"rill", find_engine("rill"), NULL, NULL, NULL},
                                        {"plain-col", find_engine("plain-col"), NULL, NULL, NULL}};
  double clock = measure_clock();
  progress("tail");
  report("tail", "clock", "host", "p50_ns", clock);
  for (int cell = 0; cell < 3; cell++)
    for (int i = 0; i < 4; i++) measure_tail(&(shape){cells[cell], grid_sizes[i][0], grid_sizes[i][1], 1}, variants, clock);
}
