/* The allocator of the C library, replaced in the executable: it counts, and can be told to fail.
 *
 * The library is linked dynamically, so its calls come here, and so do those of json-c inside it and of the C library for it (strdup).
 * Memory itself comes from glibc's own entry points. Swift's objects come from posix_memalign: Swift cannot survive a failure there, and
 * they are small, so that is counted but never failed; all buffers whose size comes from outside are taken with the others. */
#ifndef ALLOCATOR_H
#define ALLOCATOR_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE // as check.h, which comes after it
#endif
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static atomic_long allocation_count, free_count;
static atomic_long allocated_bytes;   // all told
static atomic_long live_count;        // blocks that are allocated and not freed
static _Thread_local long failing_at; // the call of this thread, counted down from here, that fails; 0: none
static _Thread_local bool has_failed;
static _Thread_local bool a_buffer_failed; // what failed was taken by the library itself, not by json-c or the C library inside it

static bool allocation_fails(size_t size) {
  atomic_fetch_add(&allocation_count, 1);
  atomic_fetch_add(&allocated_bytes, (long)size);
  if (failing_at == 0 || --failing_at > 0) return false;
  has_failed = true;
  errno = ENOMEM;
  return true;
}

static void *counted(void *block) {
  if (block) atomic_fetch_add(&live_count, 1);
  return block;
}

/* The library's own blocks (its buffers and Swift's objects) carry a mark and their offset in front, which tells them from those of
 * json-c. */
static const uint64_t OWN_MARK = 0x6f776e626c6f636b;
static atomic_long own_count; // of them, allocated and not freed

static void *owned(size_t alignment, size_t size) {
  size_t offset = alignment < 64 ? 64 : alignment;
  unsigned char *base = __libc_memalign(offset, offset + size);
  if (!base) return NULL;
  uint64_t *mark = (uint64_t *)(base + offset) - 2;
  mark[0] = OWN_MARK;
  mark[1] = offset;
  atomic_fetch_add(&own_count, 1);
  return counted(base + offset);
}

void *malloc(size_t size) { return allocation_fails(size) ? NULL : counted(__libc_malloc(size)); }
void *calloc(size_t count, size_t size) { return allocation_fails(count * size) ? NULL : counted(__libc_calloc(count, size)); }
void *aligned_alloc(size_t alignment, size_t size) {
  if (!allocation_fails(size)) return owned(alignment, size);
  a_buffer_failed = true;
  return NULL;
}
void *memalign(size_t alignment, size_t size) { return aligned_alloc(alignment, size); }

void *realloc(void *block, size_t size) {
  if (allocation_fails(size)) return NULL;
  void *result = __libc_realloc(block, size);
  if (!block) return counted(result);
  if (size == 0 && !result) atomic_fetch_sub(&live_count, 1);
  return result;
}

int posix_memalign(void **block, size_t alignment, size_t size) {
  atomic_fetch_add(&allocation_count, 1);
  atomic_fetch_add(&allocated_bytes, (long)size);
  void *result = owned(alignment, size);
  if (!result) return ENOMEM;
  *block = result;
  return 0;
}

void free(void *block) {
  if (!block) return;
  atomic_fetch_add(&free_count, 1);
  atomic_fetch_sub(&live_count, 1);
  uint64_t *mark = (uint64_t *)block - 2; // in front of a block of malloc stand its sizes
  if (mark[0] == OWN_MARK) {
    atomic_fetch_sub(&own_count, 1);
    block = (unsigned char *)block - mark[1];
    mark[0] = 0;
  }
  __libc_free(block);
}

#endif
