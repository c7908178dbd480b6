#!/usr/bin/env bash
# usage: demo.sh      (environment: TEXT=file to learn instead of a license that every Debian machine has)
# Installs what is missing, builds, and shows what the library does on real data. Pictures and models go to demo/.
set -euo pipefail
cd "$(dirname "$0")/.."

text=()
if [ -n "${TEXT:-}" ]; then
  if [ ! -r "$TEXT" ]; then
    echo "demo: TEXT=$TEXT cannot be read" >&2
    exit 1
  fi
  text=(--text "$TEXT")
fi

echo "Rill: installing what is missing, and building (about a minute the first time)"
scripts/install-dependencies.sh build python
scripts/build.sh
stage=$PWD/.build/stage
PREFIX=$stage scripts/install.sh >/dev/null
mkdir -p .build/demo
PKG_CONFIG_PATH=$stage/lib/pkgconfig make --silent --no-print-directory -C examples/c OUTPUT="$PWD/.build/demo" "$PWD/.build/demo/stream"

export RILL_LIBRARY=$stage/lib/librill.so PYTHONPATH=$PWD/bindings/python/src PYTHONDONTWRITEBYTECODE=1
.build/venv/bin/python examples/python/demo.py --host .build/demo/stream --output demo "${text[@]}"
