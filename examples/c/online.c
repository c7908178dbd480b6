/* Learning on the device: a sensor drifts, and the model that runs beside it goes on learning.
 *
 *   cc -std=c99 -O2 -o online online.c $(pkg-config --cflags --libs rill) -lm
 *   ./online
 *
 * A cheap sensor follows a temperature late, bent and with noise; a network reads it and says the true temperature. Both are simulated. The
 * network is trained once, as in a factory, and then runs as a live stream while gain and offset of the sensor change, slowly at first,
 * later at once. Every 5th step a reference thermometer says the truth. Beside it runs a copy that is frozen.
 *
 * How to learn on a live stream:
 *   - every UPDATE_EVERY steps, copy the stream into another one, before its next step: that is where a window of steps will begin;
 *   - when WINDOW steps have gone by, put these steps into a batch, and rill_trainer_set_state from the copy, so that the update begins in
 *     the state that the stream really had there;
 *   - rill_trainer_update; rill_model_publish; rill_stream_refresh: the stream goes on with its own state and the new parameters.
 * An update works on WINDOW steps and no more, so its time does not grow. A window begins in each of the last MARKS copies, hence as many
 * streams.
 */
#define _POSIX_C_SOURCE 199309L /* clock_gettime */
#include <math.h>
#include <rill.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
  STEPS = 6000,      /* of the live stream */
  SLOW_BEGIN = 1500, /* when the slow drift begins and ends, and when the sensor changes at once */
  SLOW_END = 3000,
  JUMP = 4500,
  REFERENCE_EVERY = 5,
  UPDATE_EVERY = 20,
  WINDOW = 200,
  MARKS = WINDOW / UPDATE_EVERY,
  JUDGED = 500,      /* steps over which an error is taken */
  RECORDING = 20000, /* steps of the recording in the factory */
  LENGTH = 100,      /* of the windows that are cut from it */
  SEQUENCES = 32,
  DEFAULT_UPDATES = 600
};

static int failed(rill_status status) {
  if (status != RILL_OK) fprintf(stderr, "online: %s: %s\n", rill_status_name(status), rill_last_error_message());
  return status != RILL_OK;
}

/* ------------------------------------------------------------------ the world */

/* Numerical Recipes' 64-bit LCG, upper bits; 0 ... 1. */
static double uniform(uint64_t *state) {
  *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (double)(*state >> 33) / 2147483648.0;
}

/* Mean 0, deviation 1: the sum of twelve uniform numbers is close enough to normal here. */
static double noise(uint64_t *state) {
  double sum = -6;
  for (int i = 0; i < 12; i++) sum += uniform(state);
  return sum;
}

typedef struct {
  uint64_t random;
  double weather, body; /* of the air, and how warm the sensor itself is, which follows late */
  long step;
} world;

/* The next true temperature in degrees Celsius (a day of 200 steps, a slower wave, and weather), and what the sensor says. */
static void observe(world *now, double gain, double offset, float *temperature, float *reading) {
  const double turn = 2 * 3.14159265358979;
  double t = (double)now->step;
  now->weather = 0.98 * now->weather + 0.2 * noise(&now->random);
  double value = 20 + 3 * sin(turn * t / 200) + 1.5 * sin(turn * t / 730) + now->weather;
  now->body += 0.3 * (value - now->body);
  double relative = (now->body - 20) / 5;
  *temperature = (float)value;
  *reading = (float)(gain * (relative + 0.15 * relative * relative) + offset + 0.01 * noise(&now->random));
  now->step++;
}

static void drift(long step, double *gain, double *offset) {
  double slow = step < SLOW_BEGIN ? 0 : step > SLOW_END ? 1 : (double)(step - SLOW_BEGIN) / (SLOW_END - SLOW_BEGIN);
  *gain = step < JUMP ? 1 - 0.25 * slow : 1.2;
  *offset = step < JUMP ? 0.3 * slow : -0.2;
}

/* ---------------------------------------------------------------- the factory */

static void measure(const float *values, double *mean, double *deviation) {
  double sum = 0, squares = 0;
  for (int i = 0; i < RECORDING; i++) sum += values[i];
  *mean = sum / RECORDING;
  for (int i = 0; i < RECORDING; i++) squares += pow(values[i] - *mean, 2);
  *deviation = sqrt(squares / RECORDING);
}

/* The normalization is part of the model, so that the host passes readings and reads degrees. */
static rill_status create_model(const float *readings, const float *temperatures, rill_model **model) {
  double input_mean, input_deviation, mean, deviation;
  measure(readings, &input_mean, &input_deviation);
  measure(temperatures, &mean, &deviation);
  char configuration[512];
  snprintf(configuration, sizeof configuration,
           "{\"input\": {\"kind\": \"vector\", \"size\": 1, \"shift\": %.9g, \"scale\": %.9g},"
           " \"layers\": [{\"type\": \"lstm\", \"hidden_size\": 16}, {\"type\": \"dense\", \"output_size\": 1}],"
           " \"output\": {\"shift\": [%.9g], \"scale\": [%.9g]}}",
           input_mean, input_deviation, mean, deviation);
  return rill_model_create(configuration, 1, NULL, model);
}

/* Trains on random windows of a recording of a sensor that does not drift, and publishes. Returns 0, or 1 after a message. */
static int manufacture(long updates, rill_model **model) {
  static float readings[RECORDING], temperatures[RECORDING], inputs[LENGTH * SEQUENCES], targets[LENGTH * SEQUENCES];
  world past = {1, 0, 20, 0};
  for (int i = 0; i < RECORDING; i++) observe(&past, 1, 0, &temperatures[i], &readings[i]);
  if (failed(create_model(readings, temperatures, model))) return 1;

  rill_trainer *trainer = NULL;
  rill_batch *batch = NULL;
  char options[256];
  snprintf(options, sizeof options,
           "{\"loss\": \"mse\", \"optimizer\": {\"type\": \"adam\", \"learning_rate\": 0.01}, \"clip_norm\": 1, \"burn_in\": 20,"
           " \"schedule\": {\"type\": \"cosine\", \"t_max\": %ld}}",
           updates);
  int is_bad =
      failed(rill_trainer_create(*model, 1, options, &trainer)) || failed(rill_batch_create(*model, LENGTH, SEQUENCES, NULL, &batch));
  for (long i = 0; i < updates && !is_bad; i++) {
    for (int b = 0; b < SEQUENCES; b++) {
      int start = (int)(uniform(&past.random) * (RECORDING - LENGTH));
      for (int t = 0; t < LENGTH; t++) {
        inputs[t * SEQUENCES + b] = readings[start + t];
        targets[t * SEQUENCES + b] = temperatures[start + t];
      }
    }
    is_bad = failed(rill_batch_set_inputs(batch, inputs, LENGTH * SEQUENCES)) ||
             failed(rill_batch_set_targets(batch, targets, LENGTH * SEQUENCES)) || failed(rill_trainer_update(trainer, batch, NULL));
  }
  is_bad = is_bad || failed(rill_model_publish(*model));
  rill_batch_destroy(batch);
  rill_trainer_destroy(trainer);
  return is_bad;
}

/* ------------------------------------------------------------------ the device */

/* What an update needs besides the live stream. */
typedef struct {
  rill_trainer *trainer;
  rill_batch *batch;
  rill_stream *marks[MARKS]; /* copies of the live stream, in turn, made before every UPDATE_EVERY-th step */
} learner;

static void destroy_learner(learner *learner) {
  for (int i = 0; i < MARKS; i++) rill_stream_destroy(learner->marks[i]);
  rill_batch_destroy(learner->batch);
  rill_trainer_destroy(learner->trainer);
}

/* Returns 0, or 1 after a message. */
static int create_learner(rill_model *model, learner *learner) {
  const char *options = "{\"loss\": \"mse\", \"optimizer\": {\"type\": \"adam\", \"learning_rate\": 0.002}, \"clip_norm\": 1}";
  int is_bad = failed(rill_trainer_create(model, 1, options, &learner->trainer)) ||
               failed(rill_batch_create(model, WINDOW, 1, NULL, &learner->batch));
  for (int i = 0; i < MARKS && !is_bad; i++) is_bad = failed(rill_stream_create(model, 1, NULL, &learner->marks[i]));
  return is_bad;
}

/* One update from the last WINDOW steps, of which begin is the state. is_known: 1 where the truth is known, else 0: such a step counts in
 * no loss. An update that would have diverged leaves the parameters as they were, so the stream can go on. */
static int learn(learner *learner, const rill_stream *begin, const float *readings, const float *truth, const float *is_known,
                 rill_model *model, rill_stream *live) {
  if (failed(rill_batch_set_inputs(learner->batch, readings, WINDOW)) || failed(rill_batch_set_targets(learner->batch, truth, WINDOW)) ||
      failed(rill_batch_set_weights(learner->batch, is_known, WINDOW)) || failed(rill_trainer_set_state(learner->trainer, begin)))
    return 1;
  rill_status status = rill_trainer_update(learner->trainer, learner->batch, NULL);
  if (status == RILL_ERROR_DIVERGED) return 0;
  return failed(status) || failed(rill_model_publish(model)) || failed(rill_stream_refresh(live));
}

static double microseconds(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return 1e6 * (double)time.tv_sec + 1e-3 * (double)time.tv_nsec;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Errors in degrees of both estimates, step by step, and microseconds of every update: by the clock, which goes on while other programs
 * have the processor, and of the processor's work. */
typedef struct {
  double frozen[STEPS], learning[STEPS], by_clock[STEPS / UPDATE_EVERY], by_work[STEPS / UPDATE_EVERY];
  size_t update_count;
} record;

/* Runs the frozen stream and the learning one over the same readings. Returns 0, or 1 after a message. */
static int run(rill_model *model, record *result) {
  static float readings[STEPS], truth[STEPS], is_known[STEPS];
  rill_stream *live = NULL, *frozen = NULL;
  learner learner = {NULL, NULL, {NULL}};
  world now = {2, 0, 20, 0};
  /* A stream computes with the parameters that were published when it was made, until its refresh. The frozen one never has one. */
  int is_bad = failed(rill_stream_create(model, 1, NULL, &live)) || failed(rill_stream_create(model, 1, NULL, &frozen)) ||
               create_learner(model, &learner);
  for (long step = 0; step < STEPS && !is_bad; step++) {
    double gain, offset;
    float of_live, of_frozen;
    drift(step, &gain, &offset);
    observe(&now, gain, offset, &truth[step], &readings[step]);
    is_known[step] = step % REFERENCE_EVERY == 0;

    if (step % UPDATE_EVERY == 0) is_bad = failed(rill_stream_copy(live, learner.marks[step / UPDATE_EVERY % MARKS]));
    is_bad = is_bad || failed(rill_stream_step(live, &readings[step], 1, &of_live, 1)) ||
             failed(rill_stream_step(frozen, &readings[step], 1, &of_frozen, 1));
    if (is_bad) break;
    result->learning[step] = of_live - truth[step];
    result->frozen[step] = of_frozen - truth[step];

    long count = step + 1;
    if (count % UPDATE_EVERY == 0 && count >= WINDOW) {
      long first = count - WINDOW;
      double begun = microseconds(CLOCK_MONOTONIC), begun_work = microseconds(CLOCK_PROCESS_CPUTIME_ID);
      /* The oldest mark is the one that the next copy will overwrite. */
      is_bad = learn(&learner, learner.marks[first / UPDATE_EVERY % MARKS], &readings[first], &truth[first], &is_known[first], model, live);
      result->by_clock[result->update_count] = microseconds(CLOCK_MONOTONIC) - begun;
      result->by_work[result->update_count++] = microseconds(CLOCK_PROCESS_CPUTIME_ID) - begun_work;
    }
  }
  destroy_learner(&learner);
  rill_stream_destroy(frozen);
  rill_stream_destroy(live);
  return is_bad;
}

/* Root mean square of the errors of the steps before end. */
static double rms(const double *errors, long end) {
  double squares = 0;
  for (long step = end - JUDGED; step < end; step++) squares += errors[step] * errors[step];
  return sqrt(squares / JUDGED);
}

int main(int argument_count, char **arguments) {
  static record result;
  long updates = argument_count > 1 ? strtol(arguments[1], NULL, 10) : DEFAULT_UPDATES;
  if (argument_count > 2 || updates < 1) {
    fprintf(stderr, "usage: online [UPDATES]\nUPDATES: of the training in the factory, default %d.\n", DEFAULT_UPDATES);
    return 2;
  }
  rill_model *model = NULL;
  int is_bad = manufacture(updates, &model) || run(model, &result);
  rill_model_destroy(model);
  if (is_bad) return 1;

  const struct {
    const char *name;
    long end;
  } places[] = {{"before the drift", SLOW_BEGIN}, {"after the slow drift", JUMP}, {"after the jump", STEPS}};
  printf("%-22s %8s %9s\n", "error, degrees", "frozen", "learning");
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
    printf("%-22s %8.3f %9.3f\n", places[i].name, rms(result.frozen, places[i].end), rms(result.learning, places[i].end));
  /* Without the first update, which also makes room to work in. */
  double *by_clock = result.by_clock + 1, *by_work = result.by_work + 1;
  size_t count = result.update_count - 1;
  qsort(by_clock, count, sizeof *by_clock, compare);
  qsort(by_work, count, sizeof *by_work, compare);
  printf("%zu updates, microseconds: median %.0f, largest %.0f\n", count, by_clock[count / 2], by_clock[count - 1]);
  printf("  of them the processor's work: median %.0f, largest %.0f\n", by_work[count / 2], by_work[count - 1]);
  return 0;
}
