/* One invalid argument at a time: what every failing call of the interface must do and must leave alone. */
#ifndef REFUSED_H
#define REFUSED_H

#include "models.h"

/* Where failing calls are told to write. Each call finds it filled with a pattern and must leave it so. */
static struct outputs {
  float values[MAXIMUM_VALUES + 16];
  char text[4096];
  double number, numbers[3];
  size_t size, shape[4], rank;
  int32_t kind;
} out;
static size_t out_length; // of the two-call pattern: set by failing calls too, where the text was known
static rill_model *out_model;
static rill_stream *out_stream;
static rill_batch *out_batch;
static rill_trainer *out_trainer;

enum { PATTERN = 0xa5 };

/* Of the file that includes this: the objects under test, and what they answer before the first failing call. */
static struct world world;
static uint64_t answer;

static inline void use_world(const char *kind) {
  world = make_world(kind_named(kind));
  answer = probe(&world);
}

static inline void forget_world(void) { destroy_world(&world); }

static inline void fill_outputs(void) {
  memset(&out, PATTERN, sizeof out);
  memset(&out_length, PATTERN, sizeof out_length);
  // Not handles: they must become NULL.
  memset(&out_model, PATTERN, sizeof out_model);
  memset(&out_stream, PATTERN, sizeof out_stream);
  memset(&out_batch, PATTERN, sizeof out_batch);
  memset(&out_trainer, PATTERN, sizeof out_trainer);
}

static inline bool outputs_are_untouched(void) {
  for (size_t i = 0; i < sizeof out; i++)
    if (((const unsigned char *)&out)[i] != PATTERN) return false;
  return true;
}

/* The call fails with a status of the set and a message that says the pattern (see `says`); outputs are untouched, and all objects of
 * the world work as before. The message must outlive the successful calls of the probe. */
#define REFUSED(call, statuses, pattern)                                                                                                   \
  do {                                                                                                                                     \
    fill_outputs();                                                                                                                        \
    refused((call), __FILE__, __LINE__, #call, (statuses), (pattern));                                                                     \
  } while (0)

/* The same for a call that makes an object. */
#define REFUSED_HANDLE(handle, call, statuses, pattern)                                                                                    \
  do {                                                                                                                                     \
    REFUSED(call, statuses, pattern);                                                                                                      \
    CHECK((handle) == NULL, "%s left a handle", #call);                                                                                    \
  } while (0)

static inline void refused(rill_status status, const char *file, int line, const char *text, int statuses, const char *pattern) {
  char before[1200];
  snprintf(before, sizeof before, "%s", rill_last_error_message());
  check_refused(status, file, line, text, statuses, pattern);
  check(outputs_are_untouched(), file, line, text, "an output was written");
  check(probe(&world) == answer, file, line, text, "an object answers differently afterwards");
  check(strcmp(before, rill_last_error_message()) == 0, file, line, text, "a successful call changed the message");
}

/* Counts that are not the right one: small slips, sizes that overflow when multiplied by 4, 2 or 3, and one that fits after truncation
 * to 32 bits. */
enum { WRONG_COUNTS = 9 };
static inline size_t wrong_count(size_t right, size_t i) {
  const size_t counts[WRONG_COUNTS] = {
      0, right - 1, right + 1, right * 2, SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 4, SIZE_MAX / 2 + 1, right + ((size_t)1 << 32)};
  return counts[i];
}

/* The call, which uses `count`, fails for every wrong count; the message names the parameter and the right count. */
#define WRONG_COUNTS_REFUSED(name, right, call)                                                                                            \
  for (size_t i_ = 0; i_ < WRONG_COUNTS; i_++) {                                                                                           \
    size_t count = wrong_count((right), i_);                                                                                               \
    char pattern_[128];                                                                                                                    \
    snprintf(pattern_, sizeof pattern_, "%s&%zu", name, (size_t)(right));                                                                  \
    REFUSED(call, ARGUMENT, pattern_);                                                                                                     \
  }

/* Every value that is not finite, first and last in an array that the call reads. */
static inline float float_of_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}
static const uint32_t NOT_FINITE[] = {0x7fc00000, 0xffc00000, 0x7f800001, 0x7f800000, 0xff800000}; // NaN, -NaN, signaling NaN, +-infinity
enum { NOT_FINITE_COUNT = sizeof NOT_FINITE / sizeof *NOT_FINITE };

#define NOT_FINITE_REFUSED(array, count, name, call)                                                                                       \
  for (size_t i_ = 0; i_ < 2 * NOT_FINITE_COUNT; i_++) {                                                                                   \
    float *place_ = (array) + (i_ % 2 ? (count) - 1 : 0), good_ = *place_;                                                                 \
    *place_ = float_of_bits(NOT_FINITE[i_ / 2]);                                                                                           \
    REFUSED(call, ARGUMENT, name);                                                                                                         \
    *place_ = good_;                                                                                                                       \
  }

/* Every integer outside low ... high, first and last in an array that the call reads. */
#define OUT_OF_RANGE_REFUSED(array, count, low, high, name, call)                                                                          \
  for (size_t i_ = 0; i_ < 8; i_++) {                                                                                                      \
    const int32_t wrong_[] = {(low) - 1, (high) + 1, INT32_MIN, INT32_MAX};                                                                \
    int32_t *place_ = (array) + (i_ % 2 ? (count) - 1 : 0), good_ = *place_;                                                               \
    *place_ = wrong_[i_ / 2];                                                                                                              \
    REFUSED(call, ARGUMENT, name);                                                                                                         \
    *place_ = good_;                                                                                                                       \
  }

/* Names that nothing has; one of them 100,000 bytes long. */
static inline const char *wrong_name(size_t i) {
  static char long_name[100001];
  memset(long_name, 'w', sizeof long_name - 1);
  const char *names[] = {"",  "weight",   "0.weight_ih_l0 ", "0.WEIGHT_IH_L0", "99.weight_ih_l0", "0.weight_ih_l99",
                         ".", "\xff\xfe", long_name,         "0.\n\x1b[31m"};
  return names[i];
}
enum { WRONG_NAMES = 10 };
#define WRONG_NAMES_REFUSED(call)                                                                                                          \
  for (size_t i_ = 0; i_ < WRONG_NAMES; i_++) {                                                                                            \
    const char *name = wrong_name(i_);                                                                                                     \
    REFUSED(call, ARGUMENT, "name");                                                                                                       \
  }

/* Options that no function takes: broken text, not an object, a key that is not listed. */
static const char *const WRONG_OPTIONS[] = {"",
                                            "{",
                                            "[]",
                                            "null",
                                            "1",
                                            "\"text\"",
                                            "{}{}",
                                            "{,}",
                                            "{\"bogus\": 1}",
                                            "{\"\": 0}",
                                            "{\"a\" 1}",
                                            "\xff",
                                            "{\"bogus\xff\": 1}",
                                            "{\"bogus\": NaN}",
                                            "{'bogus': 1}",
                                            "{\"bogus\": 1, \"bogus\": 1}",
                                            "{} x",
                                            "\xef\xbb\xbf{}"};
enum { WRONG_OPTIONS_COUNT = sizeof WRONG_OPTIONS / sizeof *WRONG_OPTIONS };

#endif
