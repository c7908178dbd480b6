#!/usr/bin/env bash
# Lists every Swift file of the project once, NUL-separated: files, not the links by which kernels are compiled again.
set -euo pipefail
cd "$(dirname "$0")/.."
find Package.swift Sources Tests -name '*.swift' -type f -print0
