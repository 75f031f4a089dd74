# Orchestera Access. `make help` lists the commands.
#
# Needs Rust (rust-version in Cargo.toml), Python 3.11 or newer with venv, a C compiler, make, valgrind for the tests, and
# the package registries. The tests of the commands that readers copy need zsh, and are skipped without it.
# Everything else is installed by the rules below, inside this folder. Only test-browser also needs Node 20 with npm, and
# Chromium, which it installs outside if it may.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# x86_64 or arm64: the function's architecture.
ARCH ?= x86_64
# musl: the C library is linked into the function, which then loads nothing of the system; docs/performance.md has the figures.
# gnu: for a machine that cannot get Rust's standard library for musl. A release refuses it.
LIBC ?= musl
export LIBC
TARGET := $(if $(filter arm64,$(ARCH)),aarch64,$(ARCH))-unknown-linux-$(LIBC)
BOOTSTRAP := $(abspath $(or $(CARGO_TARGET_DIR),target)/lambda/orchestera-access/bootstrap)
# Where cargo keeps the sources of the crates would stand in the function otherwise (panic messages), and its hash would
# differ from home to home. `make reproduce` shows that nothing else differs.
CRATES := $(abspath $(or $(CARGO_HOME),$(HOME)/.cargo)/registry/src)
# That the file may be loaded anywhere: for musl rustc asks for it by an option that zig, the linker, does not know.
BUILD_RUSTFLAGS := --remap-path-prefix=$(CRATES)=/crates$(if $(filter musl,$(LIBC)), -C link-arg=-pie)
# Of the stack's tests and of local/. What is built where, the two learn from here.
PYTHON := PYTHONPATH=local:release ORCHESTERA_BOOTSTRAP="$(BOOTSTRAP)" ORCHESTERA_TARGET=$(TARGET) .venv/bin/python
DIST_UNDER_TEST := ORCHESTERA_DIST="$(abspath $(or $(CARGO_TARGET_DIR),target)/dist)"
SITE_UNDER_TEST := ORCHESTERA_SITE="$(abspath $(or $(CARGO_TARGET_DIR),target)/site)"
CHROMIUM ?= /usr/bin/chromium
CARGO_DENY := .tools/cargo-deny-0.20.2/bin/cargo-deny
CARGO_FUZZ := .tools/cargo-fuzz-0.13.2/bin/cargo-fuzz
# What dist, version, publish and link are given on the command line.
export BUCKET_PREFIX SIGNING_KEY DRY_RUN PARAMETERS TEMPLATE STACK_NAME REGION VERSION
# Where the benchmark's contenders are built, and who takes part.
BENCH := $(abspath $(or $(CARGO_TARGET_DIR),target)/bench)
BENCH_PYTHON := ORCHESTERA_BENCH="$(BENCH)" ORCHESTERA_BOOTSTRAP="$(BOOTSTRAP)" ORCHESTERA_TARGET=$(TARGET) .tools/bench/venv/bin/python
CONTENDERS ?= product python-crhelper python-boto3 node-sdk-v3 rust-defaults floor
BUILDS := glibc opt-level-s opt-level-3 floor-glibc
ROUNDS ?= 11
# How long `make fuzz` looks.
FUZZ_SECONDS ?= 60

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-18s %s\n", $$1, $$2 }'

# cargo-lambda from .venv, with its linker.
CARGO_LAMBDA = PATH="$$PWD/.venv/bin:$$PATH" RUSTFLAGS='$(BUILD_RUSTFLAGS)' cargo-lambda lambda

.PHONY: tools
tools: .venv/installed ## what comes from PyPI: cargo-lambda, SAM, and an AWS to test on

.venv/installed: requirements.txt
	python3 -m venv --clear .venv
	# Complete as it is (uv resolved it, extras included), so pip has nothing to resolve: --no-deps.
	.venv/bin/pip install --quiet --no-deps --require-hashes --requirement requirements.txt
	.venv/bin/pip check --quiet
	touch $@

.PHONY: build
build: tools ## the function, for provided.al2023: target/lambda/orchestera-access/bootstrap (ARCH=x86_64 or arm64)
	@[ '$(ARCH)' = x86_64 ] || [ '$(ARCH)' = arm64 ] || { echo "ARCH is '$(ARCH)'; it must be x86_64 or arm64" >&2; exit 2; }
	@[ '$(LIBC)' = musl ] || [ '$(LIBC)' = gnu ] || { echo "LIBC is '$(LIBC)'; it must be musl or gnu" >&2; exit 2; }
	@[ -d "$$(rustc --print target-libdir --target $(TARGET))" ] || rustup target add $(TARGET) || { \
	  echo "Rust's standard library for $(TARGET) is not installed, and rustup could not install it. Where there is no way to" \
	    "get it, build for glibc, to try the function here: LIBC=gnu before what you run." >&2; exit 2; }
	$(CARGO_LAMBDA) build --release --locked --target $(TARGET)
	@ls -l "$(BOOTSTRAP)"

# For `sam build`, which names the folder. For the architecture of template.yaml, whatever else ARCH says.
.PHONY: build-AccessFunction
build-AccessFunction:
	@[ -d '$(ARTIFACTS_DIR)' ] || { echo 'This rule is for `sam build`. To build the function: make build' >&2; exit 2; }
	$(MAKE) --no-print-directory build ARCH=x86_64
	cp "$(BOOTSTRAP)" "$(ARTIFACTS_DIR)/bootstrap"

.PHONY: run
run: build ## the stack's life on an AWS on loopback: deployed, proved, updated, deleted
	@$(PYTHON) local/run.py

.PHONY: launch
launch: dist ## the launch link, played on an AWS on loopback: published, opened, the role proved, the stack deleted
	@$(PYTHON) local/launch.py

.PHONY: up
up: build ## an AWS on loopback that keeps running, with the stack in it, to look around in
	@$(PYTHON) local/serve.py up

.PHONY: down
down: tools ## ends what `make up` began
	@$(PYTHON) local/serve.py down

.PHONY: test
test: build .tools/awscli/installed ## every test: the function's, in Rust, and the stack's, on the AWS on loopback
	ORCHESTERA_BOOTSTRAP="$(BOOTSTRAP)" cargo test --locked --lib --test '*'
	$(MAKE) --no-print-directory cost
	@# As it would be published, but beside what somebody may have signed in dist/.
	$(DIST_UNDER_TEST) $(PYTHON) release/dist.py
	$(DIST_UNDER_TEST) $(PYTHON) -m pytest --numprocesses 8

.PHONY: dist
dist: only-x86_64 build ## what is published of this version: dist/<version>/. BUCKET_PREFIX=orchestera-access, SIGNING_KEY=key.pem
	@$(PYTHON) release/dist.py

.PHONY: only-x86_64
only-x86_64:
	@[ '$(ARCH)' = x86_64 ] || { echo "What is published is for x86_64, as the templates say; ARCH is '$(ARCH)'" >&2; exit 2; }

.PHONY: publish
publish: tools ## dist/<version>/ into the bucket of each region. BUCKET_PREFIX=orchestera-access, DRY_RUN=1 only says what would be done
	@.venv/bin/python release/publish.py

.PHONY: link
link: tools ## the link that opens CloudFormation's console. PARAMETERS='PolicyEdition=2026-02-06', TEMPLATE=flat, STACK_NAME=orchestera-access
	@.venv/bin/python release/link.py

.PHONY: site
site: tools ## the launch page of this version, from what `make dist` made: dist/site/index.html
	@PYTHONPATH=release:local .venv/bin/python site/build.py

.PHONY: version
version: tools ## prepares a release: VERSION=1.2.3 into every file that has it, and its template kept for upgrades
	@.venv/bin/python release/version.py

.PHONY: release-check
release-check: tools ## whether dist/<version>/ may be published: a clean tree, a new version, the release's own key
	@.venv/bin/python release/check.py

.PHONY: reproduce
reproduce: tools ## builds this commit in two clean clones, with two homes for cargo, and compares the checksums
	@$(PYTHON) release/reproduce.py

.PHONY: test-browser
test-browser: build tests/browser/node_modules/.package-lock.json .tools/awscli/installed $(CHROMIUM) ## the launch page in Chromium; screenshots in target/screenshots. Needs Node 20 with npm
	$(DIST_UNDER_TEST) $(PYTHON) release/dist.py
	$(DIST_UNDER_TEST) $(SITE_UNDER_TEST) PYTHONPATH=release:local .venv/bin/python site/build.py
	cd tests/browser && $(DIST_UNDER_TEST) $(SITE_UNDER_TEST) CHROMIUM='$(CHROMIUM)' node --test --test-concurrency=2

tests/browser/node_modules/.package-lock.json: tests/browser/package-lock.json tests/browser/package.json
	@command -v npm > /dev/null || { echo 'The launch page is tested with Node 20 or newer and npm. Install them; on Debian: apt-get install nodejs npm' >&2; exit 2; }
	cd tests/browser && npm ci --silent
	@touch $@

# Debian's own. Others install it by hand, or say where theirs is: make test-browser CHROMIUM=/usr/bin/google-chrome
/usr/bin/chromium:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium > /dev/null; fi
	@[ -x $@ ] || { echo 'The launch page is tested with Chromium. Install it, or say where it is: make test-browser CHROMIUM=/path/to/chrome' >&2; exit 2; }

# With an environment of its own, because it wants another botocore than ministack does.
.tools/awscli/installed: tests/release/awscli.txt
	python3 -m venv --clear $(@D)
	$(@D)/bin/pip install --quiet --no-deps --require-hashes --requirement $<
	touch $@

.PHONY: cost
cost: build ## what the function weighs and computes, against limits that are written down (in `make test` too); needs valgrind
	@command -v valgrind > /dev/null || { echo "valgrind is needed to count instructions. Install it: apt-get install valgrind" >&2; exit 2; }
	ORCHESTERA_BOOTSTRAP="$(BOOTSTRAP)" cargo test --locked --test cost -- --ignored --nocapture
	$(PYTHON) tests/size.py

.PHONY: test-deep
test-deep: build $(CARGO_FUZZ) ## more of what is generated: every state over HTTP, 50,000 steps of other walks, five minutes of fuzzing
	ORCHESTERA_BOOTSTRAP="$(BOOTSTRAP)" DEEP=1 WALK_STEPS=50000 WALK_SEED="$${WALK_SEED:-$$RANDOM}" \
	  cargo test --locked --test faults --test walks --test killed -- --nocapture
	$(MAKE) fuzz FUZZ_SECONDS=300

.PHONY: test-fleet
test-fleet: build ## a stack in each of 10, 100 and 300 accounts, while IAM refuses calls: time per account may not grow
	@$(PYTHON) local/fleet.py $(FLEETS)

FLOOR = $(CARGO_LAMBDA) build --quiet --profile floor --locked --manifest-path bench/Cargo.toml --package floor

.PHONY: bench
bench: $(addprefix bench-,$(CONTENDERS)) ## cold starts beside other ways to write this function (ROUNDS=11 CONTENDERS="product floor ...")
	@$(BENCH_PYTHON) bench/cold.py $(CONTENDERS) --rounds $(ROUNDS) --output $(BENCH)/cold.json $(BENCH_FLAGS)

.PHONY: bench-builds
bench-builds: bench-product bench-floor $(addprefix bench-build-,$(BUILDS)) ## this function as other flags build it, side by side
	@$(BENCH_PYTHON) bench/builds.py $(foreach build,$(BUILDS),$(build)="$$(echo $(BENCH)/builds/$(build)/lambda/*/bootstrap)") \
	  --rounds $(ROUNDS) --output $(BENCH)/builds.json $(BENCH_FLAGS)

.PHONY: $(addprefix bench-build-,$(BUILDS))
bench-build-glibc:
	$(MAKE) build CARGO_TARGET_DIR=$(BENCH)/builds/glibc LIBC=gnu

bench-build-opt-level-s bench-build-opt-level-3: bench-build-opt-level-%:
	CARGO_PROFILE_RELEASE_OPT_LEVEL=$* $(MAKE) build CARGO_TARGET_DIR=$(BENCH)/builds/opt-level-$*

bench-build-floor-glibc: build
	CARGO_TARGET_DIR=$(BENCH)/builds/floor-glibc $(FLOOR) --target $(TARGET:musl=gnu)

.PHONY: bench-scale
bench-scale: bench-product ## what an account costs when there are many: 1, 10, 100 (SIZES="1 10")
	@$(BENCH_PYTHON) bench/scale.py $(SIZES) --output $(BENCH)/scale.json $(BENCH_FLAGS)

.PHONY: bench-timeline
bench-timeline: bench-product ## what goes over the network in one cold start of the function, and when
	@$(BENCH_PYTHON) bench/timeline.py --output $(BENCH)/timeline.json $(BENCH_FLAGS)

.PHONY: bench-record
bench-record: .tools/bench/venv/installed ## the last results of `make bench`, `bench-builds` and `bench-scale` into bench/results/ and docs/
	@$(BENCH_PYTHON) bench/record.py

.PHONY: bench-product bench-python-crhelper bench-python-boto3 bench-node-sdk-v3 bench-rust-defaults bench-floor
bench-product: build .tools/bench/venv/installed

bench-python-crhelper bench-python-boto3: bench-%: .tools/bench/venv/installed
	@mkdir -p $(BENCH)/$*
	cp bench/$*/handler.py policies/2025-09-29.json $(BENCH)/$*/

bench-node-sdk-v3: .tools/bench/venv/installed .tools/bench/node/installed
	NODE_PATH="$$PWD/.tools/bench/node/node_modules" .tools/bench/node/node_modules/.bin/esbuild bench/node-sdk-v3/index.mjs \
	  --bundle --minify --platform=node --target=node20 --format=cjs --outfile=$(BENCH)/node-sdk-v3/index.cjs --log-level=warning

bench-rust-defaults: .tools/bench/venv/installed
	cargo build --quiet --release --locked --manifest-path bench/Cargo.toml --package rust-defaults --target-dir $(BENCH)

# As the function is built, or what the two differ by would not be what they do.
bench-floor: build .tools/bench/venv/installed
	CARGO_TARGET_DIR=$(BENCH) $(FLOOR) --target $(TARGET)

.tools/bench/venv/installed: bench/requirements.txt
	python3 -m venv --clear $(@D)
	$(@D)/bin/pip install --quiet --no-deps --require-hashes --requirement bench/requirements.txt
	$(@D)/bin/pip check --quiet
	touch $@

.tools/bench/node/installed: bench/node-sdk-v3/package.json bench/node-sdk-v3/package-lock.json
	@mkdir -p $(@D)
	cp $^ $(@D)/
	cd $(@D) && npm ci --silent --no-audit --no-fund --omit-lockfile-registry-resolved
	touch $@

.PHONY: prove-role
prove-role: build ## the function's role: without any one action something fails, and beside them nothing goes (in `make test` too)
	$(PYTHON) -m pytest --numprocesses 8 --verbose tests/stack/test_function_role.py

.PHONY: check
check: tools $(CARGO_DENY) .tools/checkov/installed ## format, lints, documentation, dependency rules, the template
	cargo fmt --check
	cargo fmt --check --manifest-path fuzz/Cargo.toml
	cargo fmt --all --check --manifest-path bench/Cargo.toml
	cargo clippy --locked --all-targets -- --deny warnings
	RUSTDOCFLAGS='--deny warnings' cargo doc --locked --no-deps --document-private-items
	@# No file imports a file that imports it.
	cargo test --locked --quiet --test imports
	$(CARGO_DENY) --log-level warn check --hide-inclusion-graph bans licenses sources
	@# Only while it packages does cargo say that a locked version was withdrawn.
	cargo package --locked --no-verify --allow-dirty 2> target/package.log || { cat target/package.log >&2; exit 1; }
	@! grep 'is yanked' target/package.log >&2
	.venv/bin/ruff check
	.venv/bin/ruff format --check --quiet || { echo 'To format: .venv/bin/ruff format' >&2; exit 1; }
	.venv/bin/python release/templates.py target/templates
	PYTHONPATH=release:local .venv/bin/python site/command_lint.py target/templates
	.venv/bin/cfn-lint --non-zero-exit-code informational template.yaml target/templates/*.yaml
	@# Its exceptions are in the templates, each with its reason.
	LOG_LEVEL=ERROR .tools/checkov/bin/checkov --framework cloudformation --compact --quiet --skip-download \
	  $(foreach template,template.yaml $(addprefix target/templates/orchestera-access,.yaml -native.yaml -stack-set.yaml),--file $(template))
	SAM_CLI_TELEMETRY=0 .venv/bin/sam validate --lint

.tools/checkov/installed: release/checkov.txt
	python3 -m venv --clear $(@D)
	$(@D)/bin/pip install --quiet --no-deps --require-hashes --requirement $<
	touch $@

.PHONY: audit
audit: $(CARGO_DENY) ## known vulnerabilities; needs the RustSec database, which is fetched from GitHub
	@$(CARGO_DENY) check advisories || { echo 'NOT AUDITED, or not clean: see above. The RustSec database is fetched from GitHub.' >&2; exit 1; }

$(CARGO_DENY):
	cargo install --quiet --locked --no-default-features --root $(dir $(@D)) cargo-deny@0.20.2

.PHONY: mutants
mutants: ## break the core on purpose and see whether a test notices (about 40 minutes)
	cargo install --quiet --locked --root .tools/cargo-mutants cargo-mutants@27.1.0
	.tools/cargo-mutants/bin/cargo-mutants mutants --jobs 2 --minimum-test-timeout 20 -f 'src/reconcile*' -f 'src/reconcile/*' \
	  $(foreach file,goal physical_id properties response ownership trust policy budget request,-f src/$(file).rs) \
	  -- --lib --test lifecycle

.PHONY: fuzz
fuzz: $(CARGO_FUZZ) ## any bytes as an event, for FUZZ_SECONDS=60; what breaks the promise is left in fuzz/artifacts/
	@mkdir -p fuzz/generated
	# No sanitizer: they look for what only unsafe code can do, of which the function has none, and need a nightly Rust.
	$(CARGO_FUZZ) run --sanitizer none event fuzz/generated fuzz/corpus/event events -- -max_total_time=$(FUZZ_SECONDS) \
	  -dict=fuzz/event.dict -max_len=16384 -timeout=10 -print_final_stats=1

$(CARGO_FUZZ):
	cargo install --quiet --locked --root $(dir $(@D)) cargo-fuzz@0.13.2

.PHONY: requirements
requirements: ## writes requirements.txt from requirements.in, every file pinned by its hash
	python3 -m venv .tools/uv && .tools/uv/bin/pip install --quiet uv
	.tools/uv/bin/uv pip compile --quiet --universal --no-strip-extras --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --custom-compile-command 'make requirements' requirements.in --output-file requirements.txt
	.tools/uv/bin/uv pip compile --quiet --universal --no-strip-extras --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --custom-compile-command 'make requirements' release/checkov.in --output-file release/checkov.txt

.PHONY: bench-requirements
bench-requirements: ## the same for the benchmark's contenders in Python
	python3 -m venv .tools/uv && .tools/uv/bin/pip install --quiet uv
	.tools/uv/bin/uv pip compile --quiet --universal --no-strip-extras --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --custom-compile-command 'make bench-requirements' bench/requirements.in \
	  --output-file bench/requirements.txt

.PHONY: clean
clean: ## what was built; the tools stay
	cargo clean
	cargo clean --manifest-path fuzz/Cargo.toml
