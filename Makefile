# Two commands for everybody: `make run` and `make test`. The others are for those who change Hythe.

# What `make run` passes to the program.
ARGS ?= up $(HOME)/Hythe
# How long `make fuzz` feeds each target.
SECONDS_EACH ?= 60

# How many runs `make simulate` makes.
RUNS ?= 20000

# From how many states `make power-cuts` starts a device again.
STATES ?= 5000

.PHONY: run test check bench fuzz simulate power-cuts generate

run:  ## build and start: a server on this machine and a folder that syncs with it
	@scripts/need build web
	@scripts/build-web
	@cargo build --release --package hythe-cli
	@exec target/release/hythe $(ARGS)

test:  ## install what the tests need, and run them all
	@scripts/need build web test
	@scripts/build-web
	@scripts/run-tests

check:  ## all lints: format, clippy, rules of form, generated files, licences, the web app's
	@scripts/need build web
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo xtask tidy
	cargo xtask generate --check
	@scripts/check-dependencies
	@scripts/build-web
	cd web && npm run --silent check

bench:  ## measure beside rsync, Syncthing and Unison; writes docs/benchmarks.md and its plot
	@scripts/need build bench
	@cargo build --release --package hythe-cli --package xtask
	@target/release/xtask bench --page docs/benchmarks.md $(BENCH_ARGS)

fuzz:  ## feed every decoder with bad input, SECONDS_EACH seconds each
	@scripts/need build fuzz
	@scripts/run-fuzz $(SECONDS_EACH)

simulate:  ## devices, users, faults and crashes against a server, RUNS times from a random seed
	@scripts/need build test
	@HYTHE_SIM_RUNS=$(RUNS) cargo test --locked --package hythe-client --lib -- simulation::s1 --nocapture

power-cuts:  ## a device starts again on STATES states that a power cut may leave of its disks
	@scripts/need build test
	@HYTHE_CUT_STATES=$(STATES) cargo test --locked --package hythe-client --lib -- power_cut::sc084_s10 --nocapture

generate:  ## write docs/cli.md, man pages and completions
	cargo xtask generate
