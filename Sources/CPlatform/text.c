#define _POSIX_C_SOURCE 200809L /* posix_memalign */
#include "cplatform.h"
#include <stdlib.h>
#include <string.h>

void rill__text_append(rill__text *text, const void *bytes, size_t length) {
  size_t needed = text->length + length + 1;
  if (needed > text->capacity) {
    size_t capacity = needed + needed / 2;
    void *start;
    if (posix_memalign(&start, 16, capacity) != 0) __builtin_trap();
    if (text->length > 0) memcpy(start, text->start, text->length);
    free(text->start);
    text->start = start;
    text->capacity = capacity;
  }
  memcpy(text->start + text->length, bytes, length);
  text->length += length;
  text->start[text->length] = 0;
}

void rill__text_append_literal(rill__text *text, const char *literal) { rill__text_append(text, literal, strlen(literal)); }

void rill__text_append_unsigned(rill__text *text, unsigned long value) {
  char digits[20];
  size_t first = sizeof digits;
  do digits[--first] = (char)('0' + value % 10);
  while (value /= 10);
  rill__text_append(text, digits + first, sizeof digits - first);
}

void rill__text_append_integer(rill__text *text, long value) {
  if (value < 0) rill__text_append(text, "-", 1);
  rill__text_append_unsigned(text, value < 0 ? 0 - (unsigned long)value : (unsigned long)value);
}

/* How many of the bytes, at most `left`, begin a character (table 3-7 of the Unicode standard). *is_whole: whether they are all of it. */
static size_t sequence(const unsigned char *bytes, size_t left, int *is_whole) {
  unsigned char lead = bytes[0];
  unsigned char lowest = 0x80, highest = 0xbf;
  size_t length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (lead == 0xe0) lowest = 0xa0;
  if (lead == 0xed) highest = 0x9f;
  if (lead == 0xf0) lowest = 0x90;
  if (lead == 0xf4) highest = 0x8f;
  size_t count = 1;
  while (count < length && count < left && bytes[count] >= lowest && bytes[count] <= highest) {
    lowest = 0x80;
    highest = 0xbf;
    count++;
  }
  *is_whole = count == length;
  return count;
}

void rill__text_append_repaired(rill__text *text, const char *bytes, size_t length) {
  while (length > 0) {
    int is_whole;
    size_t count = sequence((const unsigned char *)bytes, length, &is_whole);
    if (is_whole) rill__text_append(text, bytes, count);
    else rill__text_append(text, "\xef\xbf\xbd", 3);
    bytes += count;
    length -= count;
  }
}

void rill__text_free(rill__text *text) { free(text->start); }
