/* Saving: the file appears whole or not at all, whatever fails on the way.
 *
 * The system calls that a save makes are defined here, in the executable, so that the library calls these; each can be told to fail. */
#include "files.h"
#include "models.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum call { WRITE, FSYNC, RENAME, OPEN, CLOSE, FCHMOD, FTRUNCATE, CALL_COUNT };
static const char *const CALL_NAMES[] = {"write", "fsync", "rename", "open", "close", "fchmod", "ftruncate"};

/* The fault to inject: the call number `at` (from 1; 0: none) returns -1 with `error`; `is_short`: every write takes one half. */
static struct {
  enum call call;
  int at, error;
  bool is_short;
} fault;
static int calls[CALL_COUNT];

static bool fails(enum call call) {
  calls[call]++;
  if (fault.at == 0 || fault.call != call || calls[call] != fault.at) return false;
  errno = fault.error;
  return true;
}

ssize_t write(int file, const void *bytes, size_t count) {
  if (fails(WRITE)) return -1;
  if (fault.is_short && count > 1) count /= 2;
  return syscall(SYS_write, file, bytes, count);
}
int fsync(int file) { return fails(FSYNC) ? -1 : (int)syscall(SYS_fsync, file); }
int fdatasync(int file) { return fails(FSYNC) ? -1 : (int)syscall(SYS_fdatasync, file); }
int rename(const char *from, const char *to) { return fails(RENAME) ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int from_folder, const char *from, int to_folder, const char *to) {
  return fails(RENAME) ? -1 : (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, 0);
}
int close(int file) {
  bool is_failing = fails(CLOSE); // as on a network file system: closed, and failed
  int error = errno, result = (int)syscall(SYS_close, file);
  if (!is_failing) return result;
  errno = error;
  return -1;
}
int fchmod(int file, mode_t mode) { return fails(FCHMOD) ? -1 : (int)syscall(SYS_fchmod, file, mode); }
int ftruncate(int file, off_t size) { return fails(FTRUNCATE) ? -1 : (int)syscall(SYS_ftruncate, file, size); }
int open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, int) : 0;
  va_end(arguments);
  return fails(OPEN) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static struct world world;
static char old_text[1 << 16], new_text[1 << 16]; // the file before, and what a save writes
static size_t old_length, new_length;

/* A folder with one old model file in it, and a model that has other parameters than that file. */
static void prepare(void) {
  world = make_world(kind_named("lstm"));
  REQUIRE(rill_model_save_text(world.model, NULL, old_text, sizeof old_text, &old_length) == RILL_OK);
  float values[72];
  for (size_t i = 0; i < 72; i++) values[i] = sample(i);
  REQUIRE(rill_model_set_parameter(world.model, "0.weight_ih_l0", values, 72) == RILL_OK);
  REQUIRE(rill_model_save_text(world.model, NULL, new_text, sizeof new_text, &new_length) == RILL_OK);
}

/* Saves over the old file with the fault that is set: either it works, or the old file is as it was; nothing else is in the folder. */
static rill_status save_with_fault(void) {
  write_file("model.json", old_text, old_length);
  int entries = entry_count(".");
  uint64_t answer = probe(&world);
  memset(calls, 0, sizeof calls);
  rill_status status = rill_model_save(world.model, "model.json", NULL);
  fault.at = 0;
  fault.is_short = false;
  CHECK(status == RILL_OK ||
            (status == RILL_ERROR_IO && is_message(rill_last_error_message()) && says(rill_last_error_message(), "model.json")),
        "%s: %s", rill_status_name(status), rill_last_error_message());
  CHECK(status == RILL_OK ? file_is("model.json", new_text, new_length) : file_is("model.json", old_text, old_length),
        "the file after status %s", rill_status_name(status));
  CHECK(entry_count(".") == entries, "files left behind");
  CHECK(probe(&world) == answer, "the model after a save");
  return status;
}

static void a_save_writes_syncs_and_renames(void) {
  CHECK(save_with_fault() == RILL_OK);
  CHECK(calls[WRITE] > 0 && calls[FSYNC] > 0 && calls[RENAME] == 1, "%d writes, %d syncs, %d renames", calls[WRITE], calls[FSYNC],
        calls[RENAME]);
  write_file("model.json", "", 0);
  unlink("model.json");
  CHECK_OK(rill_model_save(world.model, "model.json", NULL));
  CHECK(file_is("model.json", new_text, new_length), "a save and a save into text are the same");
}

static void every_failing_call_leaves_the_old_file(void) {
  const int errors[] = {ENOSPC, EIO, EDQUOT};
  for (int call = 0; call < CALL_COUNT; call++)
    for (int e = 0; e < 3; e++) {
      save_with_fault();
      int count = calls[call];
      for (int at = 1; at <= count; at++) {
        fault.call = (enum call)call, fault.at = at, fault.error = errors[e];
        rill_status status = save_with_fault();
        // A sync of the folder comes after the rename, when the new file is there already.
        bool must_fail = call == WRITE || call == RENAME || (call == FSYNC && at == 1) || (call == OPEN && at == 1);
        CHECK(!must_fail || status == RILL_ERROR_IO, "%s number %d fails with %s: status %s", CALL_NAMES[call], at, strerror(errors[e]),
              rill_status_name(status));
      }
    }
}

static void short_and_interrupted_writes_are_continued(void) {
  fault.is_short = true;
  CHECK(save_with_fault() == RILL_OK);
  fault.call = WRITE, fault.at = 1, fault.error = EINTR;
  CHECK(save_with_fault() == RILL_OK);
}

/* A real limit in the kernel: the first bytes are written, then no more. */
static void a_file_size_limit_leaves_the_old_file(void) {
  struct rlimit before, limit;
  signal(SIGXFSZ, SIG_IGN);
  getrlimit(RLIMIT_FSIZE, &before);
  write_file("model.json", old_text, old_length);
  int entries = entry_count(".");
  const rlim_t sizes[] = {0, 1, 1000, new_length - 1};
  for (size_t i = 0; i < 4; i++) {
    limit = before;
    limit.rlim_cur = sizes[i];
    REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    rill_status status = rill_model_save(world.model, "model.json", NULL);
    setrlimit(RLIMIT_FSIZE, &before);
    CHECK_REFUSED(status, IO, "model.json");
    CHECK(file_is("model.json", old_text, old_length) && entry_count(".") == entries, "limit %zu", (size_t)sizes[i]);
  }
  signal(SIGXFSZ, SIG_DFL);
}

static void directories_and_devices_are_refused(void) {
  struct stat before, after;
  const char *devices[] = {"/dev/full", "/dev/null", "/dev/zero"};
  for (int i = 0; i < 3; i++) {
    REQUIRE(stat(devices[i], &before) == 0);
    CHECK_REFUSED(rill_model_save(world.model, devices[i], NULL), IO, devices[i]);
    CHECK(stat(devices[i], &after) == 0 && S_ISCHR(after.st_mode) && after.st_rdev == before.st_rdev && after.st_ino == before.st_ino);
  }
  CHECK(mkdir("folder", 0755) == 0);
  int entries = entry_count(".");
  const char *folders[] = {"folder", "folder/", ".", "folder/..", "/"};
  for (int i = 0; i < 5; i++) CHECK_REFUSED(rill_model_save(world.model, folders[i], NULL), IO, "");
  CHECK(stat("folder", &after) == 0 && S_ISDIR(after.st_mode) && entry_count("folder") == 2 && entry_count(".") == entries);
  CHECK(rmdir("folder") == 0);
  CHECK_REFUSED(rill_model_save(world.model, "folder/model.json", NULL), IO, "folder/model.json");
  CHECK_REFUSED(rill_model_save(world.model, "model.json/model.json", NULL), IO, "");
}

static void a_symbolic_link_stays_a_link(void) {
  char target[64] = {0};
  CHECK(mkdir("elsewhere", 0755) == 0);
  write_file("elsewhere/real.json", old_text, old_length);
  CHECK(symlink("elsewhere/real.json", "link.json") == 0);
  int here = entry_count("."), there = entry_count("elsewhere");
  CHECK_OK(rill_model_save(world.model, "link.json", NULL));
  CHECK(readlink("link.json", target, sizeof target - 1) > 0 && strcmp(target, "elsewhere/real.json") == 0, "the link is \"%s\"", target);
  CHECK(file_is("elsewhere/real.json", new_text, new_length));
  CHECK(entry_count(".") == here && entry_count("elsewhere") == there);
  CHECK(unlink("link.json") == 0 && unlink("elsewhere/real.json") == 0 && rmdir("elsewhere") == 0);
}

static void permissions_are_kept(void) {
  const mode_t modes[] = {0640, 0600, 0666, 0755, 0604};
  struct stat status;
  mode_t mask = umask(027);
  for (int i = 0; i < 5; i++) {
    write_file("modes.json", old_text, old_length);
    REQUIRE(chmod("modes.json", modes[i]) == 0);
    CHECK_OK(rill_model_save(world.model, "modes.json", NULL));
    CHECK(stat("modes.json", &status) == 0 && (status.st_mode & 07777) == modes[i], "%o became %o", modes[i], status.st_mode & 07777);
    CHECK(unlink("modes.json") == 0);
  }
  CHECK_OK(rill_model_save(world.model, "modes.json", NULL));
  CHECK(stat("modes.json", &status) == 0 && (status.st_mode & 07777) == 0640, "a new file has the mode %o under the mask 027",
        status.st_mode & 07777);
  umask(mask);
  unlink("modes.json");
}

/* Into a folder that may not be written: checked as nobody, since root may write everywhere. */
static void a_folder_without_permission_is_refused(void) {
  const uid_t nobody = 65534;
  CHECK(mkdir("closed", 0755) == 0);
  write_file("closed/model.json", old_text, old_length);
  CHECK(chmod("closed/model.json", 0644) == 0 && chmod("closed", 0555) == 0);
  pid_t child = fork();
  if (child == 0) {
    if (getuid() == 0 && (setgid(nobody) || setuid(nobody))) _exit(3);
    bool holds = CHECK_REFUSED(rill_model_save(world.model, "closed/model.json", NULL), IO, "closed/model.json");
    _exit(holds ? 0 : 1);
  }
  int result = -1;
  REQUIRE(waitpid(child, &result, 0) == child);
  CHECK(result == 0, "the child says %x", (unsigned)result);
  CHECK(file_is("closed/model.json", old_text, old_length) && entry_count("closed") == 3);
  CHECK(chmod("closed", 0755) == 0 && unlink("closed/model.json") == 0 && rmdir("closed") == 0);
}

/* A temporary name beside it must not be longer than the file system allows. */
static void the_longest_file_name_works(void) {
  char name[256];
  memset(name, 'n', 255);
  name[255] = 0;
  CHECK_OK(rill_model_save(world.model, name, NULL));
  CHECK(file_is(name, new_text, new_length));
  unlink(name);
}

int main(void) {
  prepare();
  TEST(a_save_writes_syncs_and_renames);
  TEST(every_failing_call_leaves_the_old_file);
  TEST(short_and_interrupted_writes_are_continued);
  TEST(a_file_size_limit_leaves_the_old_file);
  TEST(directories_and_devices_are_refused);
  TEST(a_symbolic_link_stays_a_link);
  TEST(permissions_are_kept);
  TEST(a_folder_without_permission_is_refused);
  TEST(the_longest_file_name_works);
  destroy_world(&world);
  return finish();
}
