# `make demo` and `make test` are all that a newcomer types. Both install what is missing.
export CARGO_TARGET_DIR ?= $(CURDIR)/target
export PATH := $(HOME)/.cargo/bin:$(PATH)

.PHONY: demo test test-nat bench build lint fuzz netsim web setup

demo: web
	cargo run --release --bin velox -- demo $(ARGS)

test:
	scripts/test

# Two browsers behind every pair of NAT kinds, as the table of docs/nat.md; `make test` has a few.
# `make test-nat DOCUMENT=docs/nat.md` writes it there.
test-nat: web
	scripts/setup test
	cargo build --workspace
	cd tests && npm run --silent nat -- $(abspath $(DOCUMENT))

# `make bench PARTS=fidelity` measures one part.
bench: web
	scripts/bench $(PARTS)

build: web
	cargo build --release --workspace

lint:
	scripts/setup lint
	scripts/lint

# Seconds for each target; `make fuzz SECONDS=600` looks longer.
fuzz:
	scripts/setup fuzz
	scripts/fuzz $(or $(SECONDS),60)

# The big scenarios, one after the other: an hour or two. `make netsim SCENARIOS="half-dies"`
# runs one.
netsim:
	scripts/netsim $(SCENARIOS)

# What browsers load; the Rust build embeds it.
web:
	scripts/setup web
	cd web && npm run --silent build

# Everything that the other targets would install when they need it.
setup:
	scripts/setup web lint fuzz test
