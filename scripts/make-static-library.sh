#!/usr/bin/env bash
# usage: make-static-library.sh RELEASE_FOLDER
# Makes RELEASE_FOLDER/librill.a from the objects that librill.so was linked from, as one object with json-c inside.
# Why not the static library of SwiftPM: it exposes hundreds of symbols, json-c's among them, which would collide with those of a host.
set -euo pipefail
cd "$(dirname "$0")/.."
release=$1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The functions of the interface, from the version script of the shared library: both libraries export the same names.
grep -o 'rill_[a-z0-9_]*' scripts/rill.map | sort -u >"$work/interface"

inputs=()
while IFS= read -r object; do inputs+=("${object//\'/}"); done <"$release/rill.product/Objects.LinkFileList"
if [ -z "${RILL_SHARED_JSONC:-}" ]; then
  inputs+=("$(${CC:-cc} -print-file-name=libjson-c.a)")
fi

# The interface is what --gc-sections keeps, with all that it reaches. Section groups are resolved here (--force-group-allocation): a group
# left in the object could be dropped in favor of a host's of the same name.
keep=()
while IFS= read -r name; do keep+=("--undefined=$name"); done <"$work/interface"
ld -r --gc-sections --force-group-allocation "${keep[@]}" -o "$work/rill.o" "${inputs[@]}"
objcopy --keep-global-symbols="$work/interface" "$work/rill.o"
ar rcs "$release/librill.a" "$work/rill.o"

# Exactly the interface is left: nothing more, nothing less.
nm --defined-only --extern-only "$release/librill.a" | awk 'NF == 3 { print $3 }' | sort -u >"$work/exported"
if ! diff "$work/interface" "$work/exported"; then
  echo "make-static-library: librill.a does not export exactly the functions of scripts/rill.map (< missing, > too many)" >&2
  rm -f "$release/librill.a"
  exit 1
fi
