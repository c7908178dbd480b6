/* timing.h - times several things in turn, so that whatever disturbs the machine disturbs all of them */
#ifndef BENCH_TIMING_H
#define BENCH_TIMING_H

/* Nanoseconds of a monotonic clock. */
double now_ns(void);

/* How much is measured. Quick mode (BENCH_QUICK in the environment) shows only that everything works. */
typedef struct {
  int is_quick;
  double chunk_ns; /* length of a chunk */
  int passes;      /* times that everything is made anew, since speed depends on where the memory lies */
  int rounds;      /* chunks of each contender in a pass */
} effort;
extern effort bench_effort;
void read_effort(void);

/* One of the things that are timed in turn. */
typedef struct {
  const char *label;                      /* "engine" in the results */
  const char *reference;                  /* label of the contender to be divided by, or NULL */
  void (*run)(void *context, long count); /* does the work count times */
  void *context;                          /* NULL: not supported, which is reported */
  long count;                             /* times per chunk; 0: not known yet */
  double *samples;                        /* nanoseconds per time of the work, one per chunk */
  int sample_count, sample_capacity;
} contender;

/* One pass: bench_effort.rounds chunks of each contender. A chunk starts with a tenth of its work untimed, so that the caches hold its
 * own data and the clock is what it is for such work. The order turns from round to round. */
void measure_in_turn(contender *contenders, int count);

/* Writes the results of all passes (median_ns, min_ns, p10_ns, p25_ns, p75_ns, p90_ns, chunks, ratio of medians to the reference) and
 * frees the samples; `divisor` is the pieces that one time of the work consists of. */
void report_contenders(const char *section, const char *network, contender *contenders, int count, double divisor);

/* Sorts values; then quantile(values, count, 0.5) is the median. */
void sort_values(double *values, int count);
double quantile(const double *sorted, int count, double share);

/* One result: a line "section,network,engine,metric,value" on standard output. */
void report(const char *section, const char *network, const char *engine, const char *metric, double value);

/* A line of progress on standard error. */
void progress(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Ends the program with a message. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Memory in whole cache lines, filled with zeros; ends the program if there is none. */
void *bench_allocate(unsigned long bytes);

#endif /* BENCH_TIMING_H */
