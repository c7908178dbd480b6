#!/usr/bin/env bash
# include/rill.h alone must compile without a warning as C99, C11, C++11 and C++17, with every compiler that is here.
set -euo pipefail
cd "$(dirname "$0")/.."

warnings=(-Wall -Wextra -Wpedantic -Werror -Wconversion -Wshadow -Wundef -fsyntax-only)
# check COMPILER LANGUAGE STANDARD...
check() {
  local compiler=$1 language=$2 standard
  shift 2
  command -v "$compiler" >/dev/null 2>&1 || return 0
  for standard in "$@"; do
    echo '#include "include/rill.h"' | "$compiler" -x "$language" -std="$standard" "${warnings[@]}" -I. -
    echo "header: $compiler $standard"
  done
}
check gcc c c99 c11
check clang c c99 c11
check g++ c++ c++11 c++17
check clang++ c++ c++11 c++17
