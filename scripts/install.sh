#!/usr/bin/env bash
# Installs what `make build` made: the header, both libraries (stripped) and rill.pc.
#   PREFIX   default /usr/local
#   LIBDIR   default PREFIX/lib
#   DESTDIR  put before every path that is written, as packagers do; not part of what rill.pc says
set -euo pipefail
cd "$(dirname "$0")/.."

prefix=$(realpath -m "${PREFIX:-/usr/local}")
libdir=$(realpath -m "${LIBDIR:-$prefix/lib}")
destination=${DESTDIR:-}
release=.build/release

if [ ! -f "$release/librill.so" ]; then
  echo "install: $release/librill.so is missing; run \`make build\` first" >&2
  exit 1
fi

version=$(sed -n 's/^#define RILL_VERSION_STRING "\(.*\)".*/\1/p' include/rill.h)
soname=$(readelf -d "$release/librill.so" | sed -n 's/.*(SONAME).*\[\(.*\)\].*/\1/p')
library=librill.so.$version

install -d "$destination$prefix/include" "$destination$libdir/pkgconfig"
install -m 644 include/rill.h "$destination$prefix/include/rill.h"

strip --strip-unneeded -o "$destination$libdir/$library" "$release/librill.so"
chmod 755 "$destination$libdir/$library"
ln -sf "$library" "$destination$libdir/$soname"
ln -sf "$soname" "$destination$libdir/librill.so"

rm -f "$destination$libdir/librill.a"
if [ -f "$release/librill.a" ]; then
  strip --strip-unneeded -o "$destination$libdir/librill.a" "$release/librill.a"
  chmod 644 "$destination$libdir/librill.a"
fi

# A library built with RILL_SHARED_JSONC needs json-c beside it; static links then need it named.
requires=
if readelf -d "$release/librill.so" | grep -q 'NEEDED.*libjson-c'; then requires='Requires.private: json-c'; fi

{
  echo "prefix=$prefix"
  echo "libdir=${libdir/#"$prefix"\//\$\{prefix\}/}"
  echo 'includedir=${prefix}/include'
  echo
  echo 'Name: rill'
  echo 'Description: Recurrent neural networks inside a host program'
  echo "Version: $version"
  if [ -n "$requires" ]; then echo "$requires"; fi
  echo 'Libs: -L${libdir} -lrill'
  echo 'Libs.private: -lm'
  echo 'Cflags: -I${includedir}'
} >"$destination$libdir/pkgconfig/rill.pc"

# The loader finds a library in its standard folders only after its cache is renewed.
case $libdir in
  /usr/lib* | /usr/local/lib*)
    if [ -z "$destination" ] && [ "$(id -u)" = 0 ] && command -v ldconfig >/dev/null; then ldconfig; fi
    ;;
esac

echo "Rill $version is installed under $destination$prefix"
