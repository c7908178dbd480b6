/* Threads that wait for work, in the service of one object, which makes and destroys them. */
#pragma once

typedef struct rill__pool rill__pool;

/* A pool that works with `threads` threads, the calling one included; 1 starts none. NULL if there is no memory or no thread to be had. The threads block all
 * signals, which stay the host's. */
rill__pool *rill__pool_create(long threads);

/* Calls work(context, index) for every index in 0 ..< threads, each on a thread of its own (0 on the caller's), and returns when all are done. One
 * caller at a time. What was written before the call is seen by all, and what they write by the caller. */
void rill__pool_run(rill__pool *pool, void (*work)(void *context, long index), void *context);

/* Ends the threads. Accepts NULL. */
void rill__pool_destroy(rill__pool *pool);
