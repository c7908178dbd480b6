#define _DEFAULT_SOURCE /* getentropy */
#include "cplatform.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#if defined(__APPLE__)
#include <sys/random.h>
#endif

enum { LARGEST_WRITE = 1 << 30, MOST_LINKS = 40, MOST_NAMES = 100 };

/* Length of the directory part of path, its last '/' included; 0 if path has none. */
static size_t directory_length(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? (size_t)(slash - path) + 1 : 0;
}

/* Follows symbolic links at the end of path, also one whose target does not exist yet; realpath could not. resolved: PATH_MAX bytes. */
static int resolve_links(const char *path, char *resolved) {
  if (strlen(path) >= PATH_MAX) return ENAMETOOLONG;
  strcpy(resolved, path);
  for (int links = 0; links <= MOST_LINKS; links++) {
    char target[PATH_MAX];
    ssize_t length = readlink(resolved, target, sizeof target);
    if (length < 0) return errno == EINVAL || errno == ENOENT ? 0 : errno; /* not a link, or nothing there */
    size_t kept = target[0] == '/' ? 0 : directory_length(resolved);
    if (kept + (size_t)length >= PATH_MAX) return ENAMETOOLONG;
    memcpy(resolved + kept, target, (size_t)length);
    resolved[kept + (size_t)length] = 0;
  }
  return ELOOP;
}

/* Whether a file may be put at path, and with which permission bits: *mode is -1 if nothing is there. */
static int check_target(const char *path, int *mode) {
  struct stat status;
  *mode = -1;
  if (path[directory_length(path)] == 0) return path[0] ? EISDIR : ENOENT;
  if (stat(path, &status) != 0) return errno == ENOENT ? 0 : errno;
  if (S_ISDIR(status.st_mode)) return EISDIR;
  if (!S_ISREG(status.st_mode)) return EINVAL;
  if (access(path, W_OK) != 0) return errno; /* a rename would replace even a read-only file */
  *mode = (int)(status.st_mode & 0777);
  return 0;
}

static uint64_t random_bits(void) {
  uint64_t bits;
  if (getentropy(&bits, sizeof bits) == 0) return bits;
  struct timespec now = {0, 0};
  clock_gettime(CLOCK_REALTIME, &now);
  return ((uint64_t)now.tv_nsec << 32) ^ (uint64_t)now.tv_sec ^ (uint64_t)getpid() ^ (uint64_t)(uintptr_t)&bits;
}

/* Creates a file with an unused name beside target. name: PATH_MAX bytes, out. */
static int create_beside(const char *target, char *name, int *descriptor) {
  size_t kept = directory_length(target);
  for (int attempt = 0; attempt < MOST_NAMES; attempt++) {
    int length = snprintf(name, PATH_MAX, "%.*s.rill-%016llx", (int)kept, target, (unsigned long long)random_bits());
    if (length < 0 || length >= PATH_MAX) return ENAMETOOLONG;
    *descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (*descriptor >= 0) return 0;
    if (errno != EEXIST && errno != EINTR) return errno;
  }
  return EEXIST;
}

static int write_all(int descriptor, const char *bytes, size_t size) {
  while (size > 0) {
    ssize_t count = write(descriptor, bytes, size < LARGEST_WRITE ? size : LARGEST_WRITE);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    bytes += count;
    size -= (size_t)count;
  }
  return 0;
}

/* Makes the rename itself durable. Without effect on failure: the file has been replaced, which is what the caller asks about. */
static void synchronize_directory(const char *target) {
  char directory[PATH_MAX];
  size_t length = directory_length(target);
  memcpy(directory, target, length);
  strcpy(directory + length, ".");
  int descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  fsync(descriptor);
  close(descriptor);
}

int rill__replace_file(const char *path, const void *data, size_t size) {
  char target[PATH_MAX];
  char temporary[PATH_MAX];
  int mode;
  int descriptor;
  int error = resolve_links(path, target);
  if (!error) error = check_target(target, &mode);
  if (!error) error = create_beside(target, temporary, &descriptor);
  if (error) return error;

  if (mode >= 0 && fchmod(descriptor, (mode_t)mode) != 0) error = errno;
  if (!error) error = write_all(descriptor, data, size);
  if (!error && fsync(descriptor) != 0) error = errno;
  if (close(descriptor) != 0 && !error) error = errno;
  if (!error && rename(temporary, target) != 0) error = errno;
  if (error) {
    unlink(temporary);
    return error;
  }
  synchronize_directory(target);
  return 0;
}
