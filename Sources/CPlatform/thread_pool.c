#define _GNU_SOURCE
#include "thread_pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* Work comes in bursts of many short pieces with next to nothing between them, so whoever waits looks again for a while (some 20 microseconds) before it lets go
 * of the processor. Not where threads are more than processors: they would keep others from the work that they wait for. */
enum { LOOKS = 2000 };

struct rill__pool {
  long threads;
  int looks;
  pthread_t *workers; /* threads - 1 */
  void (*work)(void *context, long index);
  void *context;
  atomic_ulong round;   /* goes up with each piece of work */
  atomic_long unfinished; /* workers that have not finished this round */
  atomic_int ending;
  pthread_mutex_t mutex; /* of those who no longer look but sleep */
  pthread_cond_t has_work, is_done;
};

typedef struct {
  rill__pool *pool;
  long index;
} worker;

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

static void wait_for_round(rill__pool *pool, unsigned long seen) {
  for (int i = 0; i < pool->looks; i++) {
    if (atomic_load_explicit(&pool->round, memory_order_acquire) != seen) return;
    relax();
  }
  pthread_mutex_lock(&pool->mutex);
  while (atomic_load_explicit(&pool->round, memory_order_acquire) == seen) pthread_cond_wait(&pool->has_work, &pool->mutex);
  pthread_mutex_unlock(&pool->mutex);
}

static void *run_worker(void *argument) {
  worker me = *(worker *)argument;
  free(argument);
  for (unsigned long seen = 0;; seen++) {
    wait_for_round(me.pool, seen);
    if (atomic_load_explicit(&me.pool->ending, memory_order_relaxed)) return NULL;
    me.pool->work(me.pool->context, me.index);
    if (atomic_fetch_sub_explicit(&me.pool->unfinished, 1, memory_order_acq_rel) == 1) {
      pthread_mutex_lock(&me.pool->mutex);
      pthread_cond_signal(&me.pool->is_done);
      pthread_mutex_unlock(&me.pool->mutex);
    }
  }
}

/* Under the mutex, so that nobody who has just looked for the last time sleeps through it. */
static void begin_round(rill__pool *pool) {
  pthread_mutex_lock(&pool->mutex);
  atomic_fetch_add_explicit(&pool->round, 1, memory_order_release);
  pthread_cond_broadcast(&pool->has_work);
  pthread_mutex_unlock(&pool->mutex);
}

void rill__pool_run(rill__pool *pool, void (*work)(void *, long), void *context) {
  if (pool->threads > 1) {
    pool->work = work;
    pool->context = context;
    atomic_store_explicit(&pool->unfinished, pool->threads - 1, memory_order_relaxed);
    begin_round(pool);
  }
  work(context, 0);
  if (pool->threads == 1) return;
  for (int i = 0; i < pool->looks; i++) {
    if (atomic_load_explicit(&pool->unfinished, memory_order_acquire) == 0) return;
    relax();
  }
  pthread_mutex_lock(&pool->mutex);
  while (atomic_load_explicit(&pool->unfinished, memory_order_acquire) != 0) pthread_cond_wait(&pool->is_done, &pool->mutex);
  pthread_mutex_unlock(&pool->mutex);
}

/* Ends and joins the first `count` workers, and frees everything. */
static void end(rill__pool *pool, long count) {
  atomic_store_explicit(&pool->ending, 1, memory_order_relaxed);
  begin_round(pool);
  for (long i = 0; i < count; i++) pthread_join(pool->workers[i], NULL);
  pthread_cond_destroy(&pool->is_done);
  pthread_cond_destroy(&pool->has_work);
  pthread_mutex_destroy(&pool->mutex);
  free(pool->workers);
  free(pool);
}

static int start_worker(rill__pool *pool, long index) {
  worker *it = malloc(sizeof *it);
  if (!it) return -1;
  *it = (worker){pool, index + 1};
  int status = pthread_create(&pool->workers[index], NULL, run_worker, it);
  if (status != 0) free(it);
  return status;
}

rill__pool *rill__pool_create(long threads) {
  rill__pool *pool = calloc(1, sizeof *pool);
  if (!pool) return NULL;
  pool->threads = threads;
  pool->looks = threads <= sysconf(_SC_NPROCESSORS_ONLN) ? LOOKS : 0;
  pool->workers = calloc((size_t)threads, sizeof *pool->workers);
  if (!pool->workers || pthread_mutex_init(&pool->mutex, NULL) != 0) {
    free(pool->workers);
    free(pool);
    return NULL;
  }
  pthread_cond_init(&pool->has_work, NULL);
  pthread_cond_init(&pool->is_done, NULL);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  long started = 0;
  while (started < threads - 1 && start_worker(pool, started) == 0) started++;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (started == threads - 1) return pool;
  end(pool, started);
  return NULL;
}

void rill__pool_destroy(rill__pool *pool) {
  if (pool) end(pool, pool->threads - 1);
}
