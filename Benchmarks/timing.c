#include "timing.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

effort bench_effort;

void read_effort(void) {
  const char *quick = getenv("BENCH_QUICK");
  bench_effort.is_quick = quick && *quick && strcmp(quick, "0") != 0;
  bench_effort.chunk_ns = bench_effort.is_quick ? 2e5 : 2e6;
  bench_effort.passes = bench_effort.is_quick ? 1 : 10;
  bench_effort.rounds = bench_effort.is_quick ? 3 : 20;
}

double now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* Doubles the work until a chunk can be estimated well; what is done here warms up. */
static void calibrate(contender *it) {
  for (long count = 1;; count *= 2) {
    double start = now_ns();
    it->run(it->context, count);
    double elapsed = now_ns() - start;
    if (elapsed < bench_effort.chunk_ns / 4) continue;
    it->count = (long)((double)count * bench_effort.chunk_ns / elapsed);
    if (it->count < 1) it->count = 1;
    return;
  }
}

static void measure_chunk(contender *it) {
  if (it->count >= 10) it->run(it->context, it->count / 10);
  double start = now_ns();
  it->run(it->context, it->count);
  double elapsed = now_ns() - start;
  if (it->sample_count == it->sample_capacity) {
    it->sample_capacity = it->sample_capacity * 2 + 64;
    it->samples = realloc(it->samples, (size_t)it->sample_capacity * sizeof *it->samples);
    if (!it->samples) fail("out of memory");
  }
  it->samples[it->sample_count++] = elapsed / (double)it->count;
}

void measure_in_turn(contender *contenders, int count) {
  for (int i = 0; i < count; i++)
    if (contenders[i].context) calibrate(&contenders[i]);
  for (int round = 0; round < bench_effort.rounds; round++)
    for (int place = 0; place < count; place++) {
      contender *it = &contenders[(place + round) % count];
      if (it->context) measure_chunk(it);
    }
}

static const contender *find(const contender *contenders, int count, const char *label) {
  for (int i = 0; label && i < count; i++)
    if (strcmp(contenders[i].label, label) == 0 && contenders[i].sample_count > 0) return &contenders[i];
  return NULL;
}

void report_contenders(const char *section, const char *network, contender *contenders, int count, double divisor) {
  static const struct {
    const char *name;
    double share;
  } quantiles[] = {{"median_ns", 0.5}, {"min_ns", 0}, {"p10_ns", 0.1}, {"p25_ns", 0.25}, {"p75_ns", 0.75}, {"p90_ns", 0.9}};
  for (int i = 0; i < count; i++) {
    contender *it = &contenders[i];
    if (it->sample_count == 0) {
      report(section, network, it->label, "unsupported", 1);
      continue;
    }
    sort_values(it->samples, it->sample_count);
    for (int q = 0; q < 6; q++)
      report(section, network, it->label, quantiles[q].name, quantile(it->samples, it->sample_count, quantiles[q].share) / divisor);
    report(section, network, it->label, "chunks", it->sample_count);
  }
  for (int i = 0; i < count; i++) {
    const contender *it = &contenders[i], *reference = find(contenders, count, it->reference);
    if (it->sample_count == 0 || !reference) continue;
    report(section, network, it->label, "ratio",
           quantile(it->samples, it->sample_count, 0.5) / quantile(reference->samples, reference->sample_count, 0.5));
  }
  for (int i = 0; i < count; i++) {
    free(contenders[i].samples);
    contenders[i].samples = NULL, contenders[i].sample_count = contenders[i].sample_capacity = 0;
  }
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

void sort_values(double *values, int count) { qsort(values, (size_t)count, sizeof *values, compare); }

double quantile(const double *sorted, int count, double share) {
  int place = (int)(share * count);
  return sorted[place < count ? place : count - 1];
}

void report(const char *section, const char *network, const char *engine, const char *metric, double value) {
  printf("%s,%s,%s,%s,%.9g\n", section, network, engine, metric, value);
  fflush(stdout);
}

static void say(const char *format, va_list arguments) {
  fputs("bench: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
}

void progress(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  say(format, arguments);
  va_end(arguments);
}

void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  say(format, arguments);
  va_end(arguments);
  exit(1);
}

void *bench_allocate(unsigned long bytes) {
  size_t whole = (bytes + 63) / 64 * 64;
  void *memory = aligned_alloc(64, whole > 0 ? whole : 64);
  if (!memory) fail("out of memory");
  memset(memory, 0, whole);
  return memory;
}
