#!/usr/bin/env bash
# usage: header.sh PREFIX
# The header alone under every compiler and standard, and the program in its opening comment as a stranger would build it. One line
# per check.
set -uo pipefail
prefix=$1
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
header=$prefix/include/rill.h
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# check DESCRIPTION COMMAND...: runs the command; its output is shown only if it fails.
check() {
  local description=$1
  shift
  if "$@" >output.txt 2>&1; then
    echo "ok   header: $description"
  else
    sed 's/^/     /' output.txt | head -n 20
    echo "FAIL header: $description"
  fi
}

# Clang comes with the Swift toolchain; the path may lead through links.
swift=$(command -v swift || true)
clang=clang
for folder in "$(dirname "${swift:-/}")" "$(dirname "$(readlink -f "${swift:-/}")")"; do
  if [ -x "$folder/clang" ]; then clang=$folder/clang; fi
done

echo '#include <rill.h>' >alone.c
cp alone.c alone.cpp
strict=(-Wall -Wextra -Wpedantic -Werror -fsyntax-only "-I$prefix/include")
for compiler in gcc "$clang"; do
  for standard in c99 c11 c17; do
    check "$(basename "$compiler") -std=$standard" "$compiler" "-std=$standard" "${strict[@]}" alone.c
  done
done
for compiler in g++ "$clang++"; do
  for standard in c++11 c++17; do
    check "$(basename "$compiler") -std=$standard" "$compiler" "-std=$standard" "${strict[@]}" alone.cpp
  done
done

read -ra flags <<<"$(pkg-config --cflags --libs rill)"
read -ra static_flags <<<"$(pkg-config --static --cflags --libs rill | sed 's/-lrill/-l:librill.a/')"
export LD_LIBRARY_PATH=$prefix/lib

# From C++ the functions are found under their C names.
echo '#include <rill.h>
int main() { return rill_version_number() == RILL_VERSION_NUMBER ? 0 : 1; }' >version.cpp
links_from_cpp() { g++ -std=c++11 -Wall -Wextra -Werror version.cpp -o version "${flags[@]}" && ./version; }
check "a C++ program links and runs" links_from_cpp

pkg_config_agrees() { [ "$(pkg-config --modversion rill)" = "$(sed -n 's/^#define RILL_VERSION_STRING "\(.*\)"/\1/p' "$header")" ]; }
check "pkg-config and the header give one version" pkg_config_agrees

sed -n '/^ \* @program$/,/^ \* @end$/{//d;s/^ \* \{0,1\}//;p}' "$header" >demo.c

# Built, run in an empty folder: it ends with 0, has learned, and has written the model.
runs_the_program() {
  local name=$1
  shift
  gcc -std=c11 -Wall -Wextra -Werror -o "$name" demo.c "$@" -lm || return 1
  mkdir "$name.folder"
  (cd "$name.folder" && "../$name" >../demo.txt) || return 1
  cat demo.txt
  awk '/^mean squared error / { found = 1; small = $4 < 0.05 } END { exit !(found && small) }' demo.txt || return 1
  grep -q '"format": *"rill"' "$name.folder/sine.json"
}
has_no_shared_rill() { ! readelf -d static | grep -q 'NEEDED.*librill'; }
check "the program of the opening comment, linked dynamically" runs_the_program dynamic "${flags[@]}"
if [ -f "$prefix/lib/librill.a" ]; then
  check "the program of the opening comment, linked statically" runs_the_program static "${static_flags[@]}"
  check "linked statically, it needs no librill.so" has_no_shared_rill
else
  echo "FAIL header: librill.a is missing"
fi
