#include "cplatform.h"

uint64_t rill__hash(const void *bytes, size_t length, uint64_t seed) {
  const unsigned char *p = bytes;
  uint64_t hash = seed ? seed : 0xcbf29ce484222325;
  for (size_t i = 0; i < length; i++) hash = (hash ^ p[i]) * 0x00000100000001b3;
  return hash;
}
