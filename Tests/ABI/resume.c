/* A training process that is killed at any instant, while it saves too, and started again until it is done, ends with the bits of one that was never
 * interrupted. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include "models.h"

#include <rill.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STEPS = 12, SEQUENCES = 4, UPDATES = 400 };

static const char *const configuration =
    "{\"input\": {\"kind\": \"vector\", \"size\": 2}, \"layers\": [{\"type\": \"lstm\", \"hidden_size\": 20, \"num_layers\": 2,"
    " \"dropout\": 0.2}, {\"type\": \"dense\", \"output_size\": 1}]}";
static const char *const options =
    "{\"loss\": \"mse\", \"clip_norm\": 1, \"stateful\": true, \"accumulate\": 2, \"threads\": 2, \"average\": {\"decay\": 0.9},"
    " \"optimizer\": {\"type\": \"adam\", \"learning_rate\": 0.01}, \"schedule\": {\"type\": \"cosine\", \"t_max\": 300}}";

/* What the host has to say of update number n: its data. */
static void fill(rill_batch *batch, int n) {
  float inputs[STEPS * SEQUENCES * 2], targets[STEPS * SEQUENCES];
  uint32_t state = (uint32_t)n * 2654435761u + 1;
  for (int i = 0; i < STEPS * SEQUENCES * 2; i++) {
    state = state * 1664525u + 1013904223u;
    inputs[i] = (float)(state >> 8) / 16777216.0f - 0.5f;
  }
  for (int i = 0; i < STEPS * SEQUENCES; i++) targets[i] = inputs[2 * i] * inputs[2 * i + 1];
  if (rill_batch_set_inputs(batch, inputs, STEPS * SEQUENCES * 2) != RILL_OK) _exit(3);
  if (rill_batch_set_targets(batch, targets, STEPS * SEQUENCES) != RILL_OK) _exit(3);
}

/* Trains from the checkpoint, if there is one, to the end, saving after every few updates. Returns the model. */
static rill_model *train(const char *path) {
  rill_model *model = NULL;
  rill_trainer *trainer = NULL;
  rill_batch *batch = NULL;
  int32_t done = 0;
  size_t length = 0;
  if (path && access(path, F_OK) == 0) {
    if (rill_trainer_load(path, NULL, &model, &trainer) != RILL_OK) _exit(4);
    if (rill_trainer_get_data(trainer, &done, sizeof done, &length) != RILL_OK || length != sizeof done) _exit(5);
  } else {
    if (rill_model_create(configuration, 7, NULL, &model) != RILL_OK) _exit(6);
    if (rill_trainer_create(model, 8, options, &trainer) != RILL_OK) _exit(7);
  }
  if (rill_batch_create(model, STEPS, SEQUENCES, NULL, &batch) != RILL_OK) _exit(8);
  while (done < UPDATES) {
    fill(batch, done);
    if (rill_trainer_update(trainer, batch, NULL) != RILL_OK) _exit(9);
    done++;
    if (!path || (done % 3 != 0 && done != UPDATES)) continue;
    if (rill_trainer_set_data(trainer, &done, sizeof done) != RILL_OK) _exit(10);
    if (rill_trainer_save(trainer, path, NULL) != RILL_OK) _exit(11);
  }
  rill_trainer_destroy(trainer);
  rill_batch_destroy(batch);
  return model;
}

static void killed_training_ends_alike(void) {
  const char *path = "resume.json";
  rill_model *whole = train(NULL);
  uint64_t expected = hash_parameters(whole);
  rill_model_destroy(whole);
  uint32_t random = 12345;
  int kills = 0, status = -1;
  for (int attempt = 0; attempt < 1000; attempt++) {
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      rill_model_destroy(train(path));
      _exit(0);
    }
    random = random * 1664525u + 1013904223u;
    /* The first ones soon, so that some die before they have saved at all; later ones have time to get on. */
    long microseconds = (long)(random >> 8) % (attempt < 20 ? 8000 : 60000);
    nanosleep(&(struct timespec){0, microseconds * 1000}, NULL);
    kill(child, SIGKILL);
    REQUIRE(waitpid(child, &status, 0) == child);
    if (WIFEXITED(status)) break;
    kills++;
  }
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the last process ended with %d", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
  CHECK(kills >= 5, "only %d processes were killed", kills);
  rill_model *model = NULL;
  rill_trainer *trainer = NULL;
  REQUIRE(rill_trainer_load(path, NULL, &model, &trainer) == RILL_OK);
  CHECK(hash_parameters(model) == expected, "after %d kills the parameters differ", kills);
  rill_trainer_destroy(trainer);
  rill_model_destroy(model);
  unlink(path);
}

int main(void) {
  TEST(killed_training_ends_alike);
  return finish();
}
