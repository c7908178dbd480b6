#define _GNU_SOURCE /* strtod_l */
#include "cplatform.h"
#include <locale.h>
#include <stdlib.h>
#if defined(__APPLE__)
#include <xlocale.h>
#endif

double rill__parse_double(const char *text) {
  /* The C library hands out its own constant "C" locale for this request: nothing is allocated. */
  locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  if (!c) return strtod(text, NULL);
  double value = strtod_l(text, NULL, c);
  freelocale(c);
  return value;
}
