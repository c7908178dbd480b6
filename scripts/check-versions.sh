#!/usr/bin/env bash
# The version stands in several places; they must agree with include/rill.h.
set -euo pipefail
cd "$(dirname "$0")/.."

bad=0
# same WHAT FOUND WANTED
same() {
  if [ "$2" != "$3" ]; then
    echo "check-versions: $1 says '$2', expected '$3'" >&2
    bad=1
  fi
}
macro() { sed -n "s/^#define RILL_VERSION_$1 *\"\{0,1\}\([0-9.]*\).*/\1/p" include/rill.h; }
first() { sed -n "$1" "$2" | head -n 1; }

version=$(macro MAJOR).$(macro MINOR).$(macro PATCH)
same "RILL_VERSION_STRING in include/rill.h" "$(macro STRING)" "$version"
same "RILL_VERSION_NUMBER in include/rill.h" "$(macro NUMBER)" $(($(macro MAJOR) * 1000000 + $(macro MINOR) * 1000 + $(macro PATCH)))
same "the top entry of CHANGELOG.md" "$(first 's/^## \[\([0-9.]*\)\].*/\1/p' CHANGELOG.md)" "$version"
python=bindings/python/src/rill
same "$python/_version.py" "$(first 's/^VERSION = "\(.*\)"$/\1/p' $python/_version.py)" "$version"

# The number of the soname is that of the interface; it is raised when the interface breaks, in all three places.
interface=$(first 's/.*"librill\.so\.\([0-9]*\)".*/\1/p' Package.swift)
same "the version node in scripts/rill.map" "$(first 's/^RILL_\([0-9]*\) {.*/\1/p' scripts/rill.map)" "$interface"
same "the soname in $python/_find.py" "$(first 's/^SONAME = "librill\.so\.\([0-9]*\)"$/\1/p' $python/_find.py)" "$interface"

format=$(sed -n 's/^#define RILL_FORMAT_VERSION \([0-9]*\).*/\1/p' include/rill.h)
same "FORMAT_VERSION in $python/_version.py" "$(first 's/^FORMAT_VERSION = \([0-9]*\)$/\1/p' $python/_version.py)" "$format"
same "docs/model-format.md" "$(first 's/^`format_version` is \([0-9]*\)\..*/\1/p' docs/model-format.md)" "$format"

[ "$bad" = 0 ] && echo "version $version, interface $interface, model format $format: all places agree"
exit "$bad"
