/* The allocator of the C library, replaced in the executable: it counts, and can be told to fail.
 *
 * The library is linked dynamically, so its calls come here, and so do those of json-c inside it and of the C library for it (strdup). Memory
 * itself comes from glibc's own entry points. Swift's objects come from posix_memalign: Swift cannot survive a failure there, and they
 * are small, so that is counted but never failed; all buffers whose size comes from outside are taken with the others. */
#ifndef ALLOCATOR_H
#define ALLOCATOR_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE // as check.h, which comes after it
#endif
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static atomic_long allocation_count, free_count;
static atomic_long live_count;         // blocks that are allocated and not freed
static _Thread_local long failing_at;  // the call of this thread, counted down from here, that fails; 0: none
static _Thread_local bool has_failed;

static bool allocation_fails(void) {
  atomic_fetch_add(&allocation_count, 1);
  if (failing_at == 0 || --failing_at > 0) return false;
  has_failed = true;
  errno = ENOMEM;
  return true;
}

static void *counted(void *block) {
  if (block) atomic_fetch_add(&live_count, 1);
  return block;
}

void *malloc(size_t size) { return allocation_fails() ? NULL : counted(__libc_malloc(size)); }
void *calloc(size_t count, size_t size) { return allocation_fails() ? NULL : counted(__libc_calloc(count, size)); }
void *aligned_alloc(size_t alignment, size_t size) { return allocation_fails() ? NULL : counted(__libc_memalign(alignment, size)); }
void *memalign(size_t alignment, size_t size) { return aligned_alloc(alignment, size); }

void *realloc(void *block, size_t size) {
  if (allocation_fails()) return NULL;
  void *result = __libc_realloc(block, size);
  if (!block) return counted(result);
  if (size == 0 && !result) atomic_fetch_sub(&live_count, 1);
  return result;
}

int posix_memalign(void **block, size_t alignment, size_t size) {
  atomic_fetch_add(&allocation_count, 1);
  void *result = counted(__libc_memalign(alignment, size));
  if (!result) return ENOMEM;
  *block = result;
  return 0;
}

void free(void *block) {
  if (!block) return;
  atomic_fetch_add(&free_count, 1);
  atomic_fetch_sub(&live_count, 1);
  __libc_free(block);
}

#endif
