#!/usr/bin/env bash
# usage: test-abi.sh PREFIX        RILL_UNSTRIPPED: the shared library with its symbols, by default .build/release/librill.so
# Tests an installation (made by `make install PREFIX=...`) as C programs see it: header, symbols, and the programs of Tests/ABI, also under
# AddressSanitizer, RealtimeSanitizer and valgrind. Prints a line per check; the last line is "N passed, N failed".
#
# Not under ThreadSanitizer: this library is Swift without its instrumentation, so the sanitizer would know neither its accesses nor its
# atomic operations, and could only be wrong. test.sh runs Swift tests under it, on a library built for it.
set -uo pipefail
cd "$(dirname "$0")/.."
prefix=$(realpath "${1:?usage: test-abi.sh PREFIX}")
# Without this the compiler would find another installation, and that would be tested.
[ -f "$prefix/lib/librill.so" ] || { echo "test-abi: $prefix/lib/librill.so is missing" >&2; exit 1; }
export RILL_UNSTRIPPED=${RILL_UNSTRIPPED:-$PWD/.build/release/librill.so}
export LD_LIBRARY_PATH=$prefix/lib
tests=$PWD/Tests/ABI
patience=150 # seconds after which a program counts as hung; none needs a tenth of it on an idle machine

# Some checks run as nobody, who must be able to reach their folder.
work=$(mktemp -d)
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT

# Clang comes with the Swift toolchain.
swift=$(command -v swift || true)
clang=$(dirname "$(readlink -f "${swift:-/}")")/clang
[ -x "$clang" ] || clang=clang

# A locale with a decimal comma: made here, since a small system has none. LOCPATH is for that one program: while it is set, glibc leaks a
# few bytes in every newlocale.
printf 'LC_NUMERIC\ndecimal_point ","\nthousands_sep "."\ngrouping 3;3\nEND LC_NUMERIC\n' >"$work/comma.src"
mkdir "$work/locale"
localedef -c -i "$work/comma.src" "$work/locale/comma" >/dev/null 2>&1 || true # it warns of the categories that are not there
if [ -f "$work/locale/comma/LC_NUMERIC" ]; then
  comma=(env "LOCPATH=$work/locale" CHECK_LOCALE=comma)
else
  comma=(env "CHECK_LOCALE=$(locale -a 2>/dev/null | grep -m 1 -E '^(de|fr|es|it|nl|pt|pl|ru)_')")
fi

# compile FILE PROGRAM COMPILER OPTION...
compile() {
  local file=$1 program=$2 libraries=("-L$prefix/lib" "${rill:--lrill}" -lm -lpthread)
  shift 2
  "$@" -std=c11 -g -Wall -Wextra -Werror "-I$prefix/include" "$tests/$file.c" -o "$program" "${libraries[@]}"
}

# job FILE VARIANT: builds the program in that way and runs it in an empty folder of its own.
job() {
  local file=$1 variant=$2 folder=$work/$1.$2 compiler=(gcc -O1) wrapper=() rill status
  case $variant in
  plain) ;;
  static) rill=-l:librill.a ;;
  baseline | v3) export RILL_ISA=$variant ;;
  address)
    compiler=(gcc -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    # A size that no machine has must come to the library as NULL, not end the program.
    export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1
    ;;
  realtime) compiler=("$clang" -O1 -fsanitize=realtime) ;;
  valgrind)
    export RILL_ISA=v3 # valgrind 3.19 does not know AVX-512
    wrapper=(valgrind --quiet --leak-check=full --show-leak-kinds=all --errors-for-leak-kinds=all --error-exitcode=9)
    ;;
  esac
  [ "$file" = environment ] && wrapper=("${comma[@]}")
  mkdir -m 755 "$folder"
  if ! compile "$file" "$folder.program" "${compiler[@]}" >"$folder.build" 2>&1; then
    sed 's/^/     /' "$folder.build" | head -n 20
    echo "FAIL $file.c does not compile ($variant)"
    return
  fi
  (cd "$folder" && exec timeout "$patience" "${wrapper[@]}" "$folder.program") >"$folder.out" 2>"$folder.error"
  status=$?
  sed "s/^\(ok  \|FAIL\) .*/& ($variant)/" "$folder.out"
  # A program that ends badly without saying why has crashed, hung, or was stopped by a checker, whose words are on the standard error.
  if [ -s "$folder.error" ] || { [ $status != 0 ] && ! grep -q '^FAIL' "$folder.out"; }; then
    sed 's/^/     /' "$folder.error" | head -n 40
    echo "FAIL $file.c ended with status $status ($variant)"
  fi
}

# The matrix: every program as it is, and those that say more in other ways. The programs that replace functions of the C library
# (allocation, realtime) leave no room for a checker that replaces them too.
jobs=()
add() {
  local variant=$1 file
  shift
  for file in "$@"; do jobs+=("$file $variant"); done
}
arguments=(arguments_model arguments_stream arguments_batch arguments_training arguments_carried)
hostile=(hostile_text hostile_content hostile_sizes hostile_paths)
add valgrind lifetime
add address "${arguments[@]}" "${hostile[@]}" save round_trip lifetime
add plain resume "${arguments[@]}" "${hostile[@]}" save round_trip allocation realtime threads threads_apart environment denormals lifetime
add static lifetime
if [ "$(uname -m)" = x86_64 ]; then
  add baseline environment denormals lifetime
  add v3 environment denormals lifetime
fi
if "$clang" -fsanitize=realtime -x c -o "$work/probe" - <<<'int main(void) { return 0; }' >/dev/null 2>&1; then
  add realtime realtime
else
  echo "     this clang has no RealtimeSanitizer: not used"
fi

# As many at a time as there are processors; shown in order.
"$tests/header.sh" "$prefix" >"$work/header.log" 2>&1 &
"$tests/symbols.sh" "$prefix" >"$work/symbols.log" 2>&1 &
processors=$(nproc 2>/dev/null || echo 2)
logs=("$work/header.log" "$work/symbols.log")
for number in "${!jobs[@]}"; do
  while [ "$(jobs -rp | wc -l)" -ge "$processors" ]; do wait -n; done
  read -r file variant <<<"${jobs[$number]}"
  log=$work/job.$number.log
  logs+=("$log")
  job "$file" "$variant" >"$log" 2>&1 &
done
wait
cat "${logs[@]}" | tee "$work/all.log"

passed=$(grep -c '^ok ' "$work/all.log")
failed=$(grep -c '^FAIL ' "$work/all.log")
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
