/* What Swift cannot say: a thread-local error text, the processor's instruction set, its floating-point mode, allocation that can
 * fail, and files.
 *
 * No function here prints, exits or keeps global state. Functions that return int status return 0 or an errno value. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "float_mode.h"
#include "thread_pool.h"

/* ------------------------------------------------------------- error text */

/* Keeps one line for the calling thread: at most 511 bytes, cut where a character of UTF-8 begins; control characters become spaces.
 * text may be NULL if length is 0. */
void rill__set_error(const char *text, size_t length);

/* The line kept last, "" before any. Valid until the same thread sets the next one. */
const char *rill__get_error(void);

/* What the thread is about to fail with: a status, and its text, kept as the error text; NULL: that there is no memory, which becomes the error text only
 * with rill__fail. */
void rill__set_failure(int kind, const char *text);
int rill__failure_kind(void);
const char *rill__failure_text(void);
/* Fails: returns the status, and leaves the text. */
int rill__fail(void);

/* Messages with numbers in them, formed without allocating, for the calls that a host makes in real time. name: at most 64 bytes. */
void rill__set_count_error(const char *name, size_t count, size_t expected);
void rill__set_range_error(const char *name, size_t index, long value, long first, long last);
void rill__set_finite_error(const char *name, size_t index);

/* ------------------------------------------------------------------- text */

/* UTF-8 that grows, NUL-terminated; all zero: none yet, start is NULL. Small and bounded like Swift's own objects, it is allocated as they are, and
 * as for them there is no going on if that fails. */
typedef struct {
  char *start;
  size_t length, capacity;
} rill__text;

void rill__text_append(rill__text *text, const void *bytes, size_t length);
void rill__text_append_literal(rill__text *text, const char *literal);
void rill__text_append_integer(rill__text *text, long value);
void rill__text_append_unsigned(rill__text *text, unsigned long value);
/* With U+FFFD for each part of a character that is not all of one. */
void rill__text_append_repaired(rill__text *text, const char *bytes, size_t length);
void rill__text_free(rill__text *text);

/* Words with spaces between them: where a word stands among them, from 0, or −1; and the word at a place, not NUL-terminated, or NULL. */
long rill__word_index(const char *words, const char *word);
const char *rill__word(const char *words, long index, size_t *length);

static inline size_t rill__text_length(const char *text) { return __builtin_strlen(text); }
static inline int rill__same_text(const char *a, const char *b) { return __builtin_strcmp(a, b) == 0; }

/* -------------------------------------------------------------- processor */

/* The highest instruction-set level that the processor and the operating system support: 4 (x86-64-v4), 3 (x86-64-v3), else 1. The
 * environment variable RILL_ISA (baseline, v3 or v4) lowers it and never raises it; any other value is ignored. */
int rill__instruction_set(void);

/* ----------------------------------------------------------------- memory */

/* Zeroed memory, aligned to 64 bytes; NULL when there is none, or for 0 bytes. All memory whose size comes from outside is taken here,
 * because Swift's own allocations trap when they fail. */
void *rill__allocate(size_t bytes);

/* Accepts NULL. */
void rill__free(void *memory);

/* memcpy and memset, as the builtins that compilers turn into moves. */
static inline void rill__copy(void *to, const void *from, size_t bytes) { __builtin_memmove(to, from, bytes); }
static inline void rill__clear(void *memory, size_t bytes) { __builtin_memset(memory, 0, bytes); }

/* ------------------------------------------------------------------ files */

/* Reads a whole file, regular or a pipe; a device is EINVAL. *data is from rill__allocate, is never NULL on success, and has a NUL
 * behind its *size bytes. EISDIR for a directory, EFBIG beyond limit bytes, ENOMEM. On failure *data is NULL and *size 0. */
int rill__read_file(const char *path, size_t limit, void **data, size_t *size);

/* Writes a file that appears whole or not at all: a temporary file in the same directory is written, synchronized and renamed.
 * A symbolic link at path stays and its target is replaced; permission bits of an existing file stay. EISDIR or EINVAL for what exists and
 * is not a regular file, EACCES for a file that this process may not write, ENAMETOOLONG beyond PATH_MAX. */
int rill__replace_file(const char *path, const void *data, size_t size);

/* What an errno value means, NUL-terminated, cut to capacity (which is at least 1). */
void rill__errno_text(int error, char *buffer, size_t capacity);

/* ---------------------------------------------------------------- numbers */

/* strtod of the "C" locale, whatever the host has chosen. */
double rill__parse_double(const char *text);

/* The 64-bit FNV-1a hash (Fowler, Noll, Vo; RFC 9923). seed: 0, or the hash of what comes before. */
uint64_t rill__hash(const void *bytes, size_t length, uint64_t seed);

/* The C library's functions, under names that Swift can import without a C library module. */
static inline double rill__log(double x) { return __builtin_log(x); }
static inline double rill__log1p(double x) { return __builtin_log1p(x); }
static inline double rill__exp(double x) { return __builtin_exp(x); }
static inline double rill__cos(double x) { return __builtin_cos(x); }
static inline double rill__pow(double x, double y) { return __builtin_pow(x, y); }

/* ENOMEM, which Swift cannot import without a C library module. */
int rill__out_of_memory(void);
