#include "cplatform.h"
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)

static int allowed_level(void) {
  const char *name = getenv("RILL_ISA");
  if (name && strcmp(name, "baseline") == 0) return 1;
  if (name && strcmp(name, "v3") == 0) return 3;
  return 4;
}

int rill__instruction_set(void) {
  __builtin_cpu_init();
  int level = __builtin_cpu_supports("x86-64-v4") ? 4 : __builtin_cpu_supports("x86-64-v3") ? 3 : 1;
  int allowed = allowed_level();
  return level < allowed ? level : allowed;
}

#else

int rill__instruction_set(void) { return 1; }

#endif
