#!/usr/bin/env bash
# Format lint of the Swift sources by .swift-format, and what .editorconfig asks of every text file.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/swift-sources.sh | xargs -0 swift format lint --strict

bad=0
while IFS= read -r -d '' file; do
  [ -f "$file" ] && [ ! -L "$file" ] || continue
  grep -Iq . "$file" || continue # empty or binary
  if grep -nE '[[:blank:]]+$|'$'\r' "$file" /dev/null; then
    echo "check-format: $file: blanks at the end of a line" >&2
    bad=1
  fi
  if [ -n "$(tail -c 1 "$file")" ]; then
    echo "check-format: $file: the last line has no end" >&2
    bad=1
  fi
done < <(git ls-files -z --cached --others --exclude-standard)
exit "$bad"
