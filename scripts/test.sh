#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test. Stops at the first part that fails, and names it.
set -euo pipefail
cd "$(dirname "$0")/.."

begun=$SECONDS
current=start
# Runs a part: its title, then the command.
part() {
  current=$1
  shift
  local started=$SECONDS
  printf '\n==== %s\n' "$current"
  "$@"
  printf -- '---- %s: passed in %d s\n' "$current" $((SECONDS - started))
}
finish() {
  local status=$?
  if [ "$status" = 0 ]; then
    printf '\nAll tests passed in %d s.\n' $((SECONDS - begun))
  else
    printf '\nFAILED: %s (after %d s)\n' "$current" $((SECONDS - begun))
  fi
}
trap finish EXIT

stage=$PWD/.build/stage
install_stage() {
  rm -rf "$stage"
  PREFIX=$stage DESTDIR='' scripts/install.sh
}
# Without the lines that say that a test begins, or that one of its many cases passed.
run_swift_tests() {
  swift test --skip-build --disable-xctest "$@" 2>&1 | { grep -vE '^◇|started\.$|^✔ Test case' || true; }
}
swift_tests() {
  swift build --build-tests
  run_swift_tests
}
# The numbers again with each lower level of kernels; the highest ran with all the rest.
lower_levels() {
  [ "$(uname -m)" = x86_64 ] || return 0
  local level
  for level in baseline v3; do
    RILL_ISA=$level run_swift_tests --filter 'RillReferenceTests|RillTrainingTests'
  done
}
# What threads may do at once, under ThreadSanitizer, on a debug build with its instrumentation. It sees atomics, scalars, frees and copies (by
# Swift's default it would ignore what memcpy and its kind touch), but no vectors of 64 bytes, which is how kernels read weights.
thread_sanitizer() {
  local options=(--sanitize=thread --scratch-path .build/tsan)
  swift build --build-tests "${options[@]}"
  TSAN_OPTIONS=ignore_interceptors_accesses=0 run_swift_tests "${options[@]}" --filter 'ThreadTests|ManyThreadsTests'
}
python_tests() {
  RILL_LIBRARY=$stage/lib/librill.so PYTHONPATH=bindings/python/src .build/venv/bin/python -m pytest -q -p no:cacheprovider bindings/python
}
export PYTHONDONTWRITEBYTECODE=1

part "dependencies" scripts/install-dependencies.sh
part "version numbers" scripts/check-versions.sh
part "format" scripts/check-format.sh
part "release build" scripts/build.sh
part "installation" install_stage
part "C interface" env RILL_UNSTRIPPED="$PWD/.build/release/librill.so" scripts/test-abi.sh "$stage"
part "examples" scripts/test-examples.sh "$stage"
part "Python package" python_tests
part "Swift tests" swift_tests
part "Swift tests at lower instruction-set levels" lower_levels
part "threads under ThreadSanitizer" thread_sanitizer
