# A thin front: every target calls scripts that do one job each. `make` alone lists the targets.

PREFIX ?= /usr/local
TEXT ?=
SECTIONS ?=
export PREFIX DESTDIR TEXT SECTIONS

.DEFAULT_GOAL := targets
.PHONY: targets demo test bench build install check format clean

targets:
	@echo "make demo      install what is missing, build, train on real data, show the results (TEXT=file: text to learn)"
	@echo "make test      install what is missing, build, and run every test"
	@echo "make bench     measure speed, and print tables (SECTIONS=\"step blocks\": only these)"
	@echo "make build     .build/release/librill.so and librill.a"
	@echo "make install   header, libraries and rill.pc under PREFIX ($(PREFIX)); DESTDIR is honored"
	@echo "make check     format lint, header lint, version numbers"
	@echo "make format    format the Swift sources in place"
	@echo "make clean     remove everything that was built"

demo:
	@scripts/demo.sh

test:
	@scripts/test.sh

bench:
	@scripts/bench.sh

build:
	@scripts/install-dependencies.sh build
	@scripts/build.sh

install:
	@scripts/install.sh

check:
	@scripts/check-versions.sh
	@scripts/check-header.sh
	@scripts/check-format.sh

format:
	@scripts/format.sh

clean:
	rm -rf .build demo
