/* Learns a long text in one piece: truncated backpropagation through time, with early stopping; then writes.
 *
 *   cc -std=c99 -O2 -o characters characters.c $(pkg-config --cflags --libs rill) -lm
 *   ./characters ../data/persuasion.txt text.json
 *
 * examples/python/characters.py in C. The text is cut into LANES pieces of equal length, which are read side by side: one update reads the
 * next LENGTH characters of every piece and propagates its gradient back through these. The trainer is "stateful": each update begins with
 * the memory in which the one before ended. After every epoch the perplexity of the last tenth of the text is taken, which is not learned
 * from; when it has not fallen for a while, training stops, and the best parameters are put back.
 *
 * A character is a byte here, and a token is the place of a byte in the vocabulary: the bytes that occur in the text, in ascending order.
 * The model file carries them in "metadata", as "bytes".
 */
#include <math.h>
#include <rill.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 16, LENGTH = 64, EVALUATED = 1000, WARMUP = 100, PATIENCE = 3, WRITTEN = 500, DEFAULT_EPOCHS = 20, DEFAULT_HIDDEN = 192 };
static const double temperature = 0.6;

/* Tokens of a text: the first `train_count` are learned from. */
typedef struct {
  size_t count, train_count, vocabulary_size;
  int32_t *tokens;
  unsigned char vocabulary[256];
} corpus;

static int failed(rill_status status) {
  if (status != RILL_OK) fprintf(stderr, "characters: %s: %s\n", rill_status_name(status), rill_last_error_message());
  return status != RILL_OK;
}

/* ----------------------------------------------------------------------- text */

/* Reads a file and numbers its bytes. Returns 0, or 1 after a message. */
static int read_text(const char *path, corpus *text) {
  size_t capacity = 0;
  int is_used[256] = {0}, byte;
  int32_t places[256];
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    perror(path);
    return 1;
  }
  while ((byte = getc(file)) != EOF) {
    if (text->count == capacity) {
      capacity = capacity > 0 ? 2 * capacity : 65536;
      int32_t *grown = realloc(text->tokens, capacity * sizeof *grown);
      if (grown == NULL) {
        fputs("characters: out of memory\n", stderr);
        fclose(file);
        return 1;
      }
      text->tokens = grown;
    }
    text->tokens[text->count++] = byte;
    is_used[byte] = 1;
  }
  int is_bad = ferror(file) != 0;
  fclose(file);
  for (int i = 0; i < 256; i++)
    if (is_used[i]) {
      places[i] = (int32_t)text->vocabulary_size;
      text->vocabulary[text->vocabulary_size++] = (unsigned char)i;
    }
  for (size_t i = 0; i < text->count; i++) text->tokens[i] = places[text->tokens[i]];
  text->train_count = text->count - text->count / 10;
  if (is_bad || text->count < 20 * LENGTH || text->vocabulary_size < 2) {
    fprintf(stderr, "characters: %s: %s\n", path, is_bad ? "cannot be read" : "the text is too short");
    return 1;
  }
  return 0;
}

/* -------------------------------------------------------------------- network */

/* Forget gates that begin half closed ("forget_bias": 0) learn faster here, where most of what matters is a few characters old. */
static rill_status create_model(const corpus *text, long hidden, rill_model **model) {
  char configuration[4096];
  int length = snprintf(configuration, sizeof configuration,
                        "{\"input\": {\"kind\": \"token\", \"size\": %zu},"
                        " \"layers\": [{\"type\": \"lstm\", \"hidden_size\": %ld, \"forget_bias\": 0}, {\"type\": \"dropout\", \"p\": 0.3},"
                        " {\"type\": \"dense\", \"output_size\": %zu, \"activation\": \"softmax\"}],"
                        " \"metadata\": {\"bytes\": [",
                        text->vocabulary_size, hidden, text->vocabulary_size);
  for (size_t i = 0; i < text->vocabulary_size; i++)
    length += snprintf(configuration + length, sizeof configuration - (size_t)length, "%s%d", i > 0 ? "," : "", text->vocabulary[i]);
  snprintf(configuration + length, sizeof configuration - (size_t)length, "]}}");
  return rill_model_create(configuration, 1, NULL, model);
}

/* A part of a text in lanes: lane b is tokens[b * steps ... (b + 1) * steps]; what the last of them should be followed by is left out. */
typedef struct {
  const int32_t *tokens;
  size_t steps;
} lanes;

static lanes cut(const int32_t *tokens, size_t count) {
  lanes result = {tokens, count / LANES};
  return result;
}

/* A batch of `length` steps of every lane from `start` on; the classes are the tokens that come next. Arrays are [length][LANES]. */
static rill_status make_batch(const rill_model *model, lanes part, size_t start, size_t length, rill_batch **batch) {
  static int32_t tokens[EVALUATED * LANES], classes[EVALUATED * LANES];
  for (size_t t = 0; t < length; t++)
    for (size_t b = 0; b < LANES; b++) {
      const int32_t *token = &part.tokens[b * part.steps + start + t];
      tokens[t * LANES + b] = token[0];
      classes[t * LANES + b] = token[1];
    }
  rill_status status = rill_batch_create(model, length, LANES, NULL, batch);
  if (status == RILL_OK) status = rill_batch_set_tokens(*batch, tokens, length * LANES);
  return status == RILL_OK ? rill_batch_set_classes(*batch, classes, length * LANES) : status;
}

/* Learns from all lanes from beginning to end, or evaluates them. loss: out, in nats per character. Returns 0, or 1 after a message. */
static int go_through(rill_trainer *trainer, const rill_model *model, lanes part, int is_learning, double *loss) {
  double sum = 0;
  size_t length = is_learning ? LENGTH : EVALUATED, count = part.steps - 1;
  /* A new epoch is a new reading: it begins without a memory. An evaluated batch always does, which soon does not matter. */
  int is_bad = failed(is_learning ? rill_trainer_reset_state(trainer) : rill_trainer_reset_metrics(trainer));
  for (size_t start = 0; start < count && !is_bad; start += length) {
    rill_batch *batch = NULL;
    double of_batch = 0;
    size_t steps = count - start < length ? count - start : length;
    is_bad = failed(make_batch(model, part, start, steps, &batch)) ||
             failed(is_learning ? rill_trainer_update(trainer, batch, &of_batch) : rill_trainer_evaluate(trainer, batch));
    sum += of_batch * (double)steps;
    rill_batch_destroy(batch);
  }
  *loss = sum / (double)count;
  return is_bad || (!is_learning && failed(rill_trainer_get_metric(trainer, "loss", loss)));
}

/* Trains until the held-out loss no longer falls, puts the best parameters back, and publishes. Returns 0, or 1 after a message. */
static int train(rill_model *model, const corpus *text, long epochs) {
  lanes training = cut(text->tokens, text->train_count), held_out = cut(text->tokens + text->train_count, text->count - text->train_count);
  long updates = epochs * (long)((training.steps - 1 + LENGTH - 1) / LENGTH);
  rill_trainer *trainer = NULL;
  char options[512];
  snprintf(options, sizeof options,
           "{\"loss\": \"cross_entropy\", \"optimizer\": {\"type\": \"adam\", \"learning_rate\": 0.02}, \"clip_norm\": 1,"
           " \"schedule\": {\"type\": \"cosine\", \"warmup\": %d, \"t_max\": %ld},"
           " \"stateful\": true, \"keep_best\": true, \"patience\": %d}",
           WARMUP, updates > WARMUP ? updates - WARMUP : 1, PATIENCE);
  int is_bad = failed(rill_trainer_create(model, 1, options, &trainer));
  if (!is_bad) printf("epoch    learned  held out   (perplexities)\n");
  for (long epoch = 1; epoch <= epochs && !is_bad; epoch++) {
    double loss, after, should_stop = 0;
    is_bad = go_through(trainer, model, training, 1, &loss) || go_through(trainer, model, held_out, 0, &after) ||
             failed(rill_trainer_set_validation_loss(trainer, after)) ||
             failed(rill_trainer_get_metric(trainer, "should_stop", &should_stop));
    if (!is_bad) printf("%5ld %10.3f %9.3f\n", epoch, exp(loss), exp(after));
    fflush(stdout);
    if (should_stop == 1) {
      printf("stopped: no better for %d epochs\n", PATIENCE);
      break;
    }
  }
  double best = 0;
  is_bad = is_bad || failed(rill_trainer_copy_parameters(trainer, "best", model)) || failed(rill_model_publish(model)) ||
           failed(rill_trainer_get_metric(trainer, "best_validation_loss", &best));
  if (!is_bad) printf("held-out perplexity of the best parameters: %.3f\n", exp(best));
  rill_trainer_destroy(trainer);
  return is_bad;
}

/* --------------------------------------------------------------------- writing */

/* Draws a token: probabilities to the power of 1 / temperature, so that likely ones become likelier. */
static int32_t draw(const float *probabilities, size_t count, uint64_t *state) {
  double sum = 0, weights[256];
  for (size_t i = 0; i < count; i++) sum += weights[i] = pow(probabilities[i], 1 / temperature);
  /* Numerical Recipes' 64-bit LCG, upper bits. */
  *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  double rest = (double)(*state >> 33) / 2147483648.0 * sum;
  size_t token = 0;
  while (token + 1 < count && rest >= weights[token]) rest -= weights[token++];
  return (int32_t)token;
}

/* Reads the first characters that were held out, then writes on, feeding every character back. Returns 0, or 1 after a message. */
static int write_on(rill_model *model, const corpus *text) {
  enum { PROMPT = 60 };
  rill_stream *stream = NULL;
  float probabilities[256];
  uint64_t random = 1;
  int is_bad = failed(rill_stream_create(model, 1, NULL, &stream));
  if (!is_bad) putchar('\n');
  for (size_t i = 0; i < PROMPT + WRITTEN && !is_bad; i++) {
    int32_t token = i < PROMPT ? text->tokens[text->train_count + i] : draw(probabilities, text->vocabulary_size, &random);
    putchar(text->vocabulary[token]);
    is_bad = failed(rill_stream_step_tokens(stream, &token, 1, probabilities, text->vocabulary_size));
  }
  putchar('\n');
  rill_stream_destroy(stream);
  return is_bad;
}

int main(int argument_count, char **arguments) {
  long epochs = argument_count > 3 ? strtol(arguments[3], NULL, 10) : DEFAULT_EPOCHS;
  long hidden = argument_count > 4 ? strtol(arguments[4], NULL, 10) : DEFAULT_HIDDEN;
  if (argument_count < 3 || argument_count > 5 || epochs < 1 || hidden < 1) {
    fprintf(
        stderr,
        "usage: characters TEXT MODEL.json [EPOCHS] [HIDDEN]\nEPOCHS: at the most, default %d. HIDDEN: units of the lstm, default %d.\n",
        DEFAULT_EPOCHS, DEFAULT_HIDDEN);
    return 2;
  }
  corpus text = {0};
  rill_model *model = NULL;
  int is_bad = read_text(arguments[1], &text) || failed(create_model(&text, hidden, &model)) || train(model, &text, epochs) ||
               failed(rill_model_save(model, arguments[2], NULL)) || write_on(model, &text);
  if (!is_bad) printf("%s is saved\n", arguments[2]);
  rill_model_destroy(model);
  free(text.tokens);
  return is_bad;
}
