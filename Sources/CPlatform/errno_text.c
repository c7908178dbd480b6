#define _POSIX_C_SOURCE 200809L /* the strerror_r that returns int */
#undef _GNU_SOURCE
#include "cplatform.h"
#include <stdio.h>
#include <string.h>

void rill__errno_text(int error, char *buffer, size_t capacity) {
  buffer[0] = 0;
  if (strerror_r(error, buffer, capacity) != 0 && buffer[0] == 0) snprintf(buffer, capacity, "error %d", error);
}
