/* The locks of the C library, replaced in the executable: they count, and then do what they should. */
#ifndef LOCKS_H
#define LOCKS_H

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

static atomic_long lock_count;

/* The C library's own function of that name. The object pointer is converted through a union: ISO C has no cast for it. */
#define COUNTED_LOCK(name, type)                                                                                                           \
  int name(type *lock) {                                                                                                                   \
    static union {                                                                                                                         \
      void *object;                                                                                                                        \
      int (*function)(type *);                                                                                                             \
    } original;                                                                                                                            \
    if (!original.object) original.object = dlsym(RTLD_NEXT, #name);                                                                       \
    if (!original.object) abort();                                                                                                         \
    atomic_fetch_add(&lock_count, 1);                                                                                                      \
    return original.function(lock);                                                                                                        \
  }

COUNTED_LOCK(pthread_mutex_lock, pthread_mutex_t)
COUNTED_LOCK(pthread_mutex_trylock, pthread_mutex_t)
COUNTED_LOCK(pthread_mutex_unlock, pthread_mutex_t)
COUNTED_LOCK(pthread_rwlock_rdlock, pthread_rwlock_t)
COUNTED_LOCK(pthread_rwlock_wrlock, pthread_rwlock_t)
COUNTED_LOCK(pthread_rwlock_unlock, pthread_rwlock_t)

#endif
