#!/usr/bin/env bash
# usage: test-examples.sh PREFIX
# Compiles the C examples against the Rill installed in PREFIX, with warnings as errors and with both libraries, and runs all examples.
set -euo pipefail
cd "$(dirname "$0")/.."
stage=$(realpath "$1")

programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT
export PKG_CONFIG_PATH=$stage/lib/pkgconfig
make --no-print-directory -C examples/c OUTPUT="$programs" CFLAGS="-O2 -Werror"
if [ -f "$stage/lib/librill.a" ]; then
  # shellcheck disable=SC2046 # pkg-config's words are words
  ${CC:-cc} -std=c99 -Wall -Wextra -Werror -o "$programs/stream-static" examples/c/stream.c \
    $(pkg-config --cflags rill) "$stage/lib/librill.a" $(pkg-config --static --libs-only-other rill) -lm
fi

RILL_EXAMPLE_PROGRAMS=$programs RILL_LIBRARY=$stage/lib/librill.so PYTHONPATH=$PWD/bindings/python/src \
  .build/venv/bin/python -m pytest -q -p no:cacheprovider examples/test_examples.py
