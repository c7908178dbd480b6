#include <stdio.h>

#include "cplatform.h"

/* glibc's snprintf allocates nothing for these conversions. */

void rill__set_count_error(const char *name, size_t count, size_t expected) {
  char text[256];
  int length = snprintf(text, sizeof text, "%s: is %zu, but must be %zu", name, count, expected);
  rill__set_error(text, (size_t)length);
}

void rill__set_range_error(const char *name, size_t index, long value, long first, long last) {
  char text[256];
  int length = snprintf(text, sizeof text, "%s[%zu]: is %ld, but must be in %ld ... %ld", name, index, value, first, last);
  rill__set_error(text, (size_t)length);
}

void rill__set_finite_error(const char *name, size_t index) {
  char text[256];
  int length = snprintf(text, sizeof text, "%s[%zu]: is not finite", name, index);
  rill__set_error(text, (size_t)length);
}
