#!/usr/bin/env bash
# usage: symbols.sh PREFIX        RILL_UNSTRIPPED: the shared library with its symbols
# What the two libraries show to the outside, what they need, and, on x86-64, which instructions the kernels are made of.
set -uo pipefail
prefix=$1
unstripped=${RILL_UNSTRIPPED:-}
folder=$(cd "$(dirname "$0")" && pwd)
shared=$prefix/lib/librill.so
static=$prefix/lib/librill.a
largest=500000 # bytes of the installed shared library
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# report DESCRIPTION: ok if standard input is empty, otherwise it is shown as the reason.
report() {
  if grep -v '^$' >"$work/faults"; then
    sed 's/^/     /' "$work/faults" | head -n 30
    echo "FAIL symbols: $1"
  else
    echo "ok   symbols: $1"
  fi
}

gcc -E -P "$prefix/include/rill.h" | grep -o 'rill_[a-z0-9_]* *(' | tr -d ' (' | sort -u >"$work/header"
grep -o '^ *rill_[a-z0-9_]*;' "$folder/../../scripts/rill.map" | tr -d ' ;' | sort -u >"$work/map"
nm --dynamic --defined-only --extern-only "$shared" | awk '{ print $NF }' | sort -u >"$work/shared"
[ -s "$work/header" ] || echo "no functions found" | report "the header declares functions"

diff "$work/header" "$work/map" | report "the header and scripts/rill.map list the same functions"
sed 's/$/@@RILL_0/' "$work/map" | diff - <(grep -v '^RILL_0' "$work/shared") |
  report "the shared library exports exactly these, with the version RILL_0"
if [ -f "$static" ]; then
  nm --defined-only --extern-only "$static" | awk 'NF == 3 { print $3 }' | sort -u | diff "$work/map" - |
    report "the static library exports exactly these"
else
  echo "librill.a is missing" | report "the static library exports exactly these"
fi

readelf -d "$shared" | sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p' | grep -vE '^(libc\.so\.6|libm\.so\.6|ld-linux.*)$' |
  report "only libc, libm and the loader are needed"
readelf -d "$shared" | sed -n 's/.*(SONAME).*\[\(.*\)\].*/\1/p' | diff - <(echo librill.so.0) | report "the soname is librill.so.0"
# shellcheck disable=SC2016 # $ORIGIN is the loader's word
readelf -d "$shared" | sed -n 's/.*(\(RPATH\|RUNPATH\)).*\[\(.*\)\].*/\2/p' | grep -vxF '$ORIGIN' |
  report "no search path for libraries is built in"
readelf -d "$shared" | grep TEXTREL | report "no relocations in the text"
readelf -lW "$shared" | grep GNU_STACK | grep 'RWE' | report "the stack is not executable"
size=$(stat -Lc %s "$shared")
{ [ "$size" -lt "$largest" ] || echo "$size bytes"; } | report "the installed shared library has less than $largest bytes ($size)"

if [ "$(uname -m)" = x86_64 ]; then
  if [ -f "$unstripped" ]; then
    objdump --disassemble --no-show-raw-insn "$unstripped" | awk -f "$folder/disassembly.awk" |
      report "kernels use the registers of their level, and call nothing else"
  else
    echo "RILL_UNSTRIPPED names no library" | report "kernels use the registers of their level, and call nothing else"
  fi
fi
