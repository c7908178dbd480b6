#!/usr/bin/env bash
# Formats the Swift sources in place by .swift-format.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/swift-sources.sh | xargs -0 swift format format --in-place
