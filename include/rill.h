/* rill.h - recurrent neural networks inside a host program
 *
 * A host creates or loads a model, steps it one time step at a time with the state kept inside, and trains it, all in
 * process, through this header. This file is the specification: what it does not promise, do not rely on.
 *
 * A WHOLE PROGRAM
 *
 * Build it with: cc -o demo demo.c $(pkg-config --cflags --libs rill) -lm
 *
 * @program
 * #include <math.h>
 * #include <rill.h>
 * #include <stdio.h>
 *
 * enum { T = 50, B = 8 }; // time steps, sequences in a batch
 *
 * static int failed(rill_status status) {
 *   if (status != RILL_OK) fprintf(stderr, "%s: %s\n", rill_status_name(status), rill_last_error_message());
 *   return status != RILL_OK;
 * }
 *
 * int main(void) {
 *   rill_model *model;
 *   rill_trainer *trainer;
 *   rill_batch *batch;
 *   rill_stream *stream;
 *   static float inputs[T * B], targets[T * B]; // [time][sequence][1]
 *   double loss = 0;
 *   float y = 0;
 *
 *   // 1. A model: what it takes in, its layers, and the seed of its random start.
 *   if (failed(rill_model_create("{\"input\": {\"kind\": \"vector\", \"size\": 1},"
 *                                " \"layers\": [{\"type\": \"lstm\", \"hidden_size\": 16}, {\"type\": \"dense\", \"output_size\": 1}]}",
 *                                42, NULL, &model))) return 1;
 *
 *   // 2. Train it to say the next value of a sine wave.
 *   for (int t = 0; t < T; t++)
 *     for (int b = 0; b < B; b++) {
 *       inputs[t * B + b] = sinf(0.2f * (float)t + (float)b);
 *       targets[t * B + b] = sinf(0.2f * (float)(t + 1) + (float)b);
 *     }
 *   if (failed(rill_trainer_create(model, 1, "{\"loss\": \"mse\", \"clip_norm\": 1, \"optimizer\": {\"type\": \"adam\","
 *                                  " \"learning_rate\": 0.01}}", &trainer))) return 1;
 *   if (failed(rill_batch_create(model, T, B, NULL, &batch))) return 1;
 *   if (failed(rill_batch_set_inputs(batch, inputs, T * B)) || failed(rill_batch_set_targets(batch, targets, T * B))) return 1;
 *   for (int i = 0; i < 200; i++)
 *     if (failed(rill_trainer_update(trainer, batch, &loss))) return 1;
 *   printf("mean squared error %.6f\n", loss);
 *
 *   // 3. Hand the new parameters over to streams, and keep them in a file.
 *   if (failed(rill_model_publish(model)) || failed(rill_model_save(model, "sine.json", NULL))) return 1;
 *
 *   // 4. Stream: one value in, one prediction out; the state stays inside.
 *   if (failed(rill_stream_create(model, 1, NULL, &stream))) return 1;
 *   for (int t = 0; t < T; t++)
 *     if (failed(rill_stream_step(stream, &inputs[t * B], 1, &y, 1))) return 1;
 *   printf("predicted %.3f, true %.3f\n", y, targets[(T - 1) * B]);
 *
 *   rill_stream_destroy(stream);
 *   rill_batch_destroy(batch);
 *   rill_trainer_destroy(trainer);
 *   rill_model_destroy(model);
 *   return 0;
 * }
 * @end
 *
 * THE OBJECTS
 *
 *   rill_model     architecture and parameters; streams read published snapshots of the parameters
 *   rill_stream    the live state of some sequences that are stepped together, and room to compute in
 *   rill_batch     a batch of whole sequences with their targets, to train or evaluate on
 *   rill_trainer   an optimizer and its memory; it writes the parameters of its model
 *
 * GENERAL RULES (they hold everywhere unless a declaration says otherwise)
 *
 * Status. A function that can fail returns rill_status: RILL_OK (0), or a negative RILL_ERROR_ code, with one line about
 * the fault in rill_last_error_message() of the calling thread. After a failure output arrays are untouched, handle
 * out-parameters are NULL, and every handle passed in is usable as before. Nothing here prints, exits, aborts, installs
 * handlers or keeps global state, and no thread is started but for the trainer option "threads".
 *
 * Ownership. A function copies what it is given; no pointer is kept after it returns. Handles hold on to what they need:
 * destroy them in any order, from any thread. Every _destroy function accepts NULL. Text and bytes go out into the caller's
 * buffer: the call always sets *length to the size of the whole result in bytes (a terminating NUL of text not counted);
 * with buffer NULL and capacity 0 it does only that. If the result, with the NUL of text, is longer than capacity, nothing is
 * written to buffer and RILL_ERROR_ARGUMENT is returned; *length is set all the same, so that the second call can be right.
 *
 * Arrays. Each pointer to an array is followed by its count of elements (not bytes), which must be exactly what the shape
 * says; otherwise RILL_ERROR_ARGUMENT names the count that was expected. Arrays are dense, row-major, the last dimension
 * contiguous. Sequences are time-major: [sequence_length][batch_size][size]. Values are float32 and must be finite; tokens and
 * classes are int32.
 * Output arrays must not overlap input arrays, but a step may write over its own input, and a stream's run too if output_size is at
 * most input_size and both arrays are the same.
 *
 * Input kind. A model reads vectors ("kind": "vector": input_size floats per time step) or tokens ("kind": "token": one int32
 * in 0 ..< input_size per time step, meaning a one-hot vector or a row of an embedding). Functions ending in _tokens are for
 * the second kind; the wrong one returns RILL_ERROR_STATE. Token -1 is the zero vector: textbook generation starts with it.
 *
 * Output kind. A model gives one output per time step, or, if its last recurrent layer has "return_sequences": false, one per
 * sequence: then outputs, targets and classes of whole sequences have no time dimension, while a stream's step and run
 * give, at each step, the answer as if the sequence ended there.
 *
 * Threads. A model may be used from any number of threads. Its parameters have one user at a time: get, set, save, update and
 * evaluate return RILL_ERROR_STATE when another thread is in one of them on the same model. Streams never wait for that:
 * they compute from the snapshot they pinned. A stream, a batch and a trainer are used by one thread at a time; a batch may be
 * read by several trainers at once.
 *
 * Real time. rill_stream_step, _run, _reset, _copy, _get_state, _set_state, _save_state, _load_state and _refresh with
 * their variants allocate nothing, free nothing, take no lock and make no system call. (A failing call also formats its
 * message without allocating.)
 *
 * Numbers. Computation is in float32, round to nearest, with denormals flushed to zero, whatever mode the host has set; the
 * host's mode is restored on return. On one machine the same inputs give the same bits from step, run and rill_model_run, in
 * any batch; a stream of smaller weights ("precision") gives its own bits, the same from its step and run. On x86-64 a model takes the best instruction-set level of the processor when it is created or loaded; the environment
 * variable RILL_ISA ("baseline" or "v3") lowers it; the baseline differs in the last bits.
 *
 * Options. Parameters named options, and configuration, are JSON text (NUL-terminated, UTF-8). options may be NULL or "{}" for
 * the defaults. A key that is not listed is an error. Names, units and defaults of every layer stand in docs/model-format.md.
 *
 * Limits. Input, hidden and output sizes up to 65536 (tokens: 1048576), 64 layers with up to 16 cells each, 2^28 parameter values,
 * batch sizes up to 65536, whole sequences up to 2^31 - 1 steps, names up to 64 bytes, model files up to 2 GiB. Beyond them:
 * RILL_ERROR_ARGUMENT or RILL_ERROR_FORMAT.
 */
#ifndef RILL_H
#define RILL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ version */

/* Versions follow semver.org. Before 1.0 a minor version may change the interface; then the soname changes too. */
#define RILL_VERSION_MAJOR 0
#define RILL_VERSION_MINOR 1
#define RILL_VERSION_PATCH 0
#define RILL_VERSION_NUMBER 1000 /* major * 1000000 + minor * 1000 + patch */
#define RILL_VERSION_STRING "0.1.0"

/* Version of the model files that this version writes, and the oldest it reads. A newer file is refused, and the message says so. */
#define RILL_FORMAT_VERSION 1
#define RILL_FORMAT_VERSION_OLDEST 1

/* What the linked library says of the same four; compare them with the macros after a dlopen. Never fail; any thread.
 * The string is static. */
int32_t rill_version_number(void);
const char *rill_version_string(void);
int32_t rill_format_version(void);
int32_t rill_format_version_oldest(void);

/* ------------------------------------------------------------------- errors */

typedef int32_t rill_status;

/* Codes are never renumbered; new ones may be added, so treat every negative value as a failure. */
enum {
  RILL_OK = 0,
  RILL_ERROR_ARGUMENT = -1,    /* a parameter is NULL, out of range, not finite, or has the wrong count or name */
  RILL_ERROR_STATE = -2,       /* the call does not fit this object now: wrong input kind, missing targets, in use, needs reset */
  RILL_ERROR_FORMAT = -3,      /* JSON text, a model file or a saved state is broken or says something impossible */
  RILL_ERROR_IO = -4,          /* a file could not be opened, read or written */
  RILL_ERROR_MEMORY = -5,      /* an allocation failed */
  RILL_ERROR_UNSUPPORTED = -6, /* well-formed, but a combination that this version does not offer */
  RILL_ERROR_DIVERGED = -7,    /* a loss, gradient, parameter or state became infinite or NaN */
  RILL_ERROR_INTERNAL = -8     /* a defect in this library; please report it */
};

/* The last failure of the calling thread, one line of UTF-8 without a final newline; "" before any. It names the parameter,
 * shape or JSON path at fault. The text lives until the next failing call of the same thread. A success does not clear it.
 * Never fails, never returns NULL. */
const char *rill_last_error_message(void);

/* "ok", "argument", "state", "format", "io", "memory", "unsupported", "diverged", "internal"; "unknown" for any other value.
 * Static text. Never fails; any thread. */
const char *rill_status_name(rill_status status);

/* -------------------------------------------------------------------- model */

/* Architecture and parameters. Parameters are written by name or by a trainer; publishing packs them into an immutable
 * snapshot, which is what streams and rill_model_run compute with. A model publishes by itself when it is created or loaded. */
typedef struct rill_model rill_model;

/* Creates a model with random parameters.
 *   configuration  JSON as in a model file (docs/model-format.md) without "parameters":
 *                  {"input": {"kind": "vector" | "token", "size": n, "shift": [...], "scale": [...]},
 *                   "layers": [{"type": "lstm", "hidden_size": n, ...}, ...], "output": {"shift": [...], "scale": [...]},
 *                   "name": "...", "metadata": {...}}; "format", "format_version" and "kind" may stand in it too
 *   seed           the same seed and configuration give the same parameters on every machine
 *   options        no keys yet
 *   model          out: the caller destroys it; NULL on failure
 * Recurrent weights start uniform in +-1/sqrt(hidden_size), dense ones in +-1/sqrt(inputs), embeddings normal(0, 1), the
 * forget gate's bias at "forget_bias". Errors: ARGUMENT, FORMAT (naming the JSON path), UNSUPPORTED, MEMORY. */
rill_status rill_model_create(const char *configuration, uint64_t seed, const char *options, rill_model **model);

/* Loads a model file from a path (as the C library's open takes it).
 * options:
 *   "initial_state"  true: every recurrent layer gets initial states (parameters h0 and, of an lstm, c0), whatever the file says; those that
 *                    the file does not have are zero. Default false: as the file says
 * model: out, the caller destroys it; NULL on failure. If the file carries a self-test it is run; a mismatch is RILL_ERROR_FORMAT.
 * Errors: ARGUMENT, IO, FORMAT (naming the JSON path), UNSUPPORTED, MEMORY. */
rill_status rill_model_load(const char *path, const char *options, rill_model **model);

/* The same from memory. text: text_length bytes of JSON; a terminating NUL is not needed and not counted. */
rill_status rill_model_parse(const char *text, size_t text_length, const char *options, rill_model **model);

/* Writes the model with its current parameters, published or not, to a file. The file appears whole or not at all: a
 * failed save leaves an older file of that name as it was. A directory or a device is refused.
 * options:
 *   "encoding"   "auto" (default), "decimal" or "base64". Both reload to the same bits; auto takes decimals up to 100000 values
 *   "self_test"  0 (default) to 1000: this many time steps of input with the outputs they give from the initial state are
 *                stored, and checked by every later load
 * Errors: ARGUMENT, FORMAT (options), IO, MEMORY, STATE (parameters in use by another thread), DIVERGED (a parameter is not
 * finite). */
rill_status rill_model_save(const rill_model *model, const char *path, const char *options);

/* The same text into memory, by the two-call pattern: see Ownership above. Both calls do the whole work. */
rill_status rill_model_save_text(const rill_model *model, const char *options, char *buffer, size_t capacity, size_t *length);

/* Describes the model as JSON text: versions, the configuration with every default filled in, "input_size", "output_size",
 * "output_per_sequence", "parameters" (name, shape), "parameter_values" (their total), "states" (name, shape without the batch:
 * [num_layers, hidden_size]), "multiply_adds" per time step and sequence, "weight_bytes" (what a step reads: an object with the bytes in "float32", "bfloat16" and
 * "int8"), "instruction_set" (the kernels in use).
 * Any thread, also while a trainer writes. Errors: ARGUMENT, MEMORY. */
rill_status rill_model_describe(const rill_model *model, char *buffer, size_t capacity, size_t *length);

/* Releases the caller's hold. Streams, trainers and batches made from the model go on working. */
void rill_model_destroy(rill_model *model);

/* What the model reads at each time step: RILL_INPUT_VECTOR or RILL_INPUT_TOKEN. */
enum { RILL_INPUT_VECTOR = 0, RILL_INPUT_TOKEN = 1 };
rill_status rill_model_get_input_kind(const rill_model *model, int32_t *input_kind);

/* Floats per time step of a vector model; number of tokens of a token model (which takes one int32 per time step). */
rill_status rill_model_get_input_size(const rill_model *model, size_t *input_size);

/* Floats per output. */
rill_status rill_model_get_output_size(const rill_model *model, size_t *output_size);

/* Parameters are tensors of rank 1 or 2 with PyTorch's names, gate orders and shapes: "<layer>.weight_ih_l0" [gates *
 * hidden_size][input_size], "<layer>.weight_hh_l0", "<layer>.bias_ih_l0", "<layer>.bias_hh_l0", "<layer>.h0_l0", "<layer>.c0_l0"
 * (with "initial_state": true), "<layer>.weight", "<layer>.bias". <layer> is the layer's name, by default its index.
 * LSTM gates: i f g o; GRU gates: r z n. */

/* Number of parameter tensors. Their order is the order of the layers and fixed for an architecture. */
rill_status rill_model_get_parameter_count(const rill_model *model, size_t *parameter_count);

/* Name of parameter number index, 0 ..< parameter_count, by the two-call pattern. At most 127 bytes. */
rill_status rill_model_get_parameter_name(const rill_model *model, size_t index, char *buffer, size_t capacity, size_t *length);

/* Shape of a parameter: *rank is set to 1 or 2 and shape[0 ..< *rank] to its dimensions.
 * shape_capacity: elements that shape has room for; at least *rank, so 2 always suffices. */
rill_status rill_model_get_parameter_shape(const rill_model *model, const char *name, size_t *shape, size_t shape_capacity, size_t *rank);

/* Copies a parameter out. value_count: the product of its shape. Errors: ARGUMENT, STATE (in use by another thread). */
rill_status rill_model_get_parameter(const rill_model *model, const char *name, float *values, size_t value_count);

/* Copies a parameter in; streams see it after rill_model_publish and rill_stream_refresh. Errors: ARGUMENT (a value that is not
 * finite too: then none is written), STATE (in use by another thread). */
rill_status rill_model_set_parameter(rill_model *model, const char *name, const float *values, size_t value_count);

/* Packs the current parameters into a new snapshot. Later streams and rill_model_run calls use it at once, existing streams after
 * rill_stream_refresh. Frees snapshots that no stream uses any more. Errors: ARGUMENT, MEMORY, DIVERGED (a parameter is not finite;
 * the older snapshot stays), STATE (parameters in use by another thread). */
rill_status rill_model_publish(rill_model *model);

/* Computes whole sequences from the initial state, with the current snapshot; keeps nothing.
 *   inputs   [sequence_length][batch_size][input_size]
 *   lengths  NULL, or [batch_size]: valid steps of each sequence, 1 ... sequence_length; later steps are padding: they
 *            do not matter and give outputs of 0
 *   outputs  out: [sequence_length][batch_size][output_size], or [batch_size][output_size] from a model that gives one output per
 *            sequence (at each sequence's own end)
 * Allocates while it runs. Any number of threads at once. Errors: ARGUMENT, STATE (token model), MEMORY, DIVERGED. */
rill_status rill_model_run(rill_model *model, size_t sequence_length, size_t batch_size, const float *inputs, size_t input_count,
                           const int32_t *lengths, size_t length_count, float *outputs, size_t output_count);

/* The same for a token model. tokens: [sequence_length][batch_size]; also padding must be in -1 ..< input_size. */
rill_status rill_model_run_tokens(rill_model *model, size_t sequence_length, size_t batch_size, const int32_t *tokens, size_t token_count,
                                  const int32_t *lengths, size_t length_count, float *outputs, size_t output_count);

/* What smaller weights cost on the host's own data: computes whole sequences from the initial state, with the current snapshot, once in
 * float32 and once with weights of that precision ("bfloat16" or "int8"; see rill_stream_create), and compares all outputs.
 *   inputs              [sequence_length][batch_size][input_size]
 *   largest_difference  out: the largest absolute difference of an output, in the units of the outputs
 *   rms_difference      out: the root of the mean squared difference
 *   rms_output          out: the root of the mean squared float32 output, to hold the others against
 * For a model with one output per sequence the outputs at every step are compared. Allocates while it runs. Any number of threads at once.
 * Errors: ARGUMENT, STATE (token model), MEMORY, DIVERGED. */
rill_status rill_model_evaluate_precision(rill_model *model, const char *precision, size_t sequence_length, size_t batch_size,
                                          const float *inputs, size_t input_count, double *largest_difference, double *rms_difference,
                                          double *rms_output);

/* The same for a token model. tokens: [sequence_length][batch_size]. */
rill_status rill_model_evaluate_precision_tokens(rill_model *model, const char *precision, size_t sequence_length, size_t batch_size,
                                                 const int32_t *tokens, size_t token_count, double *largest_difference,
                                                 double *rms_difference, double *rms_output);

/* ------------------------------------------------------------------- stream */

/* The live state of batch_size sequences ("lanes"), which do not influence one another, pinned to one snapshot of its model. */
typedef struct rill_stream rill_stream;

/* Creates a stream in the model's initial state, on its newest snapshot.
 *   batch_size  lanes, 1 ... 65536
 *   options     "precision"  how weights are stored: "float32" (default); "bfloat16": rounded to 8 bits of mantissa; "int8": to 255 levels between
 *                            plus and minus the largest weight of a row. A step of a large model is as long as its weights take to be read:
 *                            half or a quarter of the bytes. Sums and state stay float32, so do the model and everything saved; embeddings,
 *                            columns for tokens, biases and heads of up to 4 outputs too. rill_model_evaluate_precision tells the cost
 *               "nonfinite"  input that is infinite or NaN: "refuse" (default) is ARGUMENT; "zero" takes 0 in its place, in the host's units
 *   stream      out: the caller destroys it; NULL on failure
 * Any thread, also while a trainer writes. Errors: ARGUMENT, FORMAT (options), MEMORY. */
rill_status rill_stream_create(rill_model *model, size_t batch_size, const char *options, rill_stream **stream);

void rill_stream_destroy(rill_stream *stream);

/* Lanes of the stream. */
rill_status rill_stream_get_batch_size(const rill_stream *stream, size_t *batch_size);

/* One time step for every lane.
 *   input   [batch_size][input_size]
 *   output  out: [batch_size][output_size]
 * Errors: ARGUMENT, STATE (token model; or after DIVERGED without a reset), DIVERGED (the state became infinite or NaN and is lost,
 * and every further step returns STATE until the stream is reset, or a whole state is loaded or copied into it).
 * States alone are checked: where a dense layer or the output's scale overflows, the output is infinite or NaN. */
rill_status rill_stream_step(rill_stream *stream, const float *input, size_t input_count, float *output, size_t output_count);

/* The same for a token model. tokens: [batch_size], each in -1 ..< input_size. */
rill_status rill_stream_step_tokens(rill_stream *stream, const int32_t *tokens, size_t token_count, float *output, size_t output_count);

/* sequence_length time steps of a live sequence in one call; the same bits as that many steps.
 *   inputs   [sequence_length][batch_size][input_size]; the whole block is checked before the first step
 *   outputs  out: [sequence_length][batch_size][output_size]
 * sequence_length 0 does nothing, and then the arrays may be NULL. Errors: as rill_stream_step; after DIVERGED the outputs of the
 * steps before the overflow are written, the rest untouched. */
rill_status rill_stream_run(rill_stream *stream, size_t sequence_length, const float *inputs, size_t input_count, float *outputs,
                            size_t output_count);

/* The same for a token model. tokens: [sequence_length][batch_size]. */
rill_status rill_stream_run_tokens(rill_stream *stream, size_t sequence_length, const int32_t *tokens, size_t token_count, float *outputs,
                                   size_t output_count);

/* Puts every lane, or lane number lane (0 ..< batch_size), into the model's initial state: zeros, or the snapshot's h0 and c0. After a
 * diverged step the reset of one lane does not make the stream usable again. */
rill_status rill_stream_reset(rill_stream *stream);
rill_status rill_stream_reset_lane(rill_stream *stream, size_t lane);

/* Copies the state of all lanes, or of one, into another stream, which keeps its own snapshot. The two must come from models with
 * the same recurrent layers (kinds, order and sizes; ARGUMENT otherwise), and for all lanes have the same batch_size. source and
 * destination may be the same stream. To copy all lanes also ends the destination's need of a reset. STATE if the source needs one;
 * copying one lane, also if the destination does. */
rill_status rill_stream_copy(const rill_stream *source, rill_stream *destination);
rill_status rill_stream_copy_lane(const rill_stream *source, size_t source_lane, rill_stream *destination, size_t destination_lane);

/* Reads or writes one layer's state by name: "<layer>.hidden", and "<layer>.cell" for an lstm.
 * values: [num_layers][batch_size][hidden_size]. Setting refuses values that are not finite, and then writes none.
 * Errors: ARGUMENT, STATE (needs a reset). */
rill_status rill_stream_get_state(const rill_stream *stream, const char *name, float *values, size_t value_count);
rill_status rill_stream_set_state(rill_stream *stream, const char *name, const float *values, size_t value_count);

/* The whole state as bytes in the caller's memory, by the two-call pattern: for presets, rewinding, branching. The length depends
 * on architecture and batch_size alone. The bytes carry a version, a hash of the recurrent layers and a checksum, and may be loaded
 * on another machine. Errors: ARGUMENT, STATE (needs a reset). */
rill_status rill_stream_save_state(const rill_stream *stream, void *buffer, size_t capacity, size_t *length);

/* Restores such bytes; the stream continues with the same bits. Also ends the need of a reset. Errors: ARGUMENT (other recurrent
 * layers or batch_size), FORMAT (truncated or corrupted); then the state stays as it was. */
rill_status rill_stream_load_state(rill_stream *stream, const void *data, size_t length);

/* Adopts the model's newest snapshot; the state stays. Does nothing if it is adopted already. (A stream of smaller weights that refreshes while the
 * publish itself is under way may find them unfinished, and stays with the older snapshot until its next refresh.) */
rill_status rill_stream_refresh(rill_stream *stream);

/* Steps with a constant input until the state rests: no value of it changes by more than tolerance in a step.
 *   input        [batch_size][input_size]
 *   tolerance    0 or more; float32 itself seldom comes below 1e-7
 *   step_limit   steps to make at the most, 1 or more
 *   step_count   out: steps made; equal to step_limit if the state did not come to rest, which some networks never do
 *   last_change  out: the largest change of a state value in the last step: at most tolerance if it rests
 * A stream can begin there, so that the first sound, or the first measurement, does not click: run this once, then rill_model_set_initial_state.
 * Not a real-time call: it allocates. Errors: as rill_stream_step, and MEMORY. */
rill_status rill_stream_settle(rill_stream *stream, const float *input, size_t input_count, float tolerance, size_t step_limit,
                               size_t *step_count, float *last_change);

/* The same for a token model. tokens: [batch_size], each in -1 ..< input_size. */
rill_status rill_stream_settle_tokens(rill_stream *stream, const int32_t *tokens, size_t token_count, float tolerance, size_t step_limit,
                                      size_t *step_count, float *last_change);

/* Makes the state of one lane of a stream the model's initial state, its parameters h0 and c0: what a reset goes back to, after
 * rill_model_publish and rill_stream_refresh.
 * The stream is of this model or of one with the same recurrent layers. Every recurrent layer must have initial states: "initial_state": true
 * in the layer, or in the options of rill_model_load. Errors: ARGUMENT (a layer without them, other layers, no such lane), STATE (parameters in
 * use by another thread; the stream needs a reset). */
rill_status rill_model_set_initial_state(rill_model *model, const rill_stream *stream, size_t lane);

/* -------------------------------------------------------------------- batch */

/* Whole sequences with their targets. It is filled by the _set_ functions, in any order and as often as wanted, and read by
 * rill_trainer_update and rill_trainer_evaluate. */
typedef struct rill_batch rill_batch;

/* Creates a batch of batch_size sequences of up to sequence_length time steps, for models with the same input and output as model.
 * options: no keys yet. batch: out, the caller destroys it; NULL on failure. Errors: ARGUMENT, FORMAT (options), MEMORY. */
rill_status rill_batch_create(const rill_model *model, size_t sequence_length, size_t batch_size, const char *options, rill_batch **batch);

void rill_batch_destroy(rill_batch *batch);

/* inputs: [sequence_length][batch_size][input_size]. Padding must be finite, its values do not matter. */
rill_status rill_batch_set_inputs(rill_batch *batch, const float *inputs, size_t input_count);

/* tokens: [sequence_length][batch_size], each in -1 ..< input_size. */
rill_status rill_batch_set_tokens(rill_batch *batch, const int32_t *tokens, size_t token_count);

/* lengths: [batch_size], each in 1 ... sequence_length: steps from lengths[b] on are padding, which changes no state, counts in no loss
 * and gives no gradient. NULL with count 0 makes all sequences full again, as they are at first. */
rill_status rill_batch_set_lengths(rill_batch *batch, const int32_t *lengths, size_t length_count);

/* Targets, for every loss but "cross_entropy": [sequence_length][batch_size][output_size], or [batch_size][output_size] for a model that gives
 * one output per sequence. In the units of the model's output; for "bce" in 0 ... 1. Replaces classes. */
rill_status rill_batch_set_targets(rill_batch *batch, const float *targets, size_t target_count);

/* Class indices for "cross_entropy": [sequence_length][batch_size] or [batch_size], each in -1 ..< output_size; -1 counts in no loss and
 * no metric. Replaces targets. */
rill_status rill_batch_set_classes(rill_batch *batch, const int32_t *classes, size_t class_count);

/* Weights of the steps in the loss: [sequence_length][batch_size], or [batch_size] for a model that gives one output per sequence; each
 * finite and 0 or more. A mean is then over the sum of the weights; a step of weight 0 counts in no loss and no metric. NULL with count 0
 * gives every step weight 1 again, as at first. Not for "esr" (UNSUPPORTED at the update). */
rill_status rill_batch_set_weights(rill_batch *batch, const float *weights, size_t weight_count);

/* ------------------------------------------------------------------ trainer */

/* An optimizer, its moments and its workspace. It changes the parameters of its model in place; streams see that after
 * rill_model_publish and rill_stream_refresh. */
typedef struct rill_trainer rill_trainer;

/* Creates a trainer.
 *   seed     of dropout: the same seed, data and options give the same parameters on one machine
 *   options  "loss"       required: a name, or an object {"type": name, ...} with options of that loss, defaults as shown. y output, t target,
 *                         in the network's own units; z pre-activation of a last dense layer, so that logarithms cannot overflow.
 *                         Formulas stand in docs/losses.md
 *              "mse"           (y - t)^2
 *              "mae"           |y - t|
 *              "huber"         {"delta": 1}  (y - t)^2 / 2 up to delta, then delta (|y - t| - delta / 2): PyTorch's HuberLoss
 *              "esr"           {"pre_emphasis": 0, "epsilon": 1e-5}  error-to-signal ratio, for audio: of each sequence and output
 *                              sum of (y - t)^2 / (sum of t^2 + epsilon * steps), y and t both filtered by
 *                              v[t] - pre_emphasis * v[t - 1] (before the first step that counts: 0); pre_emphasis is 0 ... 1; not for a model
 *                              with one output per sequence
 *              "cross_entropy" {"label_smoothing": 0, "class_weights": [one per class, each 0 or more; absent: 1]}  of class indices, for a
 *                              last dense layer with activation "softmax" or "linear"; PyTorch's definition, weighted mean included
 *              "bce"           {"positive_weights": [one per output, each 0 or more; absent: 1]}  binary cross-entropy, for "sigmoid" or
 *                              "linear"; PyTorch's pos_weight
 *            "reduction"  "mean" (default) over what is summed: steps (cross_entropy), elements (mse, mae, huber, bce), sequences and outputs
 *                         (esr); with weights of steps or classes, over the sum of these. Or "sum"
 *            "optimizer"  {"type": "sgd", "learning_rate": 0.01, "momentum": 0, "nesterov": false, "weight_decay": 0}
 *                         {"type": "adagrad", "learning_rate": 0.01, "lr_decay": 0, "epsilon": 1e-10, "weight_decay": 0}
 *                         {"type": "rmsprop", "learning_rate": 0.01, "alpha": 0.99, "epsilon": 1e-8, "momentum": 0, "weight_decay": 0}
 *                         {"type": "adam", "learning_rate": 0.001, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0}
 *                         {"type": "adamw", as adam, but "weight_decay": 0.01}
 *                         {"type": "nadam", "learning_rate": 0.002, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8,
 *                          "momentum_decay": 0.004, "weight_decay": 0}
 *                         "type" required, defaults as shown, defined as in PyTorch, epsilon at least 1e-37; without "optimizer": adam.
 *                         Formulas of this and what follows: docs/training.md
 *            "groups"     [{"parameters": "head.*" or ["*.bias*", ...], "learning_rate_factor": 1, "weight_decay": (the optimizer's),
 *                         "frozen": false}, ...]: a parameter belongs to the first group one of whose patterns matches its whole name (* any
 *                         characters, also none; ? one character); one that no pattern matches is treated as usual. A frozen parameter
 *                         keeps its bits and counts in no gradient norm. A pattern that matches no parameter is FORMAT. Up to 64 groups of up
 *                         to 64 patterns
 *            "schedule"   how the learning rate goes with the count of updates. Every kind takes "warmup" (0): updates over which the rate
 *                         rises linearly from 1/warmup of where the schedule begins to all of it; the schedule begins after them
 *              {"type": "constant"}  default
 *              {"type": "step", "step_size": n, "gamma": 0.1}  times gamma after every n updates
 *              {"type": "exponential", "gamma": g}  times g after every update
 *              {"type": "cosine", "t_max": n, "eta_min": 0}  down to eta_min by half a cosine in n updates, and stays there
 *              {"type": "one_cycle", "total_steps": n, "pct_start": 0.3, "div_factor": 25, "final_div_factor": 10000}  from learning_rate /
 *                         div_factor up to learning_rate and down to 1/final_div_factor of where it began, both by half a cosine, momentum
 *                         untouched; stays at the end
 *              {"type": "plateau", "factor": 0.1, "patience": 10, "threshold": 1e-4, "cooldown": 0, "min_lr": 0}  times factor when more
 *                         than patience validation losses in a row were no better than (1 - threshold) * the best: see
 *                         rill_trainer_set_validation_loss
 *            "average"    {"decay": 0.999}: keep an exponential moving average of the parameters, average = decay * average + (1 - decay) *
 *                         parameters after each update, from the parameters of the first update on; see rill_trainer_copy_parameters
 *            "keep_best"  true: remember the parameters at the smallest loss given to rill_trainer_set_validation_loss; default false
 *            "patience"   n: the metric "should_stop" becomes 1 after n calls of rill_trainer_set_validation_loss in a row whose loss was not
 *                         less than the smallest before it minus "min_delta" (0); absent: never
 *            "clip_norm"  scale the gradient down to this global (Euclidean) norm if it is longer; absent: no clipping
 *            "clip_value" after that, limit every element to +- this value; absent: no limit
 *            "accumulate" n (1): an optimizer step after every n-th batch (or window of a batch), with the gradient of all n together
 *            "stateful"   true: the next batch begins with the states in which this one ended, sequence by sequence; false (default): each
 *                         batch begins with the model's initial state. See rill_trainer_reset_state
 *            "burn_in"    n (0): the first n steps of every batch only lead to a state: no loss counts there, and no gradient reaches there
 *            "truncation" {"update_every": k1, "backpropagate": k2}: truncated backpropagation through time. An optimizer step after every k1
 *                         steps of a batch, with the loss of these k1 steps, propagated back through the last k2 (k1 or more; default
 *                         k1); the state goes on from window to window. Absent: whole batches. Not for a model with one output per sequence
 *            "checkpoint_every" n: keep what backward needs of n steps only, and compute it again, n steps at a time: memory for n steps
 *                         instead of all, for a fifth to a third more time; the same bits. 0 (default): keep all. Not with "esr"
 *            "threads"    1 ... 64 (1), the calling one included. Parameters and losses have the same bits for every number
 *   trainer  out: the caller destroys it; NULL on failure
 * A model's output shift and scale stand outside the loss: targets are mapped back into the network's own units, in which the loss
 * is measured too. With them, "cross_entropy" and "bce" are not offered. Errors: ARGUMENT, FORMAT (naming the option), UNSUPPORTED, MEMORY. */
rill_status rill_trainer_create(rill_model *model, uint64_t seed, const char *options, rill_trainer **trainer);

void rill_trainer_destroy(rill_trainer *trainer);

/* Describes the trainer as JSON text: "options" (as they were given), "seed" (as two numbers, the higher 32 bits first), "update_count", "lanes"
 * (sequences whose states are carried; 0 before the first update), "workspace_bytes" (activations, gradients and packed weights: 0 before
 * the first update). By the two-call pattern. Errors: ARGUMENT, MEMORY. */
rill_status rill_trainer_describe(const rill_trainer *trainer, char *buffer, size_t capacity, size_t *length);

/* Learns from a batch: forward, loss, exact backpropagation through time, clipping, one optimizer step (with "truncation" one for each window,
 * with "accumulate" one for several calls).
 * loss: out, NULL or the loss of the batch before the step. The first call, and calls with larger batches than before, allocate; others
 * take the same time every time, and free again the few kilobytes that they allocate for each window or "checkpoint_every" steps.
 * Errors: ARGUMENT (no step of the batch counts in the loss or, for a mean, only classes of weight 0 do; not more than "burn_in" steps), STATE (a
 * part of the batch is not set; parameters in use by another thread), UNSUPPORTED (weights with "esr"), MEMORY, DIVERGED (loss, gradient or an
 * updated parameter is not finite; the message names the layer, time step and sequence where that began): then parameters and
 * moments are as before (with "truncation", as after the last window that succeeded), waiting gradients of "accumulate" are dropped and
 * carried states stay; lower the learning rate or skip the batch, and go on. */
rill_status rill_trainer_update(rill_trainer *trainer, const rill_batch *batch, double *loss);

/* Adds a batch to the running evaluation, without dropout and without changing a parameter; read it with rill_trainer_get_metric.
 * Errors: as rill_trainer_update. */
rill_status rill_trainer_evaluate(rill_trainer *trainer, const rill_batch *batch);

/* Forgets the running evaluation. */
rill_status rill_trainer_reset_metrics(rill_trainer *trainer);

/* Tells the trainer a loss measured on data that it does not learn from, for the schedule "plateau", "keep_best" and "patience". Smaller is
 * better. Errors: ARGUMENT (not finite), STATE ("keep_best": parameters in use by another thread). */
rill_status rill_trainer_set_validation_loss(rill_trainer *trainer, double loss);

/* Copies parameters that the trainer remembers into a model with the same parameters (names and shapes), which may be the trained one:
 *   source  "best": those of the best validation ("keep_best"); "average": the moving average ("average")
 * Publish the model for streams to see them. Errors: ARGUMENT (no such source; other parameters), STATE (the option is off; no update or
 * validation has been; the model's parameters in use by another thread), DIVERGED (an average that is not finite). */
rill_status rill_trainer_copy_parameters(const rill_trainer *trainer, const char *source, rill_model *model);

/* Reads a number by name:
 *   of the running evaluation: "loss" (mean over all valid steps, so that unequal batches average rightly; weighted as in an update),
 *     "step_count" (valid steps that count). Those below count all of these alike, whatever their weights, and measure in the network's own units:
 *     with cross_entropy: "accuracy" (share of steps whose largest output is the class), "perplexity" (exp of the mean loss without weights
 *     and smoothing), "macro_f1" (mean over the classes that occur as class or answer of their F1);
 *     with bce: "accuracy" (share of elements on the right side of 0.5), "macro_f1" (the same mean over the outputs; STATE if none of them
 *     ever is or should be above 0.5);
 *     with mse, mae, huber, esr: "mse", "mae", "r2" (1 - squared error / squared deviation from the mean of the targets, averaged over the
 *     outputs; STATE if a target never changes)
 *   of the last successful update: "update_loss", "gradient_norm" (global, before clipping)
 *   "update_count": successful updates; "learning_rate": what the next one will take, with the schedule, without factors of groups
 *   of validations: "best_validation_loss", "validations_since_best" (STATE before the first), "should_stop" (0 or 1)
 * Errors: ARGUMENT (no such name), STATE (nothing evaluated or updated yet), UNSUPPORTED (not with this loss). */
rill_status rill_trainer_get_metric(const rill_trainer *trainer, const char *name, double *value);

/* The gradient of the last update's loss with respect to a parameter, before clipping, also of an update that diverged; shape and count
 * as the parameter's. Errors: ARGUMENT, STATE (no update has computed a gradient yet). */
rill_status rill_trainer_get_gradient(const rill_trainer *trainer, const char *name, float *values, size_t value_count);

/* An update in two halves, for gradients of several batches or machines. evaluate_gradients adds a batch's gradient to those that wait in the
 * trainer; update_from_gradients makes one optimizer step from all of them and empties them.
 * loss: out, NULL or the loss of this batch. Errors: as rill_trainer_update; STATE also: none wait, or the trainer has "truncation". */
rill_status rill_trainer_evaluate_gradients(rill_trainer *trainer, const rill_batch *batch, double *loss);
rill_status rill_trainer_update_from_gradients(rill_trainer *trainer);

/* The waiting gradients as one flat array of *count floats: the gradient of the sum of all losses with respect to every parameter value, in
 * the order of the model's parameters; then that sum; then what a mean divides by. So the element-wise sum of two such arrays is the
 * array of both batches together, however many steps count in each: all-reduce it with + over the machines, set it, and
 * update_from_gradients. Set replaces what waits; all values must be finite, the last greater than 0. Errors: ARGUMENT, STATE (none wait). */
rill_status rill_trainer_get_gradients_count(const rill_trainer *trainer, size_t *count);
rill_status rill_trainer_get_gradients(const rill_trainer *trainer, float *values, size_t value_count);
rill_status rill_trainer_set_gradients(rill_trainer *trainer, const float *values, size_t value_count);

/* What "stateful" carries from batch to batch: the states of batch_size sequences. Reset makes all, or sequence number lane, begin the next
 * batch with the model's initial state; so does a batch of another batch_size for all. Errors: ARGUMENT (no such lane), STATE (not
 * stateful; lanes before the first update). */
rill_status rill_trainer_reset_state(rill_trainer *trainer);
rill_status rill_trainer_reset_state_lane(rill_trainer *trainer, size_t lane);

/* Set copies the states of a stream's lanes into the trainer: the next update, of a batch of as many sequences, begins there, stateful or not.
 * Get copies the states in which the last batch ended into a stream with as many lanes, which needs no reset then. The stream's model
 * must have the same recurrent layers.
 * To learn on a live stream: before its next n steps, copy it into a second stream; after them, set_state from that one, update on a batch of
 * these n steps, publish, and refresh the live stream. Errors: ARGUMENT, STATE (nothing to get yet; the stream needs a reset), MEMORY. */
rill_status rill_trainer_set_state(rill_trainer *trainer, const rill_stream *stream);
rill_status rill_trainer_get_state(const rill_trainer *trainer, rill_stream *stream);

/* Checkpoints: the model with its current parameters, and of the trainer options, seed, moments, schedule, averages and best parameters, carried
 * states, waiting gradients, and bytes of the host's own (its place in the data, ...); not a running evaluation. Training that is resumed from
 * one on the same machine gives the same bits as training that was never interrupted.
 *
 * Writes one to a file, which appears whole or not at all, however the process ends. options: no keys yet. Errors: as rill_model_save. */
rill_status rill_trainer_save(const rill_trainer *trainer, const char *path, const char *options);

/* The same text into memory, by the two-call pattern. Both calls do the whole work. */
rill_status rill_trainer_save_text(const rill_trainer *trainer, const char *options, char *buffer, size_t capacity, size_t *length);

/* Makes a model and its trainer from a checkpoint.
 *   options  no keys yet
 *   model    out, or NULL if it is not wanted: the caller destroys it
 *   trainer  out: the caller destroys it
 * Both are NULL on failure. Errors: as rill_model_load. */
rill_status rill_trainer_load(const char *path, const char *options, rill_model **model, rill_trainer **trainer);

/* The same from memory. text: text_length bytes of JSON; a terminating NUL is not needed and not counted. */
rill_status rill_trainer_parse(const char *text, size_t text_length, const char *options, rill_model **model, rill_trainer **trainer);

/* The host's own bytes, up to 2^20, which go into checkpoints; none at first. Set copies them (data may be NULL with length 0); get is by the
 * two-call pattern. Errors: ARGUMENT, MEMORY. */
rill_status rill_trainer_set_data(rill_trainer *trainer, const void *data, size_t length);
rill_status rill_trainer_get_data(const rill_trainer *trainer, void *buffer, size_t capacity, size_t *length);

/* The learning rate that the schedule starts from, 0 to the largest float32, read and set between updates. What the schedule makes of it: metric
 * "learning_rate". */
rill_status rill_trainer_get_learning_rate(const rill_trainer *trainer, double *learning_rate);
rill_status rill_trainer_set_learning_rate(rill_trainer *trainer, double learning_rate);

#ifdef __cplusplus
}
#endif

#endif /* RILL_H */
