/* How far a step is from what the machine allows: its weights must be loaded, and its products computed. */
#include "rill_network.h"
#include "sections.h"
#include "timing.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What stands behind "name": in the description of a model; into a buffer of 32 bytes, "" if it is not there. */
static void describe_model(const rill_model *model, const char *name, char *text) {
  size_t length;
  *text = 0;
  if (bench_rill_failed(rill_model_describe(model, NULL, 0, &length), "describe")) return;
  char *description = bench_allocate(length + 1), key[64];
  if (bench_rill_failed(rill_model_describe(model, description, length + 1, &length), "describe")) exit(1);
  snprintf(key, sizeof key, "\"%s\":", name);
  const char *found = strstr(description, key);
  if (found) {
    found += strlen(key);
    found += strspn(found, " \"");
    snprintf(text, 32, "%.*s", (int)strcspn(found, "\",} \n"), found);
  }
  free(description);
}

void report_machine(void) {
  char text[32];
  rill_model *model = bench_rill_model("lstm", 1, 16, 1, BENCH_HEAD);
  if (!model) fail("there is no model");
  describe_model(model, "instruction_set", text);
  rill_model_destroy(model);
  printf("machine,,rill,instruction_set,%s\n", text);
}

static void measure_bounds(const shape *what, double multiply_adds_per_ns) {
  char name[64], text[32];
  shape_name(what, name);
  rill_model *model = bench_rill_model(what->cell, what->input_size, what->hidden_size, what->num_layers, BENCH_HEAD);
  if (!model) fail("%s: there is no model", name);
  describe_model(model, "multiply_adds", text);
  double multiply_adds = atof(text);
  describe_model(model, "float32", text); // in "weight_bytes"
  double weight_bytes = atof(text);
  rill_model_destroy(model);

  const variant rill = {"rill", find_engine("rill"), NULL, NULL, NULL};
  measure_step("limits", what, &rill, 1);
  double load_ns = weight_bytes / measure_bandwidth((unsigned long)weight_bytes), compute_ns = multiply_adds / multiply_adds_per_ns;
  report("limits", name, "machine", "multiply_adds", multiply_adds);
  report("limits", name, "machine", "weight_bytes", weight_bytes);
  report("limits", name, "machine", "load_bound_ns", load_ns);
  report("limits", name, "machine", "compute_bound_ns", compute_ns);
  report("limits", name, "machine", "bound_ns", fmax(load_ns, compute_ns));
}

void section_limits(void) {
  static const struct {
    const char *name;
    unsigned long bytes;
  } buffers[] = {{"16 KB", 16 << 10}, {"64 KB", 64 << 10}, {"320 KB", 320 << 10}, {"1.25 MB", 1280 << 10}, {"5 MB", 5120 << 10}};
  progress("limits");
  double multiply_adds_per_ns = measure_multiply_adds();
  report("limits", "multiply-adds", "machine", "gflops", 2 * multiply_adds_per_ns);
  for (int i = 0; i < 5; i++) report("limits", buffers[i].name, "machine", "gb_per_s", measure_bandwidth(buffers[i].bytes));
  for (int i = 0; i < GRID_COUNT; i++) measure_bounds(&(shape){"lstm", grid_sizes[i][0], grid_sizes[i][1], 1}, multiply_adds_per_ns);
}
