/* Streams a model: one time step per line in, one prediction per line out, the state kept inside.
 *
 *   cc -std=c99 -o stream stream.c $(pkg-config --cflags --libs rill)
 *   ./stream model.json <samples.txt
 */
#define _POSIX_C_SOURCE 200809L /* getline */
#include <rill.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char separators[] = " \t,\r\n";

static int failed(rill_status status) {
  if (status != RILL_OK) fprintf(stderr, "stream: %s: %s\n", rill_status_name(status), rill_last_error_message());
  return status != RILL_OK;
}

/* Reads the numbers of a line into values. Returns how many there are, also beyond capacity, or -1 if something else stands there. */
static long parse_numbers(const char *line, float *values, size_t capacity) {
  long count = 0;
  for (line += strspn(line, separators); *line != '\0'; line += strspn(line, separators)) {
    char *end;
    float value = strtof(line, &end);
    if (end == line || strcspn(end, separators) != 0) return -1;
    if ((size_t)count < capacity) values[count] = value;
    count++;
    line = end;
  }
  return count;
}

static rill_status step(rill_stream *stream, int is_token, const float *input, size_t input_size, float *output, size_t output_size) {
  if (!is_token) return rill_stream_step(stream, input, input_size, output, output_size);
  int32_t token = (int32_t)input[0];
  return rill_stream_step_tokens(stream, &token, 1, output, output_size);
}

/* Steps the stream with every line of standard input. Returns 0, or 1 after a message. */
static int run(rill_stream *stream, int is_token, float *input, size_t input_size, float *output, size_t output_size) {
  char *line = NULL;
  size_t capacity = 0;
  int result = 0;
  for (long number = 1; result == 0 && getline(&line, &capacity, stdin) >= 0; number++) {
    long count = parse_numbers(line, input, input_size);
    if (count == 0) continue; /* an empty line is no time step */
    if (count != (long)input_size) {
      fprintf(stderr, "stream: line %ld: expected %zu number%s\n", number, input_size, input_size == 1 ? "" : "s");
      result = 1;
    } else if (is_token && !(input[0] >= -1 && input[0] <= 1048576 && input[0] == (float)(int32_t)input[0])) {
      fprintf(stderr, "stream: line %ld: expected a token, which is an integer\n", number);
      result = 1;
    } else if (failed(step(stream, is_token, input, input_size, output, output_size))) {
      fprintf(stderr, "stream: that was line %ld\n", number);
      result = 1;
    } else {
      /* Nine digits bring back the same float. */
      for (size_t i = 0; i < output_size; i++) printf("%s%.9g", i > 0 ? " " : "", output[i]);
      putchar('\n');
      fflush(stdout); /* the reader gets each answer at once */
    }
  }
  if (result == 0 && (ferror(stdin) || ferror(stdout))) {
    perror("stream");
    result = 1;
  }
  free(line);
  return result;
}

int main(int argument_count, char **arguments) {
  if (argument_count != 2 || strcmp(arguments[1], "--help") == 0) {
    fputs("usage: stream MODEL.json\n"
          "Reads one time step per line from standard input (as many numbers as the model takes, separated by spaces\n"
          "or commas; one integer for a token model) and writes the model's output of that step as one line.\n",
          argument_count == 2 ? stdout : stderr);
    return argument_count == 2 ? 0 : 2;
  }

  rill_model *model = NULL;
  rill_stream *stream = NULL;
  float *input = NULL, *output = NULL;
  int32_t input_kind;
  size_t input_size, output_size;
  int result = 1;
  if (!failed(rill_model_load(arguments[1], NULL, &model)) && !failed(rill_model_get_input_kind(model, &input_kind)) &&
      !failed(rill_model_get_input_size(model, &input_size)) && !failed(rill_model_get_output_size(model, &output_size)) &&
      !failed(rill_stream_create(model, 1, NULL, &stream))) {
    int is_token = input_kind == RILL_INPUT_TOKEN;
    input = calloc(input_size, sizeof *input);
    output = calloc(output_size, sizeof *output);
    if (input == NULL || output == NULL) {
      fputs("stream: out of memory\n", stderr);
    } else {
      result = run(stream, is_token, input, is_token ? 1 : input_size, output, output_size);
    }
  }
  free(input);
  free(output);
  rill_stream_destroy(stream);
  rill_model_destroy(model);
  return result;
}
