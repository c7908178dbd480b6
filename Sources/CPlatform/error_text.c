#include "cplatform.h"
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
