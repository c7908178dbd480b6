#include "cplatform.h"
#include <stdbool.h>
#include <string.h>

/* initial-exec: with the default model a thread's first use of a dlopened library's variable calls malloc. */
static _Thread_local __attribute__((tls_model("initial-exec"))) char error_text[512];

void rill__set_error(const char *text, size_t length) {
  if (length > sizeof error_text - 1) {
    length = sizeof error_text - 1;
    while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80) length--;
  }
  for (size_t i = 0; i < length; i++) {
    unsigned char byte = (unsigned char)text[i];
    error_text[i] = byte < 0x20 || byte == 0x7f ? ' ' : (char)byte;
  }
  error_text[length] = 0;
}

const char *rill__get_error(void) { return error_text; }

/* Of the failure at hand; it has no text of its own if it is about memory. */
static _Thread_local __attribute__((tls_model("initial-exec"))) struct {
  int kind;
  bool has_text;
} failure;

void rill__set_failure(int kind, const char *text) {
  failure.kind = kind;
  failure.has_text = text != NULL;
  if (text) rill__set_error(text, strlen(text));
}

int rill__failure_kind(void) { return failure.kind; }

const char *rill__failure_text(void) { return failure.has_text ? error_text : "could not allocate memory"; }

int rill__fail(void) {
  const char *text = rill__failure_text();
  if (text != error_text) rill__set_error(text, strlen(text));
  return failure.kind;
}
