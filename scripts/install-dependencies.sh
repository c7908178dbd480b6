#!/usr/bin/env bash
# usage: install-dependencies.sh [build] [test] [python]      (without words: all three)
# Finds what is missing for that purpose and installs it: Debian packages through apt-get (as root; otherwise it says what to install and
# fails), Python packages through pip into the virtual environment .build/venv. Swift itself is required. Quick when nothing is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

minimum_swift=6.3
venv=.build/venv
python_packages=(numpy matplotlib pytest tqdm)
purposes=" ${*:-build test python} "

fail() {
  echo "install-dependencies: $*" >&2
  exit 1
}

wants() { [[ $purposes == *" $1 "* ]]; }
has_command() { command -v "$1" >/dev/null 2>&1; }
can_install() { [ "$(id -u)" = 0 ] && has_command apt-get; }
# A Python that can make virtual environments with pip inside, and new enough for the packages.
can_make_venv() { "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 9))' >/dev/null 2>&1; }
venv_is_complete() {
  [ -x "$venv/bin/python" ] && "$venv/bin/python" -c '
import importlib.util, sys
sys.exit(any(importlib.util.find_spec(name) is None for name in sys.argv[1:]))' "$@" >/dev/null 2>&1
}
# The interpreter for the virtual environment: the first that can make one.
find_python() {
  local candidate
  for candidate in python3 /usr/bin/python3; do
    if can_make_venv "$candidate"; then
      echo "$candidate"
      return
    fi
  done
}

check_swift() {
  local advice="Swift $minimum_swift or newer is required (https://www.swift.org/install/linux/)"
  has_command swift || fail "$advice; there is no \`swift\` in PATH"
  local version
  version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9.]*[0-9]\).*/\1/p' | head -n 1)
  [ -n "$version" ] || fail "\`swift --version\` does not say a version"
  [ "$(printf '%s\n' "$minimum_swift" "$version" | sort -V | head -n 1)" = "$minimum_swift" ] ||
    fail "$advice; this is Swift $version"
}

# Debian packages that are missing, one per line.
missing_packages() {
  has_command gcc || echo gcc
  [ -f /usr/include/stdlib.h ] || echo libc6-dev
  if ! has_command ld || ! has_command objcopy || ! has_command readelf; then
    echo binutils
  elif ! has_command ld.gold; then
    echo binutils-gold # the linker that Swift calls; older Debians have it in binutils
  fi
  has_command pkg-config || echo pkg-config
  if ! [ -f "$(gcc -print-file-name=libjson-c.a 2>/dev/null)" ] || ! pkg-config --exists json-c 2>/dev/null; then echo libjson-c-dev; fi
  if wants test; then
    has_command g++ || echo g++
    has_command valgrind || echo valgrind
    if can_install && ! has_command mpirun; then echo openmpi-bin; fi # without it a test of an example is left out
  fi
  if wants test || wants python; then
    if ! venv_is_complete && [ -z "$(find_python)" ]; then printf '%s\n' python3 python3-venv; fi
  fi
}

install_packages() {
  local packages=("$@")
  if ! can_install; then
    fail "missing: ${packages[*]}
On Debian or Ubuntu: sudo apt-get install ${packages[*]}
Elsewhere install what these Debian packages hold; then run this again."
  fi
  echo "installing Debian packages: ${packages[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq || fail "apt-get update failed"
  apt-get install -qq --yes --no-install-recommends "${packages[@]}" >/dev/null || fail "apt-get could not install ${packages[*]}"
}

install_python_packages() {
  local python
  python=$(find_python)
  echo "installing Python packages into $venv: ${python_packages[*]}"
  if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    rm -rf "$venv"
    mkdir -p "$(dirname "$venv")"
    "$python" -m venv "$venv" || fail "$python could not make a virtual environment"
  fi
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "${python_packages[@]}" ||
    fail "pip could not install ${python_packages[*]}"
}

check_swift
for _ in 1 2; do # what was installed can show that something else is missing
  mapfile -t missing < <(missing_packages)
  if [ ${#missing[@]} -gt 0 ]; then install_packages "${missing[@]}"; fi
done
if wants test && has_command mpirun; then python_packages+=(mpi4py); fi
if wants test || wants python; then
  venv_is_complete "${python_packages[@]}" || install_python_packages
fi
