/* host.c - opens the engines in one process and measures them in turn
 *
 *   host FOLDER SECTION...      FOLDER: where the engines are
 *
 * Results, one per line, go to standard output as section,network,engine,metric,value; progress goes to standard error. First of all
 * the engines are checked to compute the same numbers. BENCH_QUICK and ENGINES in the environment: see README.md.
 */
#include "sections.h"
#include "timing.h"
#include <string.h>

static const struct {
  const char *name;
  void (*run)(void);
} sections[] = {
    {"step", section_step},           {"sizes", section_sizes},       {"tail", section_tail},
    {"precision", section_precision}, {"streams", section_streams},   {"blocks", section_blocks},
    {"silence", section_silence},     {"sequence", section_sequence}, {"limits", section_limits},
};
enum { SECTION_COUNT = sizeof sections / sizeof *sections };

static int find_section(const char *name) {
  for (int i = 0; i < SECTION_COUNT; i++)
    if (strcmp(sections[i].name, name) == 0) return i;
  fail("there is no section \"%s\"", name);
}

int main(int count, char **arguments) {
  if (count < 2) fail("usage: host FOLDER SECTION...");
  for (int i = 2; i < count; i++) find_section(arguments[i]); /* before minutes are spent */
  read_effort();
  open_engines(arguments[1]);
  if (!find_engine("rill") || !find_engine("plain-col")) fail("%s: rill.so or plain-col.so is missing", arguments[1]);
  report_machine();
  check_agreement();
  for (int i = 2; i < count; i++) sections[find_section(arguments[i])].run();
  return 0;
}
