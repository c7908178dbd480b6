/* Small helpers around files for the programs that save. */
#ifndef FILES_H
#define FILES_H

#include "check.h"
#include <dirent.h>
#include <sys/stat.h>

/* The whole file, NUL-terminated; the caller frees it. NULL if there is none. */
static inline char *read_file(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  if (!file) return NULL;
  enum { MAXIMUM = 1 << 22 };
  char *text = calloc(1, MAXIMUM + 1);
  *length = fread(text, 1, MAXIMUM, file);
  fclose(file);
  return text;
}

static inline bool file_is(const char *path, const char *text, size_t length) {
  size_t found = 0;
  char *now = read_file(path, &found);
  bool same = now && found == length && memcmp(now, text, length) == 0;
  free(now);
  return same;
}

static inline void write_file(const char *path, const char *text, size_t length) {
  FILE *file = fopen(path, "w");
  REQUIRE(file && fwrite(text, 1, length, file) == length && fclose(file) == 0);
}

/* Entries of a folder, with hidden ones: a temporary file left behind would be one more. */
static inline int entry_count(const char *path) {
  int count = 0;
  DIR *folder = opendir(path);
  REQUIRE(folder);
  while (readdir(folder)) count++;
  closedir(folder);
  return count;
}

#endif
