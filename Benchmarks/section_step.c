/* Steps of streaming networks: engines against the yardstick, on the grid of sizes and off it, and Rill in lower precision. */
#include "sections.h"
#include "timing.h"
#include <math.h>
#include <stdlib.h>

const int grid_sizes[GRID_COUNT][2] = {{1, 16}, {1, 32}, {8, 64}, {32, 128}, {64, 256}, {128, 512}};
static const char *const cells[] = {"lstm", "gru", "rnn"};

enum { MAXIMUM_VARIANTS = 8 + MAXIMUM_EXTRA_ENGINES };

void measure_step(const char *section, const shape *what, const variant *variants, int count) {
  char name[64];
  shape_name(what, name);
  contender contenders[MAXIMUM_VARIANTS];
  for (int i = 0; i < count; i++)
    contenders[i] = (contender){.label = variants[i].label, .reference = variants[i].reference, .run = run_stepper};
  for (int pass = 0; pass < bench_effort.passes; pass++) {
    /* Where small arrays lie relative to large ones, modulo a page, can change the time of a step by a third: each pass has its own. */
    void *shift = bench_allocate(64 + 832 * (unsigned long)pass);
    for (int i = 0; i < count; i++) contenders[i].context = make_stepper(&variants[i], what);
    measure_in_turn(contenders, count);
    for (int i = 0; i < count; i++) free_stepper(contenders[i].context);
    free(shift);
  }
  report_contenders(section, name, contenders, count, 1);
}

/* All engines, and on x86-64 the lower instruction-set levels, into variants; returns how many. */
static int list_variants(variant *variants, int has_levels) {
  const engine *rill = find_engine("rill"), *onednn = find_engine("onednn"), *plain_v3 = find_engine("plain-col-v3");
  int count = 0;
  variants[count++] = (variant){"plain-col", find_engine("plain-col"), NULL, NULL, NULL};
  variants[count++] = (variant){"rill", rill, NULL, NULL, "plain-col"};
  for (int i = 0; i < extra_engine_count; i++)
    variants[count++] = (variant){extra_engines[i].name, &extra_engines[i], NULL, NULL, "plain-col"};
  if (!has_levels) return count;
  variants[count++] = (variant){"plain-row", find_engine("plain-row"), NULL, NULL, "plain-col"};
  if (onednn) variants[count++] = (variant){"onednn", onednn, NULL, NULL, "plain-col"};
#if defined(__x86_64__)
  if (plain_v3) {
    variants[count++] = (variant){"plain-col-v3", plain_v3, NULL, NULL, NULL};
    variants[count++] = (variant){"rill-v3", rill, "v3", NULL, "plain-col-v3"};
  }
  variants[count++] = (variant){"rill-baseline", rill, "baseline", NULL, "plain-col"};
#else
  (void)plain_v3;
#endif
  return count;
}

void section_step(void) {
  variant variants[MAXIMUM_VARIANTS];
  int count = list_variants(variants, 1);
  for (int cell = 0; cell < 3; cell++) {
    progress("step: %s", cells[cell]);
    for (int i = 0; i < GRID_COUNT; i++)
      measure_step("step", &(shape){cells[cell], grid_sizes[i][0], grid_sizes[i][1], 1}, variants, count);
    if (cell == 0) measure_step("step", &(shape){"lstm", 1, 40, 2}, variants, count);
  }
}

/* Sizes that no vector divides. */
void section_sizes(void) {
  static const int sizes[][2] = {{1, 20}, {1, 24}, {1, 40}, {8, 80}, {8, 100}, {32, 200}};
  variant variants[MAXIMUM_VARIANTS];
  int count = list_variants(variants, 0);
  progress("sizes");
  for (int cell = 0; cell < 2; cell++)
    for (int i = 0; i < 6; i++) measure_step("sizes", &(shape){cells[cell], sizes[i][0], sizes[i][1], 1}, variants, count);
}

/* The largest difference between two variants in a thousand steps; NAN if one of them is not supported. */
static double difference(const variant *a, const variant *b, const shape *what) {
  stepper *first = make_stepper(a, what), *second = make_stepper(b, what);
  double largest = first && second ? 0 : NAN;
  for (int i = 0; first && second && i < 1000; i++) {
    double distance = fabs((double)step_once(first) - (double)step_once(second));
    if (!(distance <= largest)) largest = distance; /* a NaN stays */
  }
  free_stepper(first), free_stepper(second);
  return largest;
}

void check_agreement(void) {
  static const shape shapes[] = {{"lstm", 8, 64, 1}, {"gru", 8, 64, 1}, {"rnn", 8, 64, 1}, {"lstm", 1, 40, 2}, {"gru", 1, 20, 1}};
  variant variants[MAXIMUM_VARIANTS];
  int count = list_variants(variants, 1);
  double worst = 0;
  for (int n = 0; n < 5; n++)
    for (int i = 1; i < count; i++) {
      char name[64];
      double distance = difference(&variants[0], &variants[i], &shapes[n]);
      int is_extra = i >= 2 && i < 2 + extra_engine_count, is_missing = isnan(distance) && is_extra;
      if (!is_missing) report("agreement", shape_name(&shapes[n], name), variants[i].label, "max_difference", distance);
      if (is_extra) continue; /* it may draw other weights */
      if (!(distance <= 1e-5))
        fail("%s: %s and plain-col differ by %g, which is more than 1e-5", shape_name(&shapes[n], name), variants[i].label, distance);
      if (distance > worst) worst = distance;
    }
  progress("engines agree to %.1e in 1000 steps of 5 networks", worst);
}

void section_precision(void) {
  const engine *rill = find_engine("rill");
  const variant variants[] = {
      {"float32", rill, NULL, NULL, NULL}, {"bfloat16", rill, NULL, "bfloat16", "float32"}, {"int8", rill, NULL, "int8", "float32"}};
  progress("precision");
  for (int cell = 0; cell < 2; cell++)
    for (int i = 2; i < GRID_COUNT; i++) {
      char name[64];
      shape what = {cells[cell], grid_sizes[i][0], grid_sizes[i][1], 1};
      measure_step("precision", &what, variants, 3);
      for (int v = 1; v < 3; v++) {
        double distance = difference(&variants[0], &variants[v], &what);
        if (!isnan(distance)) report("precision", shape_name(&what, name), variants[v].label, "max_difference", distance);
      }
    }
}
