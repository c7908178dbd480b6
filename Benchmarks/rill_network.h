/* rill_network.h - makes Rill models with the weights that engine.h defines */
#ifndef BENCH_RILL_NETWORK_H
#define BENCH_RILL_NETWORK_H

#include <rill.h>

/* What a model has beside its recurrent layer. */
enum {
  BENCH_HEAD = 1,    /* a dense head to one output */
  BENCH_NO_BIAS = 2, /* recurrent biases of zero, so that the state dies away in silence */
};

/* The model, published, for the caller to destroy; or NULL, with a line on standard error. */
rill_model *bench_rill_model(const char *cell, int input_size, int hidden_size, int num_layers, int flags);

/* A stream on a new model (which lives as long as the stream does), or NULL: options that this library does not know give NULL without
 * a word, anything else with a line on standard error. */
rill_stream *bench_rill_stream(const char *cell, int input_size, int hidden_size, int num_layers, int flags, int batch_size,
                               const char *options);

/* Sets all parameters of a model whose layers are recurrent ones of that cell, then a dense head to `outputs` (0: none). Returns whether
 * that failed, after a line on standard error. */
int bench_rill_set_parameters(rill_model *model, const char *cell, int input_size, int hidden_size, int num_layers, int outputs, int flags);

/* Says what failed, as an engine must: on standard error. Returns whether it did. */
int bench_rill_failed(rill_status status, const char *what);

#endif /* BENCH_RILL_NETWORK_H */
