#include "cplatform.h"
#include <string.h>

long rill__word_index(const char *words, const char *word) {
  size_t wanted = strlen(word);
  for (long index = 0;; index++) {
    size_t length;
    const char *start = rill__word(words, index, &length);
    if (!start) return -1;
    if (length == wanted && memcmp(start, word, length) == 0) return index;
  }
}

const char *rill__word(const char *words, long index, size_t *length) {
  while (*words) {
    *length = strcspn(words, " ");
    if (index-- == 0) return words;
    words += *length;
    words += strspn(words, " ");
  }
  *length = 0;
  return NULL;
}
