#include <errno.h>

#include "cplatform.h"

int rill__out_of_memory(void) { return ENOMEM; }
