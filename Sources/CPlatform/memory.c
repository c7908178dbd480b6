#include "cplatform.h"
#include <stdlib.h>
#include <string.h>

void *rill__allocate(size_t bytes) {
  if (bytes == 0 || bytes > SIZE_MAX - 63) return NULL;
  bytes = (bytes + 63) & ~(size_t)63; /* aligned_alloc wants a multiple of the alignment */
  void *memory = aligned_alloc(64, bytes);
  if (memory) memset(memory, 0, bytes);
  return memory;
}

void rill__free(void *memory) { free(memory); }
