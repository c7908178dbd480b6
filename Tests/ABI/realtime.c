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

/* Beside the small models: wide ones. A cell of more than 16 units takes several blocks of a kernel, of more than 64 the kernels for groups
 * of blocks; a dense layer of many outputs has another kernel than one of few. */
#define DENSE_WITH(size, activation) "{\"type\": \"dense\", \"output_size\": " #size ", \"activation\": \"" activation "\"}"
static const struct kind WIDE_KINDS[] = {
    {"wide",
     "{" VECTOR "[{\"type\": \"rnn\", \"hidden_size\": 100}, {\"type\": \"lstm\", \"hidden_size\": 40}, {\"type\": \"gru\", "
     "\"hidden_size\": 40}, {\"type\": \"gru\", \"hidden_size\": 40, \"reset_after\": false}, " DENSE_WITH(33, "relu") ", " DENSE_WITH(
         20, "tanh") ", " DENSE_WITH(33, "sigmoid") ", " DENSE_WITH(40, "softmax") "]}",
     "{\"loss\": \"mse\"}", 3, 40, false, false, "0.hidden", 100, "0.weight_ih_l0", 300},
    {"wide_one_hot",
     "{" TOKENS "[{\"type\": \"lstm\", \"hidden_size\": 40, \"num_layers\": 2}, {\"type\": \"rnn\", \"hidden_size\": 100, "
     "\"nonlinearity\": \"relu\"}, " DENSE(40) "]}",
     "{\"loss\": \"cross_entropy\"}", 5, 40, true, false, "0.cell", 80, "0.weight_ih_l0", 800},
    {"wide_one_hot_dense",
     "{" TOKENS
     "[" DENSE_WITH(33, "sigmoid") ", {\"type\": \"gru\", \"hidden_size\": 33, \"reset_after\": false}, " DENSE_WITH(2, "softmax") "]}",
     "{\"loss\": \"cross_entropy\"}", 5, 2, true, false, "1.hidden", 33, "0.weight", 165},
    {"wide_embedding",
     "{" TOKENS "[{\"type\": \"embedding\", \"embedding_dim\": 20}, {\"type\": \"gru\", \"hidden_size\": 40, "
     "\"return_sequences\": false}, " DENSE(40) "]}",
     "{\"loss\": \"cross_entropy\"}", 5, 40, true, true, "1.hidden", 40, "0.weight", 100},
};
enum { ALL_KINDS = KIND_COUNT + sizeof WIDE_KINDS / sizeof *WIDE_KINDS };

/* Weights of every precision, and input for which 0 is taken where it is not finite. */
static const char *const OPTIONS[] = {NULL, "{\"precision\": \"bfloat16\"}", "{\"precision\": \"int8\"}",
                                      "{\"precision\": \"int8\", \"nonfinite\": \"zero\"}"};
enum { OPTION_COUNT = 4 };

/* Each kind with a stream of one lane, for which there are kernels of their own, and with a stream of several; each with all options. */
enum { CASES = 2 * ALL_KINDS * OPTION_COUNT };
static const char *options_of(size_t number) { return OPTIONS[number % OPTION_COUNT]; }
static size_t lanes_of(size_t number) { return number / OPTION_COUNT % 2 == 0 ? 1 : B; }
static const struct kind *kind_of(size_t number) {
  size_t kind = number / OPTION_COUNT / 2;
  return kind < KIND_COUNT ? &KINDS[kind] : &WIDE_KINDS[kind - KIND_COUNT];
}

/* Steps of a long run: more than the library takes at a time. */
enum { LONG = 100, MAXIMUM_INPUT = 5, MAXIMUM_STATE = 100 * B };

/* Everything that the operations below work on, made before. */
static struct world world;
static size_t lanes;
static bool takes_nan;                      // for 0
static rill_stream *other, *wide, *foreign; // of the same model, in float32; with one lane more; of another architecture
static float inputs[LONG * B * MAXIMUM_INPUT], outputs[LONG * B * MAXIMUM_SIZE], state[MAXIMUM_STATE];
static int32_t tokens[LONG * B];
static unsigned char saved[4096];
static size_t saved_length;
static int failures; // calls that did not end as they should

static void expect(rill_status status, rill_status expected) NONBLOCKING { failures += status != expected; }

/* steps: 1 is a step, others are a run. */
static rill_status go(size_t steps) NONBLOCKING {
  const struct kind *kind = world.kind;
  size_t count = steps * lanes, results = count * kind->output_size;
  if (kind->has_tokens)
    return steps == 1 ? rill_stream_step_tokens(world.stream, tokens, count, outputs, results)
                      : rill_stream_run_tokens(world.stream, steps, tokens, count, outputs, results);
  count *= kind->input_size;
  return steps == 1 ? rill_stream_step(world.stream, inputs, count, outputs, results)
                    : rill_stream_run(world.stream, steps, inputs, count, outputs, results);
}

static void succeeding_calls(void) NONBLOCKING {
  const struct kind *kind = world.kind;
  rill_stream *stream = world.stream;
  size_t values = lanes * kind->state_size, length = 0;
  expect(go(1), RILL_OK);
  expect(go(1), RILL_OK);
  expect(go(T), RILL_OK);
  expect(go(LONG), RILL_OK);
  expect(rill_stream_copy(stream, other), RILL_OK);
  expect(rill_stream_copy_lane(stream, 0, wide, lanes), RILL_OK);
  expect(rill_stream_get_state(stream, kind->state, state, values), RILL_OK);
  expect(rill_stream_set_state(stream, kind->state, state, values), RILL_OK);
  expect(rill_stream_save_state(stream, NULL, 0, &length), RILL_OK);
  expect(rill_stream_save_state(stream, saved, sizeof saved, &saved_length), RILL_OK);
  expect(rill_stream_reset_lane(stream, lanes - 1), RILL_OK);
  expect(rill_stream_load_state(stream, saved, saved_length), RILL_OK);
  expect(rill_stream_load_state(other, saved, saved_length), RILL_OK);
  expect(rill_stream_copy(other, stream), RILL_OK);
  expect(rill_stream_refresh(stream), RILL_OK);
  expect(rill_stream_refresh(other), RILL_OK);
  expect(go(1), RILL_OK);
  expect(rill_stream_reset(stream), RILL_OK);
}

static void failing_calls(void) NONBLOCKING {
  const struct kind *kind = world.kind;
  rill_stream *stream = world.stream;
  size_t size = kind->output_size * lanes, count = lanes * kind->input_size, values = lanes * kind->state_size, length = 0;
  float nan = NAN, good = inputs[1];
  int32_t good_token = tokens[0];
  inputs[1] = nan;
  tokens[0] = -2;
  if (takes_nan && !kind->has_tokens) {
    expect(go(1), RILL_OK);
    expect(rill_stream_reset(stream), RILL_OK); // the network that shall overflow may do so in more steps
  } else {
    expect(go(1), RILL_ERROR_ARGUMENT);
    expect(go(T), RILL_ERROR_ARGUMENT);
    expect(go(LONG), RILL_ERROR_ARGUMENT);
  }
  if (kind->has_tokens) {
    expect(rill_stream_step_tokens(stream, tokens, lanes + 1, outputs, size), RILL_ERROR_ARGUMENT);
    expect(rill_stream_step(stream, inputs, count, outputs, size), RILL_ERROR_STATE);
  } else {
    expect(rill_stream_step(stream, inputs, count - 1, outputs, size), RILL_ERROR_ARGUMENT);
    expect(rill_stream_step_tokens(stream, tokens, lanes, outputs, size), RILL_ERROR_STATE);
  }
  inputs[1] = good;
  tokens[0] = good_token;
  expect(rill_stream_step(NULL, inputs, count, outputs, size), RILL_ERROR_ARGUMENT);
  expect(rill_stream_copy(stream, wide), RILL_ERROR_ARGUMENT);
  expect(rill_stream_copy(stream, foreign), RILL_ERROR_ARGUMENT);
  expect(rill_stream_copy_lane(stream, lanes, other, 0), RILL_ERROR_ARGUMENT);
  expect(rill_stream_get_state(stream, "no.state", state, values), RILL_ERROR_ARGUMENT);
  expect(rill_stream_set_state(stream, kind->state, state, 1), RILL_ERROR_ARGUMENT);
  expect(rill_stream_set_state(stream, kind->state, &nan, values + 1), RILL_ERROR_ARGUMENT);
  expect(rill_stream_save_state(stream, saved, 3, &length), RILL_ERROR_ARGUMENT);
  expect(rill_stream_load_state(stream, saved, saved_length - 1), RILL_ERROR_FORMAT);
  expect(rill_stream_reset_lane(stream, lanes), RILL_ERROR_ARGUMENT);
  expect(rill_stream_refresh(NULL), RILL_ERROR_ARGUMENT);
}

/* A relu cell overflows, in a step and in a block, refuses to go on, and is reset. */
static void diverging_calls(void) NONBLOCKING {
  if (strcmp(world.kind->name, "rnn_relu") != 0) return;
  size_t values = lanes * world.kind->state_size;
  for (size_t i = 0; i < values; i++) state[i] = 3e38f;
  for (size_t steps = 1; steps <= LONG; steps += LONG - 1) {
    expect(rill_stream_set_state(world.stream, world.kind->state, state, values), RILL_OK);
    expect(go(steps), RILL_ERROR_DIVERGED);
    expect(go(steps), RILL_ERROR_STATE);
    expect(rill_stream_reset(world.stream), RILL_OK);
    expect(go(1), RILL_OK);
  }
}

static void all_calls(void) NONBLOCKING {
  succeeding_calls();
  failing_calls();
  diverging_calls();
}

/* A newer snapshot waits for each refresh: the older one, which only these streams hold, must not be freed there. */
static void prepare(size_t number) {
  const struct kind *kind = kind_of(number);
  world = make_world(kind);
  lanes = lanes_of(number);
  for (size_t i = 0; i < LONG * B * MAXIMUM_INPUT; i++) inputs[i] = sample(i);
  for (size_t i = 0; i < LONG * B; i++) tokens[i] = sample_token(i, kind->input_size);
  rill_stream_destroy(world.stream);
  const char *options = options_of(number);
  takes_nan = options && strstr(options, "zero");
  REQUIRE(rill_stream_create(world.model, lanes, options, &world.stream) == RILL_OK);
  REQUIRE(rill_stream_create(world.model, lanes, NULL, &other) == RILL_OK);
  REQUIRE(rill_stream_create(world.model, lanes + 1, options, &wide) == RILL_OK);
  rill_model *foreign_model;
  REQUIRE(rill_model_create("{" VECTOR "[{\"type\": \"gru\", \"hidden_size\": 9}]}", 1, NULL, &foreign_model) == RILL_OK);
  REQUIRE(rill_stream_create(foreign_model, lanes, NULL, &foreign) == RILL_OK);
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

static void no_call_allocates_frees_or_locks(void) {
  for (size_t number = 0; number < CASES; number++) {
    prepare(number);
    const char *name = world.kind->name;
    long allocations = allocation_count, frees = free_count, locks = lock_count;
#ifndef HAS_REALTIME_SANITIZER
    CHECK(allocations > 0, "the judge itself: making a model allocates");
#endif
    all_calls();
    allocations = allocation_count - allocations, frees = free_count - frees, locks = lock_count - locks;
    CHECK(failures == 0, "%s, %zu lanes: %d calls did not end as expected; the last message: %s", name, lanes, failures,
          rill_last_error_message());
    CHECK(allocations == 0 && frees == 0, "%s, %zu lanes: %ld allocations, %ld frees", name, lanes, allocations, frees);
    CHECK(locks == 0, "%s, %zu lanes: %ld locks", name, lanes, locks);
    forget();
  }
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
  for (size_t number = 0; number < CASES; number++) {
    prepare(number);
    result = run_strictly(all_calls);
    CHECK(result == 0, "%s, %zu lanes: the child ended with %x (9: killed at a system call)", world.kind->name, lanes, (unsigned)result);
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
