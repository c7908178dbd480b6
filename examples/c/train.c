/* Trains a forecaster on a measurement series, in process, and streams it.
 *
 *   cc -std=c99 -O2 -o train train.c $(pkg-config --cflags --libs rill) -lm
 *   ./train ../data/co2.csv 52 co2.json        weekly values: a year is 52 steps
 *   ./train ../data/nino.csv 12 nino.json      monthly values
 *
 * The network reads the change since the step before and says how much the value will change over the next 1 to 4 steps. The last fifth
 * of the series is held out: neither training nor the scaling sees it.
 */
#include <math.h>
#include <rill.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HORIZON = 4, WINDOW = 104, SEQUENCES = 32, DEFAULT_UPDATES = 400 };
static const double initial_learning_rate = 0.005;

typedef struct {
  size_t count;
  double *values;
} measurements;

static int failed(rill_status status) {
  if (status != RILL_OK) fprintf(stderr, "train: %s: %s\n", rill_status_name(status), rill_last_error_message());
  return status != RILL_OK;
}

/* ---------------------------------------------------------------------- data */

/* Reads the second column of a CSV file with a header. Returns 0, or 1 after a message. */
static int read_series(const char *path, measurements *result) {
  char line[256];
  size_t capacity = 0;
  FILE *file = fopen(path, "r");
  if (file == NULL) {
    perror(path);
    return 1;
  }
  int is_bad = fgets(line, sizeof line, file) == NULL; /* the header */
  while (!is_bad && fgets(line, sizeof line, file) != NULL) {
    const char *text = strchr(line, ',');
    char *end = NULL;
    double value = text != NULL ? strtod(text + 1, &end) : 0;
    if (text == NULL || end == text + 1 || !isfinite(value)) {
      is_bad = 1;
      break;
    }
    if (result->count == capacity) {
      capacity = capacity > 0 ? 2 * capacity : 1024;
      double *grown = realloc(result->values, capacity * sizeof *grown);
      if (grown == NULL) {
        is_bad = 1;
        break;
      }
      result->values = grown;
    }
    result->values[result->count++] = value;
  }
  if (is_bad || ferror(file)) fprintf(stderr, "train: %s: value %zu cannot be read\n", path, result->count + 1);
  is_bad |= ferror(file) != 0;
  fclose(file);
  return is_bad;
}

/* What the network sees at step t, for t >= 1. */
static float change(const measurements *series, size_t t) { return (float)(series->values[t] - series->values[t - 1]); }

/* What it should answer at step t: the change over the next h steps. */
static float future_change(const measurements *series, size_t t, size_t h) { return (float)(series->values[t + h] - series->values[t]); }

/* Mean and deviation of what happens within h steps, from the first `count` values alone. h = 1 is also the scale of the input. */
static void measure(const measurements *series, size_t count, size_t h, double *mean, double *deviation) {
  double sum = 0, squares = 0;
  size_t n = count - h;
  for (size_t t = 0; t < n; t++) sum += future_change(series, t, h);
  *mean = sum / (double)n;
  for (size_t t = 0; t < n; t++) squares += pow(future_change(series, t, h) - *mean, 2);
  *deviation = sqrt(squares / (double)n);
}

/* -------------------------------------------------------------------- network */

/* The normalization is part of the model, so that every host passes and reads the unit of the series. */
static rill_status create_model(const measurements *series, size_t train_count, rill_model **model) {
  double mean[HORIZON], deviation[HORIZON];
  for (size_t h = 0; h < HORIZON; h++) measure(series, train_count, h + 1, &mean[h], &deviation[h]);
  char configuration[1024];
  snprintf(configuration, sizeof configuration,
           "{\"input\": {\"kind\": \"vector\", \"size\": 1, \"shift\": %.9g, \"scale\": %.9g},"
           " \"layers\": [{\"type\": \"lstm\", \"hidden_size\": 32}, {\"type\": \"dense\", \"output_size\": %d}],"
           " \"output\": {\"shift\": [%.9g, %.9g, %.9g, %.9g], \"scale\": [%.9g, %.9g, %.9g, %.9g]}}",
           mean[0], deviation[0], HORIZON, mean[0], mean[1], mean[2], mean[3], deviation[0], deviation[1], deviation[2], deviation[3]);
  return rill_model_create(configuration, 1, NULL, model);
}

/* A small generator for the choice of windows (Numerical Recipes' 64-bit LCG, upper bits); 0 ..< limit. */
static size_t choose(uint64_t *state, size_t limit) {
  *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (size_t)(*state >> 33) % limit;
}

/* Fills a batch with windows of the training part, whose targets end inside it too. Arrays are [WINDOW][SEQUENCES][size]. */
static rill_status fill_batch(const measurements *series, size_t train_count, uint64_t *random, rill_batch *batch) {
  static float inputs[WINDOW * SEQUENCES], targets[WINDOW * SEQUENCES * HORIZON];
  for (size_t b = 0; b < SEQUENCES; b++) {
    size_t start = 1 + choose(random, train_count - HORIZON - WINDOW);
    for (size_t t = 0; t < WINDOW; t++) {
      inputs[t * SEQUENCES + b] = change(series, start + t);
      for (size_t h = 0; h < HORIZON; h++) targets[(t * SEQUENCES + b) * HORIZON + h] = future_change(series, start + t, h + 1);
    }
  }
  rill_status status = rill_batch_set_inputs(batch, inputs, WINDOW * SEQUENCES);
  return status == RILL_OK ? rill_batch_set_targets(batch, targets, WINDOW * SEQUENCES * HORIZON) : status;
}

/* Trains in place and publishes. Returns 0, or 1 after a message. */
static int train(rill_model *model, const measurements *series, size_t train_count, long updates) {
  rill_trainer *trainer = NULL;
  rill_batch *batch = NULL;
  uint64_t random = 1;
  double loss = 0;
  const char *options = "{\"loss\": \"mse\", \"optimizer\": {\"type\": \"adam\"}, \"clip_norm\": 1}";
  int is_bad =
      failed(rill_trainer_create(model, 1, options, &trainer)) || failed(rill_batch_create(model, WINDOW, SEQUENCES, NULL, &batch));
  for (long i = 0; i < updates && !is_bad; i++) {
    /* A half cosine takes the learning rate down to zero. */
    double rate = initial_learning_rate * 0.5 * (1 + cos(3.14159265358979 * (double)i / (double)updates));
    is_bad = failed(rill_trainer_set_learning_rate(trainer, rate)) || failed(fill_batch(series, train_count, &random, batch)) ||
             failed(rill_trainer_update(trainer, batch, &loss));
    if (!is_bad && (i % 20 == 0 || i + 1 == updates)) fprintf(stderr, "\rupdate %ld of %ld, loss %.4f ", i + 1, updates, loss);
  }
  if (!is_bad) fputc('\n', stderr);
  is_bad = is_bad || failed(rill_model_publish(model));
  rill_batch_destroy(batch);
  rill_trainer_destroy(trainer);
  return is_bad;
}

/* ------------------------------------------------------------------- judgment */

/* Root mean square errors on the held-out steps of three forecasts, h steps ahead: of the network, of the last value, and of the value one
 * period before with the drift of the last period. forecasts: [count][HORIZON], row t said at step t. */
static void print_errors(const measurements *series, size_t train_count, size_t period, const float *forecasts) {
  const double *x = series->values;
  printf("root mean square error on the last %zu values\n  steps ahead    network  last value  seasonal\n", series->count - train_count);
  for (size_t h = 1; h <= HORIZON; h++) {
    double network = 0, last = 0, seasonal = 0, n = (double)(series->count - train_count);
    for (size_t t = train_count; t < series->count; t++) {
      size_t now = t - h; /* when the forecast was made */
      network += pow(x[now] + forecasts[now * HORIZON + h - 1] - x[t], 2);
      last += pow(x[now] - x[t], 2);
      seasonal += pow(x[t - period] + x[now] - x[now - period] - x[t], 2);
    }
    printf("  %11zu %10.3f %11.3f %9.3f\n", h, sqrt(network / n), sqrt(last / n), sqrt(seasonal / n));
  }
}

/* Streams the whole series, one value after the other as a sensor would deliver it. Returns 0, or 1 after a message. */
static int stream(rill_model *model, const measurements *series, float *forecasts) {
  rill_stream *stream = NULL;
  int is_bad = failed(rill_stream_create(model, 1, NULL, &stream));
  for (size_t t = 1; t < series->count && !is_bad; t++) {
    float input = change(series, t);
    is_bad = failed(rill_stream_step(stream, &input, 1, &forecasts[t * HORIZON], HORIZON));
  }
  rill_stream_destroy(stream);
  return is_bad;
}

static void print_last_steps(const measurements *series, const float *forecasts) {
  printf("the last steps, each forecast made one step before\n       forecast      truth\n");
  for (size_t t = series->count - 5; t < series->count; t++)
    printf("  %13.2f %10.2f\n", series->values[t - 1] + forecasts[(t - 1) * HORIZON], series->values[t]);
}

/* ----------------------------------------------------------------------- main */

int main(int argument_count, char **arguments) {
  long period = argument_count > 2 ? strtol(arguments[2], NULL, 10) : 0;
  long updates = argument_count > 4 ? strtol(arguments[4], NULL, 10) : DEFAULT_UPDATES;
  if (argument_count < 4 || argument_count > 5 || period < 1 || period > WINDOW || updates < 1) {
    fprintf(stderr, "usage: train DATA.csv PERIOD MODEL.json [UPDATES]\nPERIOD: steps of a season, 1 to %d. UPDATES: default %d.\n", WINDOW,
            DEFAULT_UPDATES);
    return 2;
  }

  measurements data = {0, NULL};
  rill_model *model = NULL;
  float *forecasts = NULL;
  int is_bad = read_series(arguments[1], &data);
  size_t train_count = data.count - data.count / 5;
  if (!is_bad && data.count / 5 < 2 * WINDOW / 3) {
    fprintf(stderr, "train: %s is too short: %zu values\n", arguments[1], data.count);
    is_bad = 1;
  }
  is_bad = is_bad || failed(create_model(&data, train_count, &model)) || train(model, &data, train_count, updates);
  if (!is_bad && (forecasts = calloc(data.count * HORIZON, sizeof *forecasts)) == NULL) {
    fputs("train: out of memory\n", stderr);
    is_bad = 1;
  }
  is_bad = is_bad || stream(model, &data, forecasts);
  if (!is_bad) {
    print_errors(&data, train_count, (size_t)period, forecasts);
    print_last_steps(&data, forecasts);
    is_bad = failed(rill_model_save(model, arguments[3], NULL));
    if (!is_bad) printf("%s is saved\n", arguments[3]);
  }
  rill_model_destroy(model);
  free(forecasts);
  free(data.values);
  return is_bad;
}
