#!/usr/bin/env bash
# Builds the library and the engines of Benchmarks/, measures, and prints tables (progress goes to standard error). Environment:
#   SECTIONS       parts to run, by default all:
#                  step sizes tail precision streams blocks silence sequence limits load training
#   BENCH_QUICK    1: a few seconds, to see that everything works; the numbers mean nothing
#   BENCH_CORE     the processor to run on; by default the last that is allowed
#   BENCH_PYTHON   Pythons, with colons between them, for the tables and for what they have of onnxruntime and onnx, torch, jax;
#                  .build/venv's and python3 are tried after them
#   ENGINES        further engines: paths of shared objects with the interface of Benchmarks/engine.h
set -euo pipefail
cd "$(dirname "$0")/.."

sections=${SECTIONS:-step sizes tail precision streams blocks silence sequence limits load training}
quick=${BENCH_QUICK:-}
if [ "$quick" = 0 ]; then quick=; fi
stage=$PWD/.build/bench-stage
output=$PWD/.build/bench
results=$output/results.csv
compiler=${CC:-gcc}
note() { echo "bench: $*" >&2; }

scripts/install-dependencies.sh build >&2
scripts/build.sh >&2
rm -rf "$stage" "$output"
PREFIX=$stage LIBDIR='' DESTDIR='' scripts/install.sh >&2
mkdir -p "$output"

# Everything finds the installed library by its run path, whatever else is on this machine.
library=$stage/lib/librill.so
rill_flags=("-I$stage/include")
rill_libraries=("-L$stage/lib" -lrill "-Wl,-rpath,$stage/lib")
warnings=(-std=gnu11 -Wall -Wextra)

# plain NAME COLUMNS FLAG...: linked in a second step without -ffast-math, with which the linker adds code that changes the
# floating-point mode of the whole process.
plain() {
  local name=$1 columns=$2
  shift 2
  "$compiler" "${warnings[@]}" -O3 -ffast-math "$@" -fPIC "-DPLAIN_NAME=\"$name\"" "-DPLAIN_COLUMNS=$columns" \
    -c Benchmarks/plain_engine.c -o "$output/$name.o"
  "$compiler" -shared "$output/$name.o" -o "$output/$name.so" -lm
}

build_engines() {
  plain plain-col 1 -march=native
  plain plain-row 0 -march=native
  if [ "$(uname -m)" = x86_64 ] && grep -q avx2 /proc/cpuinfo; then plain plain-col-v3 1 -march=x86-64-v3; fi
  "$compiler" "${warnings[@]}" -O2 -fPIC -shared "${rill_flags[@]}" Benchmarks/rill_engine.c Benchmarks/rill_network.c \
    -o "$output/rill.so" "${rill_libraries[@]}" -lm
  if ! echo '#include <dnnl.hpp>' | "${CXX:-g++}" -std=c++17 -fsyntax-only -x c++ - 2>/dev/null; then
    note "without oneDNN; to have it: sudo apt-get install g++ libdnnl-dev"
  elif ! onednn; then
    note "without oneDNN: this version of it does not fit Benchmarks/onednn_*.cpp"
  fi
}

# Linked without -ffast-math, as above.
onednn() {
  local part
  for part in engine training; do
    "${CXX:-g++}" -std=c++17 -O3 -march=native -ffast-math -fopenmp -Wall -Wextra -fPIC -c "Benchmarks/onednn_$part.cpp" \
      -o "$output/onednn_$part.o" || return 1
  done
  "${CXX:-g++}" -shared -fopenmp "$output"/onednn_{engine,training}.o -o "$output/onednn.so" -ldnnl
}

build_hosts() {
  "$compiler" "${warnings[@]}" -O3 -march=native -c Benchmarks/machine.c -o "$output/machine.o"
  "$compiler" "${warnings[@]}" -O2 "${rill_flags[@]}" Benchmarks/{host,engines,timing,rill_network}.c Benchmarks/section_*.c \
    "$output/machine.o" -o "$output/host" "${rill_libraries[@]}" -ldl -lm
  "$compiler" "${warnings[@]}" -O2 "${rill_flags[@]}" Benchmarks/load.c -o "$output/load" -ldl
  "$compiler" "${warnings[@]}" -O2 Benchmarks/{train,timing}.c "$output/machine.o" -o "$output/train" -ldl -lm
}

IFS=: read -r -a pythons <<<"${BENCH_PYTHON:-}"
pythons+=(.build/venv/bin/python python3 /usr/bin/python3)
# python_with MODULE...: the first Python that has them, if there is one
python_with() {
  local candidate
  for candidate in "${pythons[@]}"; do
    if [ -n "$candidate" ] && "$candidate" -c 'import importlib.util, sys
sys.exit(any(importlib.util.find_spec(name) is None for name in sys.argv[1:]))' "$@" 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
}
python=$(python_with)

# One core for everything: the last one, since the first is where the system likes to work.
pin=()
allowed=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status)
core=${BENCH_CORE:-${allowed##*[,-]}}
if command -v taskset >/dev/null; then pin=(taskset -c "$core"); else note "without taskset (util-linux): not pinned to a core"; fi
export OMP_NUM_THREADS=1

machine() {
  local version commit
  version=$(sed -n 's/^#define RILL_VERSION_STRING "\(.*\)".*/\1/p' include/rill.h)
  commit=$(git describe --always --dirty --exclude '*' 2>/dev/null || true)
  echo "machine,,,rill,$version${commit:+ at $commit}"
  echo "machine,,,processor,$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1 | tr -d ,)"
  echo "machine,,,core,$core of $(nproc --all)"
  echo "machine,,,load before,$(cut -d' ' -f1 /proc/loadavg)"
  echo "machine,,,compiler,$("$compiler" --version | head -n 1 | tr -d ,)"
}

measure_load() {
  local runs=11 run model
  [ -z "$quick" ] || runs=1
  note load
  "${pin[@]}" "$output/load" "$library" prepare "$output"
  for ((run = 0; run < runs; run++)); do
    "${pin[@]}" "$output/load" "$library" first "$output/small.json"
    for model in decimal base64; do "${pin[@]}" "$output/load" "$library" file "$output/$model.json"; done
  done
  echo "load,librill.so stripped,rill,bytes,$(stat -L -c %s "$library")"
}

measure_onnx_runtime() {
  local python
  python=$(python_with numpy onnx onnxruntime)
  if [ -z "$python" ]; then
    note "without ONNX Runtime; to have it: a Python with onnxruntime and onnx from pip, named by BENCH_PYTHON"
    return
  fi
  "${pin[@]}" "$python" Benchmarks/onnxruntime_bench.py "$output" "$@"
}

measure_training() {
  if [ -z "$python" ]; then
    note "without training, which needs a python3"
    return
  fi
  local peers=() with
  with=$(python_with numpy torch)
  if [ -n "$with" ]; then peers+=("pytorch=$with"); else note "without PyTorch; to have it: a Python with torch and numpy, named by BENCH_PYTHON"; fi
  with=$(python_with numpy jax)
  if [ -n "$with" ]; then peers+=("jax=$with"); else note "without JAX; to have it: a Python with jax[cpu], named by BENCH_PYTHON"; fi
  BENCH_CORE=$core "$python" Benchmarks/training.py "$output" "${peers[@]}"
}

build_engines
build_hosts
started=$SECONDS
native=() foreign=()
has_load='' has_training=''
for section in $sections; do
  if [ "$section" = load ]; then has_load=1; elif [ "$section" = training ]; then has_training=1; else native+=("$section"); fi
  if [ "$section" = step ] || [ "$section" = sequence ]; then foreign+=("$section"); fi
done
{
  machine
  "${pin[@]}" "$output/host" "$output" "${native[@]}"
  if [ -n "$has_load" ]; then measure_load; fi
  if [ ${#foreign[@]} -gt 0 ]; then measure_onnx_runtime "${foreign[@]}"; fi
  if [ -n "$has_training" ]; then measure_training; fi
} >"$results"
note "measured in $((SECONDS - started)) s; every number is in ${results#"$PWD/"}"

if [ -n "$python" ]; then
  "$python" Benchmarks/tables.py "$results"
else
  note "there is no python3 to make tables; these are the numbers"
  cat "$results"
fi
