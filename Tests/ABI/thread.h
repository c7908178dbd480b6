/* Starts threads and waits for them. */
#ifndef THREAD_H
#define THREAD_H

#include "models.h"
#include <pthread.h>
#include <sched.h>

enum { THREADS = 4 };

static inline void run_threads(int count, void *(*body)(void *), void *argument) {
  pthread_t threads[THREADS];
  for (int i = 0; i < count; i++) REQUIRE(pthread_create(&threads[i], NULL, body, argument) == 0);
  for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
}

#endif
