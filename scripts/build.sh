#!/usr/bin/env bash
# Builds the release libraries: .build/release/librill.so (with its symbols; `make install` strips) and .build/release/librill.a.
#   RILL_FULL_SWIFT=1    ordinary Swift with its runtime inside, where the toolchain has no Embedded standard library; no librill.a
#   RILL_SHARED_JSONC=1  json-c stays a shared library that the program links (as distributions want it)
set -euo pipefail
cd "$(dirname "$0")/.."

options=(-c release --product rill)
if [ -n "${RILL_FULL_SWIFT:-}" ]; then
  options+=(-Xswiftc -static-stdlib)
fi
swift build "${options[@]}"

release=.build/release
rm -f "$release/librill.a"
if [ -n "${RILL_FULL_SWIFT:-}" ]; then
  echo "$release/librill.so is built; there is no static library of an ordinary Swift build"
  exit 0
fi
scripts/make-static-library.sh "$release"
echo "$release/librill.so and $release/librill.a are built"
