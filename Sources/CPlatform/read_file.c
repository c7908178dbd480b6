#define _POSIX_C_SOURCE 200809L
#include "cplatform.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGEST_READ = 1 << 30 }; /* Linux reads at most 2^31 - 4096 bytes at once */

/* Reads descriptor to its end into *data, which grows by doubling. first_capacity: what is likely to do. */
static int read_all(int descriptor, size_t first_capacity, size_t limit, void **data, size_t *size) {
  size_t capacity = first_capacity;
  size_t used = 0;
  char *bytes = rill__allocate(capacity);
  if (!bytes) return ENOMEM;
  for (;;) {
    if (used == capacity - 1) { /* the last byte stays NUL */
      char *larger = capacity <= SIZE_MAX / 2 ? rill__allocate(2 * capacity) : NULL;
      if (!larger) {
        rill__free(bytes);
        return ENOMEM;
      }
      memcpy(larger, bytes, used);
      rill__free(bytes);
      bytes = larger;
      capacity *= 2;
    }
    size_t room = capacity - 1 - used;
    ssize_t count = read(descriptor, bytes + used, room < LARGEST_READ ? room : LARGEST_READ);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 || used + (size_t)count > limit) {
      int error = count < 0 ? errno : EFBIG;
      rill__free(bytes);
      return error;
    }
    if (count == 0) break;
    used += (size_t)count;
  }
  *data = bytes;
  *size = used;
  return 0;
}

int rill__read_file(const char *path, size_t limit, void **data, size_t *size) {
  *data = NULL;
  *size = 0;
  int descriptor;
  do descriptor = open(path, O_RDONLY | O_CLOEXEC);
  while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0) return errno;

  struct stat status;
  int error = 0;
  size_t capacity = 4096;
  if (fstat(descriptor, &status) != 0) error = errno;
  else if (S_ISDIR(status.st_mode)) error = EISDIR;
  else if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) error = EINVAL; /* /dev/zero has no end */
  else if (S_ISREG(status.st_mode)) {
    if ((uintmax_t)status.st_size > limit) error = EFBIG;
    else capacity = (size_t)status.st_size + 2; /* the NUL, and one more so that the read that finds the end has room */
  }
  if (!error) error = read_all(descriptor, capacity, limit, data, size);
  close(descriptor);
  return error;
}
