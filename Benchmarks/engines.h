/* engines.h - the engines that the host has opened, and the ways in which it uses them */
#ifndef BENCH_ENGINES_H
#define BENCH_ENGINES_H

#include "engine.h"

/* One shared object. Optional functions are NULL. */
typedef struct {
  const char *name;
  __typeof__(peer_new) *make;
  __typeof__(peer_step) *step;
  __typeof__(peer_free) *release;
  __typeof__(peer_seq_new) *make_sequence;
  __typeof__(peer_seq_run) *run_sequence;
} engine;

/* Engines that are not the project's own (ENGINES in the environment: paths, separated by blanks). */
enum { MAXIMUM_EXTRA_ENGINES = 8 };
extern engine extra_engines[MAXIMUM_EXTRA_ENGINES];
extern int extra_engine_count;

/* Opens NAME.so of each built-in engine that is in the folder, and the extra engines. Ends the program if one cannot be opened. */
void open_engines(const char *folder);

/* "rill", "plain-col", "plain-col-v3", "plain-row" or "onednn"; NULL if it was not built. */
const engine *find_engine(const char *name);

/* A way to use an engine: a column of a table. */
typedef struct {
  const char *label;
  const engine *engine;  /* NULL: not there */
  const char *isa;       /* RILL_ISA while a network is made, or NULL */
  const char *precision; /* BENCH_PRECISION while a network is made, or NULL */
  const char *reference; /* label of the variant to be divided by, or NULL */
} variant;

/* A network of a table. */
typedef struct {
  const char *cell;
  int input_size, hidden_size, num_layers;
} shape;

/* "lstm-1x40" or, with two layers, "lstm-1x40x2"; into a buffer of 64 bytes, which is returned. */
const char *shape_name(const shape *it, char *buffer);

/* A streaming network of a variant with inputs to step it with, as the context of a contender. */
typedef struct stepper stepper;
stepper *make_stepper(const variant *how, const shape *what); /* NULL: not supported */
void run_stepper(void *context, long count);
float step_once(stepper *it);
void free_stepper(stepper *it);

#endif /* BENCH_ENGINES_H */
