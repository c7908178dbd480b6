/* The text of a small model file, written by hand, and edits of it. */
#ifndef SMALL_FILE_H
#define SMALL_FILE_H

#include "check.h"
#include <sys/mman.h>
#include <unistd.h>

static const char SMALL_FILE[] =
    "{\"format\": \"rill\", \"format_version\": 1, \"kind\": \"sequential\", \"name\": \"small\", \"metadata\": {\"unit\": \"ppm\"},\n"
    " \"input\": {\"kind\": \"vector\", \"size\": 2, \"shift\": [0.5, 1], \"scale\": 2},\n"
    " \"layers\": [{\"type\": \"lstm\", \"name\": \"memory\", \"hidden_size\": 1}, {\"type\": \"dense\", \"output_size\": 1}],\n"
    " \"output\": {\"shift\": [1], \"scale\": [3]},\n"
    " \"parameters\": [\n"
    "  {\"name\": \"memory.weight_ih_l0\", \"shape\": [4, 2], \"data\": [0.1, -0.2, 0.3, 0.4, -0.5, 6e-1, 0.7, 0.8]},\n"
    "  {\"name\": \"memory.weight_hh_l0\", \"shape\": [4, 1], \"data\": {\"base64\": \"AACAPwAAAEAAAEBAAACAvw==\"}},\n"
    "  {\"name\": \"memory.bias_ih_l0\", \"shape\": [4], \"data\": [0, 1, 0, -0.0]},\n"
    "  {\"name\": \"memory.bias_hh_l0\", \"shape\": [4], \"data\": [0, 0, 0, 0]},\n"
    "  {\"name\": \"1.weight\", \"shape\": [1, 1], \"data\": [1.25]},\n"
    "  {\"name\": \"1.bias\", \"shape\": [1], \"data\": [0.125]}]}\n";

/* text with its only occurrence of old replaced by new_text; the caller frees it. */
static inline char *edited(const char *text, const char *old, const char *new_text) {
  const char *place = strstr(text, old);
  CHECK(place && !strstr(place + 1, old), "\"%s\" stands not once in the text", old);
  if (!place) place = text + strlen(text), old = "";
  char *result = malloc(strlen(text) + strlen(new_text) + 1);
  sprintf(result, "%.*s%s%s", (int)(place - text), text, new_text, place + strlen(old));
  return result;
}

/* Room whose end is the end of readable memory: a byte read behind a text that is put at its end is a crash. */
static char *guarded_end;
static inline void make_guarded_room(size_t size) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (size + page - 1) / page * page;
  char *start = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(start != MAP_FAILED && mprotect(start + room, page, PROT_NONE) == 0);
  guarded_end = start + room;
}

static inline rill_status parse(const char *text, size_t length, rill_model **model) {
  char *copy = guarded_end - length;
  memcpy(copy, text, length);
  memset(model, 0xa5, sizeof *model);
  rill_status status = rill_model_parse(copy, length, NULL, model);
  CHECK((status == RILL_OK) == (*model != NULL), "a handle after %s", rill_status_name(status));
  return status;
}

/* The text fails as a file, and quickly: `limit` seconds are an eternity for a few kilobytes of text, but not for what they could claim. */
static inline void parse_refuses(const char *text, size_t length, int statuses, const char *pattern, const char *what) {
  const double limit = 2;
  rill_model *model;
  double start = seconds();
  rill_status status = parse(text, length, &model);
  double duration = seconds() - start;
  CHECK(is_one_of(status, statuses), "%s: status %s (%s)", what, rill_status_name(status), status ? rill_last_error_message() : "");
  if (status != RILL_OK) {
    CHECK(is_message(rill_last_error_message()), "%s: message \"%s\"", what, rill_last_error_message());
    CHECK(says(rill_last_error_message(), pattern), "%s: \"%s\" does not say \"%s\"", what, rill_last_error_message(), pattern);
  }
  CHECK(duration < limit, "%s: took %.1f s", what, duration);
  rill_model_destroy(status == RILL_OK ? model : NULL);
}

#endif
