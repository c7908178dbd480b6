/* Checks that count themselves, for the C programs in this folder. They know the library by include/rill.h alone.
 *
 * A program is a few tests (functions without arguments) given to TEST, one after the other. Each test prints one line, "ok" or "FAIL",
 * after a line for every CHECK that did not hold, so that a crash still shows how far the program came. */
#ifndef CHECK_H
#define CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE // clock_gettime, fork, mkdtemp and their kind under -std=c11
#endif
#include <rill.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static atomic_int failed_checks; // of the test that runs; threads of a test count here too
static int failed_tests;

enum { REPORTED_CHECKS = 12 }; // a broken table would print thousands of lines

/* Returns the condition, so that a test can stop where going on makes no sense: if (!CHECK(...)) return; */
#define CHECK(condition, ...) check((condition), __FILE__, __LINE__, #condition, "" __VA_ARGS__)
#define CHECK_OK(call) check_ok((call), __FILE__, __LINE__, #call)

/* A setup that fails leaves nothing to test. */
#define REQUIRE(condition)                                                                                                                 \
  do {                                                                                                                                     \
    if (!CHECK(condition, "%s", rill_last_error_message())) exit(1);                                                                       \
  } while (0)

#define TEST(function) run_test(__FILE__, #function, function)

static inline bool check(bool holds, const char *file, int line, const char *text, const char *format, ...) {
  if (holds) return true;
  if (atomic_fetch_add(&failed_checks, 1) < REPORTED_CHECKS) {
    char details[1200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(details, sizeof details, format, arguments);
    va_end(arguments);
    printf("     %s:%d: %s%s%s\n", file, line, text, *details ? ": " : "", details);
    fflush(stdout);
  }
  return false;
}

static inline bool check_ok(rill_status status, const char *file, int line, const char *text) {
  return check(status == RILL_OK, file, line, text, "%s: %s", rill_status_name(status), rill_last_error_message());
}

static inline void run_test(const char *file, const char *name, void (*test)(void)) {
  const char *folder_end = strrchr(file, '/');
  failed_checks = 0;
  test();
  if (failed_checks > REPORTED_CHECKS) printf("     ... %d failed checks in all\n", failed_checks);
  printf("%s %s %s\n", failed_checks ? "FAIL" : "ok  ", folder_end ? folder_end + 1 : file, name);
  fflush(stdout);
  failed_tests += failed_checks != 0;
}

/* What main returns. */
static inline int finish(void) { return failed_tests != 0; }

static inline double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* FNV-1a over bytes: one number that stands for all bits of a result. */
static inline uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t count) {
  const unsigned char *byte = bytes;
  for (size_t i = 0; i < count; i++) hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
  return hash;
}
enum { HASH_START = 1469598103 };

/* Whether bytes are well-formed UTF-8 (shortest forms, no surrogates, up to U+10FFFF). */
static inline bool is_utf8(const char *text) {
  const unsigned char *byte = (const unsigned char *)text;
  while (*byte) {
    size_t more = *byte < 0x80 ? 0 : *byte >= 0xc2 && *byte < 0xe0 ? 1 : (*byte & 0xf0) == 0xe0 ? 2 : *byte >= 0xf0 && *byte < 0xf5 ? 3 : 9;
    if (more == 9) return false;
    unsigned char low = *byte == 0xe0 ? 0xa0 : *byte == 0xf0 ? 0x90 : 0x80, high = *byte == 0xed ? 0x9f : *byte == 0xf4 ? 0x8f : 0xbf;
    byte++;
    for (; more > 0; more--, byte++, low = 0x80, high = 0xbf)
      if (*byte < low || *byte > high) return false;
  }
  return true;
}

/* A message as rill.h promises it: one line of UTF-8, not empty, no final newline, no control characters; a bounded length, because it is
 * formatted without allocating. */
static inline bool is_message(const char *message) {
  size_t length = strlen(message);
  if (length == 0 || length > 1000 || !is_utf8(message)) return false;
  for (size_t i = 0; i < length; i++)
    if ((unsigned char)message[i] < 0x20 || message[i] == 0x7f) return false;
  return true;
}

/* Whether a message has every '&'-separated part of pattern, where a part may list alternatives with '|': "lengths|length_count&3".
 * An empty pattern fits any message. */
static inline bool says(const char *message, const char *pattern) {
  char copy[256];
  snprintf(copy, sizeof copy, "%s", pattern);
  char *rest = copy;
  for (char *part; (part = strsep(&rest, "&"));) {
    bool found = *part == 0;
    for (char *word; (word = strsep(&part, "|"));) found = found || strstr(message, word);
    if (!found) return false;
  }
  return true;
}

/* Statuses as sets, for what may fail in one of several ways. */
enum {
  ARGUMENT = 1 << -RILL_ERROR_ARGUMENT,
  STATE = 1 << -RILL_ERROR_STATE,
  FORMAT = 1 << -RILL_ERROR_FORMAT,
  IO = 1 << -RILL_ERROR_IO,
  MEMORY = 1 << -RILL_ERROR_MEMORY,
  UNSUPPORTED = 1 << -RILL_ERROR_UNSUPPORTED,
  DIVERGED = 1 << -RILL_ERROR_DIVERGED
};

static inline bool is_one_of(rill_status status, int statuses) { return status < 0 && status > -16 && (1 << -status & statuses) != 0; }

/* A failed call: a status of the set, and a message that says what it should. */
#define CHECK_REFUSED(call, statuses, pattern) check_refused((call), __FILE__, __LINE__, #call, (statuses), (pattern))
static inline bool check_refused(rill_status status, const char *file, int line, const char *text, int statuses, const char *pattern) {
  const char *message = rill_last_error_message();
  return check(is_one_of(status, statuses), file, line, text, "status %s (%s)", rill_status_name(status), status ? message : "") &&
         check(is_message(message), file, line, text, "not one line of text: \"%s\"", message) &&
         check(says(message, pattern), file, line, text, "message \"%s\" does not say \"%s\"", message, pattern);
}

#endif
