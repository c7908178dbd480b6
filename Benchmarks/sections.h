/* sections.h - the parts of a run; each writes its results by itself. README.md says what they measure. */
#ifndef BENCH_SECTIONS_H
#define BENCH_SECTIONS_H

#include "engines.h"

void report_machine(void);  /* which kernels Rill has chosen */
void check_agreement(void); /* ends the program when engines disagree */

void section_step(void);
void section_sizes(void);
void section_tail(void);
void section_precision(void);
void section_streams(void);
void section_blocks(void);
void section_silence(void);
void section_sequence(void);
void section_limits(void);

/* The sizes that most sections use, smallest first. */
enum { GRID_COUNT = 6 };
extern const int grid_sizes[GRID_COUNT][2]; /* inputs, hidden units */

/* Times one step of a network in several variants, and reports. */
void measure_step(const char *section, const shape *what, const variant *variants, int count);

/* One core's limits, measured: bytes per nanosecond of vector loads over a buffer of that many bytes, and multiply-adds per nanosecond. */
double measure_bandwidth(unsigned long bytes);
double measure_multiply_adds(void);

#endif /* BENCH_SECTIONS_H */
