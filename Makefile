# The two commands: `make demo` and `make test`. Both set up what they need on a fresh Debian machine with rustup.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test soak bench bench-core storm growth kill fuzz fmt lint app core-tests unit docs wasm deny desk-pictures

help:
	@echo 'make demo    play the demonstration district, print the report, stay up (ARGS="--once --json" for the report alone)'
	@echo 'make test    check everything'
	@echo 'make app     build the officer'"'"'s app into target/field-app'
	@echo 'make soak    play simulated worlds until EDITS=10000 edits were made (ARGS for more)'
	@echo 'make bench   measure us beside the peers, write docs/benchmarks.md (ARGS="--records 200 --rounds 1 --only ours,pouchdb" for a quick one)'
	@echo 'make bench-core   run the benchmarks of the core alone'
	@echo 'make storm   a district of DEVICES=1000 comes back within a minute'
	@echo 'make growth  what the server costs at SIZES=1000,10000,100000 documents'
	@echo 'make kill    kill the real programs under load (ROUNDS=200)'
	@echo 'make desk-pictures   take the pictures of docs/desk.md again'
	@echo 'make fuzz    search for bytes that break a decoder (SECONDS=60 TARGETS="receive …")'

demo:
	@scripts/setup build
	@scripts/field-app build
	@cargo run --locked --release -p sokiem-tests --bin demo -- $(ARGS)

test:
	@scripts/setup test
	@$(MAKE) --no-print-directory fmt lint app core-tests unit docs deny wasm

fmt:
	@echo '== formatting'
	@cargo fmt --all --check

# The core's tests for browsers are no tests elsewhere: `make wasm` lints them.
lint:
	@echo '== lints'
	@cargo clippy --locked --quiet --workspace --exclude sokiem-core-tests --all-targets --all-features -- -D warnings

app:
	@echo "== the officer's app"
	@scripts/field-app build

core-tests:
	@echo "== the core's tests for browsers"
	@scripts/field-app tests

unit:
	@echo '== tests'
	@cargo test --locked --quiet --doc --workspace --all-features
	@cargo nextest run --locked --workspace --all-features

docs:
	@echo '== docs'
	@scripts/dependencies-documented
	@RUSTDOCFLAGS='-D warnings' cargo doc --locked --quiet --no-deps --workspace --all-features

deny:
	@echo '== licences and sources'
	@cargo deny --locked --log-level error check licenses bans sources

wasm:
	@echo '== what runs in browsers'
	@scripts/wasm cargo clippy --quiet -p sokiem-client-core -p sokiem-web -p sokiem-web-files -p sokiem-web-messages -p sokiem-field-app -p sokiem-core-tests -- -D warnings

fuzz:
	@scripts/fuzz $(or $(SECONDS),60) $(TARGETS)

soak:
	@scripts/setup build
	@cargo run --locked --quiet --release -p sokiem-tests --bin soak -- --edits $(or $(EDITS),10000) $(ARGS)

bench:
	@scripts/setup build
	@scripts/setup bench
	@cargo build --locked --quiet --release -p sokiem-tests --bin bench --bin server-under-test --bin device-under-test
	@target/release/bench $(ARGS)

DEVICES ?= 1000
storm:
	@scripts/setup build
	@cargo build --locked --quiet --release -p sokiem-tests --bin storm --bin server-under-test
	@target/release/storm --devices $(DEVICES) $(ARGS)

SIZES ?= 1000,10000,100000
growth:
	@scripts/setup build
	@cargo build --locked --quiet --release -p sokiem-tests --bin growth --bin server-under-test
	@target/release/growth --sizes $(SIZES) $(ARGS)

bench-core:
	@scripts/setup build
	@cargo bench --locked -p sokiem-client-core -p sokiem-tests

desk-pictures:
	@scripts/setup test
	@scripts/field-app build
	@SOKIEM_DESK_PICTURES=docs/desk cargo nextest run --locked --workspace --all-features -E 'test(/browser::walk/)'

ROUNDS ?= 200
kill:
	@scripts/setup build
	@cargo build --locked --release -p sokiem-tests --bins
	@cargo run --locked --release -p sokiem-tests --bin kill -- --rounds $(ROUNDS)
