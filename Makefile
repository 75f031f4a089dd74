# Orchestera Access. `make help` lists the commands.
#
# Needs Rust (rust-version in Cargo.toml), Python 3.11 or newer with venv, a C compiler, make, and the package registries.
# Everything else is installed by the rules below, inside this folder.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# x86_64 or arm64: the function's architecture.
ARCH ?= x86_64
TARGET := $(if $(filter arm64,$(ARCH)),aarch64,$(ARCH))-unknown-linux-gnu
BOOTSTRAP := $(abspath $(or $(CARGO_TARGET_DIR),target)/lambda/orchestera-access/bootstrap)
CARGO_DENY := .tools/cargo-deny-0.20.2/bin/cargo-deny

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'

.PHONY: tools
tools: .venv/installed ## what comes from PyPI: cargo-lambda, and an emulated IAM for the tests

.venv/installed: requirements.txt
	python3 -m venv --clear .venv
	# Complete as it is (uv resolved it, extras included), so pip has nothing to resolve: --no-deps.
	.venv/bin/pip install --quiet --no-deps --require-hashes --requirement requirements.txt
	.venv/bin/pip check --quiet
	touch $@

.PHONY: build
build: tools ## the function, for provided.al2023: target/lambda/orchestera-access/bootstrap (ARCH=x86_64 or arm64)
	@[ '$(ARCH)' = x86_64 ] || [ '$(ARCH)' = arm64 ] || { echo "ARCH is '$(ARCH)'; it must be x86_64 or arm64" >&2; exit 2; }
	@[ -d "$$(rustc --print target-libdir --target $(TARGET))" ] || { \
	  echo "Rust's standard library for $(TARGET) is not installed. Install it with: rustup target add $(TARGET)" >&2; exit 2; }
	PATH="$$PWD/.venv/bin:$$PATH" cargo-lambda lambda build --release --locked $(if $(filter arm64,$(ARCH)),--arm64,--x86-64)
	@ls -l $(BOOTSTRAP)

.PHONY: test
test: build ## every test; the process tests spawn what `make build` made
	ORCHESTERA_BOOTSTRAP="$(BOOTSTRAP)" cargo test --locked --lib --test '*'

.PHONY: check
check: $(CARGO_DENY) ## format, lints, documentation, dependency rules
	cargo fmt --check
	cargo clippy --locked --all-targets -- --deny warnings
	RUSTDOCFLAGS='--deny warnings' cargo doc --locked --no-deps --document-private-items
	$(CARGO_DENY) --log-level warn check --hide-inclusion-graph bans licenses sources

.PHONY: audit
audit: $(CARGO_DENY) ## known vulnerabilities; needs the RustSec database, which is fetched from GitHub
	@$(CARGO_DENY) check advisories || { echo 'NOT AUDITED, or not clean: see above. The RustSec database is fetched from GitHub.' >&2; exit 1; }

$(CARGO_DENY):
	cargo install --quiet --locked --no-default-features --root $(dir $(@D)) cargo-deny@0.20.2

.PHONY: mutants
mutants: ## break the core on purpose and see whether a test notices (about 40 minutes)
	cargo install --quiet --locked --root .tools/cargo-mutants cargo-mutants@27.1.0
	.tools/cargo-mutants/bin/cargo-mutants mutants --jobs 2 --minimum-test-timeout 20 -f 'src/reconcile*' -f 'src/reconcile/*' \
	  $(foreach file,physical_id properties response ownership trust policy budget request,-f src/$(file).rs) \
	  -- --lib --test lifecycle

.PHONY: requirements
requirements: ## writes requirements.txt from requirements.in, every file pinned by its hash
	python3 -m venv .tools/uv && .tools/uv/bin/pip install --quiet uv
	.tools/uv/bin/uv pip compile --quiet --universal --no-strip-extras --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --custom-compile-command 'make requirements' requirements.in --output-file requirements.txt

.PHONY: clean
clean: ## what was built; the tools stay
	cargo clean
