/* What rill.h calls real time: no allocation, no free, no lock and no system call, in calls that succeed and in calls that fail.
 *
 * Three judges: the allocator and the locks of the C library, replaced in this executable; the kernel, in a child which it kills at its
 * first system call; and, where this file is compiled with -fsanitize=realtime (clang), RealtimeSanitizer. */
#if defined __has_feature
#if __has_feature(realtime_sanitizer)
#define HAS_REALTIME_SANITIZER 1
#endif
#endif

#ifdef HAS_REALTIME_SANITIZER
#define NONBLOCKING __attribute__((nonblocking))
static long allocation_count, free_count, lock_count; // the sanitizer itself replaces what would count
#else
#define NONBLOCKING
#include "allocator.h"
#include "locks.h"
#endif
#include "models.h"
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

/* Streams of every precision, and one that takes what is not finite for 0. */
static const char *const OPTIONS[] = {NULL, "{\"precision\": \"bfloat16\"}", "{\"precision\": \"int8\"}",
                                      "{\"precision\": \"int8\", \"nonfinite\": \"zero\"}"};
enum { OPTION_COUNT = 4 };
static bool takes_nan; // for 0

/* Everything that the operations below work on, made before. */
static struct world world;
static rill_stream *other, *wide, *foreign; // of the same model, in float32; with one lane more; of another architecture
static struct data data;
static float outputs[MAXIMUM_VALUES], state[MAXIMUM_VALUES];
static unsigned char saved[4096];
static size_t saved_length;
static int failures; // calls that did not end as they should

static void expect(rill_status status, rill_status expected) NONBLOCKING { failures += status != expected; }

static void succeeding_calls(void) NONBLOCKING {
  const struct kind *kind = world.kind;
  rill_stream *stream = world.stream;
  size_t size = kind->output_size * B, inputs = B * kind->input_size, length = 0;
  if (kind->has_tokens) {
    expect(rill_stream_step_tokens(stream, data.tokens, B, outputs, size), RILL_OK);
    expect(rill_stream_run_tokens(stream, T, data.tokens, T * B, outputs, T * size), RILL_OK);
  } else {
    expect(rill_stream_step(stream, data.inputs, inputs, outputs, size), RILL_OK);
    expect(rill_stream_run(stream, T, data.inputs, T * inputs, outputs, T * size), RILL_OK);
  }
  expect(rill_stream_copy(stream, other), RILL_OK);
  expect(rill_stream_copy_lane(stream, 0, wide, B), RILL_OK);
  expect(rill_stream_get_state(stream, kind->state, state, B * kind->state_size), RILL_OK);
  expect(rill_stream_set_state(stream, kind->state, state, B * kind->state_size), RILL_OK);
  expect(rill_stream_save_state(stream, NULL, 0, &length), RILL_OK);
  expect(rill_stream_save_state(stream, saved, sizeof saved, &saved_length), RILL_OK);
  expect(rill_stream_reset_lane(stream, 1), RILL_OK);
  expect(rill_stream_load_state(stream, saved, saved_length), RILL_OK);
  expect(rill_stream_load_state(other, saved, saved_length), RILL_OK);
  expect(rill_stream_copy(other, stream), RILL_OK);
  expect(rill_stream_refresh(stream), RILL_OK);
  expect(rill_stream_refresh(other), RILL_OK);
  expect(rill_stream_reset(stream), RILL_OK);
}

static void failing_calls(void) NONBLOCKING {
  const struct kind *kind = world.kind;
  rill_stream *stream = world.stream;
  size_t size = kind->output_size * B, inputs = B * kind->input_size, length = 0;
  float nan = NAN, good = data.inputs[1];
  data.inputs[1] = nan;
  data.tokens[1] = -2;
  if (kind->has_tokens) {
    expect(rill_stream_step_tokens(stream, data.tokens, B, outputs, size), RILL_ERROR_ARGUMENT);
    expect(rill_stream_step_tokens(stream, data.tokens, B + 1, outputs, size), RILL_ERROR_ARGUMENT);
    expect(rill_stream_run_tokens(stream, T, data.tokens, T * B, outputs, T * size), RILL_ERROR_ARGUMENT);
    expect(rill_stream_step(stream, data.inputs, inputs, outputs, size), RILL_ERROR_STATE);
  } else {
    expect(rill_stream_step(stream, data.inputs, inputs, outputs, size), takes_nan ? RILL_OK : RILL_ERROR_ARGUMENT);
    expect(rill_stream_step(stream, data.inputs, inputs - 1, outputs, size), RILL_ERROR_ARGUMENT);
    expect(rill_stream_run(stream, T, data.inputs, T * inputs, outputs, T * size), takes_nan ? RILL_OK : RILL_ERROR_ARGUMENT);
    expect(rill_stream_step_tokens(stream, data.tokens, B, outputs, size), RILL_ERROR_STATE);
  }
  data.inputs[1] = good;
  data.tokens[1] = 0;
  expect(rill_stream_step(NULL, data.inputs, inputs, outputs, size), RILL_ERROR_ARGUMENT);
  expect(rill_stream_copy(stream, wide), RILL_ERROR_ARGUMENT);
  expect(rill_stream_copy(stream, foreign), RILL_ERROR_ARGUMENT);
  expect(rill_stream_copy_lane(stream, B, other, 0), RILL_ERROR_ARGUMENT);
  expect(rill_stream_get_state(stream, "no.state", state, B * kind->state_size), RILL_ERROR_ARGUMENT);
  expect(rill_stream_set_state(stream, kind->state, state, 1), RILL_ERROR_ARGUMENT);
  expect(rill_stream_set_state(stream, kind->state, &nan, B * kind->state_size + 1), RILL_ERROR_ARGUMENT);
  expect(rill_stream_save_state(stream, saved, 3, &length), RILL_ERROR_ARGUMENT);
  expect(rill_stream_load_state(stream, saved, saved_length - 1), RILL_ERROR_FORMAT);
  expect(rill_stream_reset_lane(stream, B), RILL_ERROR_ARGUMENT);
  expect(rill_stream_refresh(NULL), RILL_ERROR_ARGUMENT);
}

/* A relu cell overflows, refuses to go on, and is reset. */
static void diverging_calls(void) NONBLOCKING {
  if (strcmp(world.kind->name, "rnn_relu") != 0) return;
  size_t size = world.kind->output_size * B, inputs = B * world.kind->input_size, count = B * world.kind->state_size;
  for (size_t i = 0; i < count; i++) state[i] = 3e38f;
  expect(rill_stream_set_state(world.stream, world.kind->state, state, count), RILL_OK);
  expect(rill_stream_step(world.stream, data.inputs, inputs, outputs, size), RILL_ERROR_DIVERGED);
  expect(rill_stream_step(world.stream, data.inputs, inputs, outputs, size), RILL_ERROR_STATE);
  expect(rill_stream_reset(world.stream), RILL_OK);
  expect(rill_stream_step(world.stream, data.inputs, inputs, outputs, size), RILL_OK);
}

static void all_calls(void) NONBLOCKING {
  succeeding_calls();
  failing_calls();
  diverging_calls();
}

/* A newer snapshot waits for each refresh: the older one, which only these streams hold, must not be freed there. */
static void prepare(const struct kind *kind, const char *options) {
  world = make_world(kind);
  rill_stream_destroy(world.stream);
  REQUIRE(rill_stream_create(world.model, B, options, &world.stream) == RILL_OK);
  takes_nan = options && strstr(options, "zero");
  data = data_of(kind);
  REQUIRE(rill_stream_create(world.model, B, NULL, &other) == RILL_OK);
  REQUIRE(rill_stream_create(world.model, B + 1, options, &wide) == RILL_OK);
  rill_model *foreign_model;
  REQUIRE(rill_model_create("{" VECTOR "[{\"type\": \"gru\", \"hidden_size\": 9}]}", 1, NULL, &foreign_model) == RILL_OK);
  REQUIRE(rill_stream_create(foreign_model, B, NULL, &foreign) == RILL_OK);
  rill_model_destroy(foreign_model);
  if (strcmp(kind->name, "rnn_relu") == 0) { // so that a state near the largest float overflows at once
    float weights[36];
    for (int i = 0; i < 36; i++) weights[i] = 10;
    REQUIRE(rill_model_set_parameter(world.model, kind->parameter, weights, 36) == RILL_OK);
  } else {
    REQUIRE(rill_trainer_update(world.trainer, world.batch, NULL) == RILL_OK);
  }
  REQUIRE(rill_model_publish(world.model) == RILL_OK);
  failures = 0;
}

static void forget(void) {
  rill_stream_destroy(other);
  rill_stream_destroy(wide);
  rill_stream_destroy(foreign);
  destroy_world(&world);
}

static void count_calls(const struct kind *kind, const char *options) {
  prepare(kind, options);
  long allocations = allocation_count, frees = free_count, locks = lock_count;
#ifndef HAS_REALTIME_SANITIZER
  CHECK(allocations > 0, "the judge itself: making a model allocates");
#endif
  all_calls();
  allocations = allocation_count - allocations, frees = free_count - frees, locks = lock_count - locks;
  CHECK(failures == 0, "%s %s: %d calls did not end as expected; the last message: %s", kind->name, options ? options : "", failures,
        rill_last_error_message());
  CHECK(allocations == 0 && frees == 0, "%s %s: %ld allocations, %ld frees", kind->name, options ? options : "", allocations, frees);
  CHECK(locks == 0, "%s %s: %ld locks", kind->name, options ? options : "", locks);
  forget();
}

static void no_call_allocates_frees_or_locks(void) {
  for (size_t k = 0; k < KIND_COUNT; k++)
    for (size_t o = 0; o < OPTION_COUNT; o++) count_calls(&KINDS[k], OPTIONS[o]);
}

/* A thread's very first failure, too: thread-local storage of a library can come from malloc when it is first touched. */
static void *fail_first(void *unused) {
  (void)unused;
  long allocations = allocation_count;
  rill_status status = rill_stream_step(NULL, NULL, 0, NULL, 0);
  allocations = allocation_count - allocations;
  CHECK(status == RILL_ERROR_ARGUMENT && allocations == 0, "%ld allocations", allocations);
  return NULL;
}

static void the_first_failure_of_a_thread_allocates_nothing(void) {
  pthread_t thread;
  REQUIRE(pthread_create(&thread, NULL, fail_first, NULL) == 0);
  pthread_join(thread, NULL);
}

#if defined __linux__ && !defined HAS_REALTIME_SANITIZER
/* In the strict mode of seccomp any system call but read, write and exit ends the process. */
static int run_strictly(void (*calls)(void)) {
  pid_t child = fork();
  if (child == 0) {
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)) syscall(SYS_exit, 77);
    calls();
    syscall(SYS_exit, failures ? 1 : 0);
  }
  int result = -1;
  REQUIRE(waitpid(child, &result, 0) == child);
  return result;
}

static void one_system_call(void) { syscall(SYS_getppid); }

static void no_call_enters_the_kernel(void) {
  failures = 0;
  int result = run_strictly(one_system_call);
  if (WIFEXITED(result) && WEXITSTATUS(result) == 77) {
    printf("     this kernel has no seccomp: not checked\n");
    return;
  }
  CHECK(WIFSIGNALED(result), "the judge itself");
  for (size_t k = 0; k < KIND_COUNT; k++)
    for (size_t o = 0; o < OPTION_COUNT; o++) {
      prepare(&KINDS[k], OPTIONS[o]);
      result = run_strictly(all_calls);
      CHECK(result == 0, "%s %s: the child ended with %x (9: killed at a system call)", KINDS[k].name, OPTIONS[o] ? OPTIONS[o] : "",
            (unsigned)result);
      forget();
    }
}
#endif

int main(void) {
  TEST(no_call_allocates_frees_or_locks);
  TEST(the_first_failure_of_a_thread_allocates_nothing);
#if defined __linux__ && !defined HAS_REALTIME_SANITIZER
  TEST(no_call_enters_the_kernel);
#endif
  return finish();
}
