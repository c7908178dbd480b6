/* What only Rill's own interface offers: many sequences in one stream, blocks of steps, and what silence costs. */
#include "rill_network.h"
#include "sections.h"
#include "timing.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  rill_stream *stream;
  float *inputs, *outputs;
  size_t batch_size, input_size, block; /* block: steps that a call runs, 0 for single steps */
} load;

static load *make_load(const shape *what, int flags, size_t batch_size, size_t block) {
  load *it = bench_allocate(sizeof *it);
  *it = (load){.batch_size = batch_size, .input_size = (size_t)what->input_size, .block = block};
  it->stream =
      bench_rill_stream(what->cell, what->input_size, what->hidden_size, what->num_layers, BENCH_HEAD | flags, (int)batch_size, NULL);
  if (!it->stream) fail("there is no stream");
  size_t steps = 64, values = steps * batch_size * it->input_size;
  it->inputs = bench_allocate(values * sizeof(float));
  it->outputs = bench_allocate(steps * batch_size * sizeof(float));
  uint32_t state = 3;
  bench_fill(it->inputs, values, 1, &state);
  return it;
}

static void free_load(load *it) {
  rill_stream_destroy(it->stream);
  free(it->inputs), free(it->outputs), free(it);
}

/* count steps, each of a row of the inputs, 64 of which make a block */
static void run_steps(void *context, long count) {
  load *it = context;
  size_t row = it->batch_size * it->input_size;
  for (long i = 0; i < count; i++)
    if (rill_stream_step(it->stream, it->inputs + (size_t)(i % 64) * row, row, it->outputs, it->batch_size) != RILL_OK)
      fail("step: %s", rill_last_error_message());
}

/* count blocks of 64 steps: in one call, or in 64 */
static void run_blocks(void *context, long count) {
  load *it = context;
  size_t values = 64 * it->batch_size * it->input_size;
  for (long i = 0; i < count; i++)
    if (it->block == 0)
      run_steps(it, 64);
    else if (rill_stream_run(it->stream, 64, it->inputs, values, it->outputs, 64 * it->batch_size) != RILL_OK)
      fail("run: %s", rill_last_error_message());
}

void section_streams(void) {
  enum { COUNT = 6 };
  static const char *const labels[COUNT] = {"B=1", "B=2", "B=4", "B=8", "B=16", "B=32"};
  const shape what = {"lstm", 64, 256, 1};
  contender contenders[COUNT];
  char name[64];
  progress("streams");
  for (int i = 0; i < COUNT; i++) contenders[i] = (contender){.label = labels[i], .reference = "B=1", .run = run_steps};
  for (int pass = 0; pass < bench_effort.passes; pass++) {
    for (int i = 0; i < COUNT; i++) contenders[i].context = make_load(&what, 0, (size_t)1 << i, 0);
    measure_in_turn(contenders, COUNT);
    for (int i = 0; i < COUNT; i++) free_load(contenders[i].context);
  }
  report_contenders("streams", shape_name(&what, name), contenders, COUNT, 1);
}

void section_blocks(void) {
  static const shape shapes[] = {{"lstm", 8, 64, 1}, {"lstm", 64, 256, 1}, {"gru", 8, 64, 1}, {"gru", 64, 256, 1}};
  progress("blocks");
  for (int n = 0; n < 4; n++) {
    char name[64];
    contender contenders[] = {{.label = "64 steps", .run = run_blocks}, {.label = "one run", .reference = "64 steps", .run = run_blocks}};
    for (int pass = 0; pass < bench_effort.passes; pass++) {
      for (int i = 0; i < 2; i++) contenders[i].context = make_load(&shapes[n], 0, 1, i == 0 ? 0 : 64);
      measure_in_turn(contenders, 2);
      for (int i = 0; i < 2; i++) free_load(contenders[i].context);
    }
    report_contenders("blocks", shape_name(&shapes[n], name), contenders, 2, 64);
  }
}

static double time_steps(load *it, long count) {
  double start = now_ns();
  run_steps(it, count);
  return (now_ns() - start) / (double)count;
}

/* Without biases the state dies away in silence. On its way to zero it passes the denormal numbers, which slow a processor down
 * a hundredfold unless they are flushed, and a state that never reaches zero would stay among them. */
static void measure_silence(const shape *what, int repeats, long long_silence) {
  static const char *const labels[] = {"loud", "first thousand", "after a million"};
  double *samples[3];
  char name[64];
  shape_name(what, name);
  for (int i = 0; i < 3; i++) samples[i] = bench_allocate((unsigned long)repeats * sizeof(double));
  load *it = make_load(what, BENCH_NO_BIAS, 1, 0);
  size_t values = 64 * it->input_size;
  float *loud = it->inputs, *silent = bench_allocate(values * sizeof(float));
  for (int r = 0; r < repeats; r++) {
    it->inputs = loud;
    rill_stream_reset(it->stream);
    run_steps(it, 1000);
    samples[0][r] = time_steps(it, 1000);
    it->inputs = silent;
    samples[1][r] = time_steps(it, 1000);
    run_steps(it, long_silence - 1000);
    // Some thousands: an interrupt in a single one would weigh as much as the steps.
    double thousands[9];
    for (int i = 0; i < 9; i++) thousands[i] = time_steps(it, 1000);
    sort_values(thousands, 9);
    samples[2][r] = quantile(thousands, 9, 0.5);
  }
  for (int i = 0; i < 3; i++) sort_values(samples[i], repeats);
  double first = quantile(samples[0], repeats, 0.5);
  for (int i = 0; i < 3; i++) {
    double median = quantile(samples[i], repeats, 0.5);
    report("silence", name, labels[i], "median_ns", median);
    if (i > 0) report("silence", name, labels[i], "ratio", median / first);
    free(samples[i]);
  }
  it->inputs = loud;
  free(silent), free_load(it);
}

void section_silence(void) {
  static const shape shapes[] = {{"lstm", 1, 32, 1}, {"gru", 1, 32, 1}, {"rnn", 1, 32, 1}, {"lstm", 8, 64, 1}};
  progress("silence");
  for (int n = 0; n < 4; n++) measure_silence(&shapes[n], bench_effort.is_quick ? 1 : 11, bench_effort.is_quick ? 20000 : 1000000);
}
