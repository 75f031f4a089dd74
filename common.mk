# What the makefiles share: where things are, how the function is built, and what the environment says.
#
# From the environment count ARCH, LIBC, CARGO_TARGET_DIR, and what cargo itself reads, such as CARGO_HOME. Everything
# else is an argument of make, as in `make link STACK_NAME=mine`: a variable of that name, such as REGION, may be set
# for other reasons.

ifneq ($(word 2,$(CURDIR)),)
$(error The path of this folder contains a space, which make cannot handle. Move the clone: $(CURDIR))
endif
ifneq (4.2,$(firstword $(sort 4.2 $(MAKE_VERSION))))
$(error This needs GNU make 4.2 or newer; this is $(MAKE_VERSION))
endif

ROOT := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))

# x86_64 or arm64: the function's architecture.
ARCH := $(or $(ARCH),x86_64)
# Relative to where make was called. Everything that is called from here has it as an absolute path.
ifneq ($(CARGO_TARGET_DIR),)
override CARGO_TARGET_DIR := $(abspath $(CARGO_TARGET_DIR))
export CARGO_TARGET_DIR
endif

# What has to come from outside this folder is looked for once, before anything else, and so is LIBC decided. A makefile
# that calls another has done it. NEEDS_<goal> is what a goal needs; where nothing is said, to build the function.
ifndef ORCHESTERA_CHECKED
NEEDS_help := nothing
KINDS := $(sort $(foreach goal,$(or $(MAKECMDGOALS),$(.DEFAULT_GOAL)),$(or $(NEEDS_$(goal)),build)))
# musl: the C library is linked into the function, which then loads nothing of the system; docs/performance.md has the
# figures. gnu: for a machine that cannot get Rust's standard library for musl. A release refuses it.
CHOSEN := $(shell ARCH='$(ARCH)' LIBC='$(LIBC)' sh '$(ROOT)/local/machine.sh' check $(KINDS))
ifneq ($(.SHELLSTATUS),0)
$(error What is needed is not here, see above)
endif
# Blank where nothing is built. What the environment says stays then, for the makefile that this one calls.
ifneq ($(CHOSEN),)
override LIBC := $(CHOSEN)
export LIBC
endif
# Where rustup installs comes first, as in local/machine.sh.
ifneq ($(wildcard $(or $(CARGO_HOME),$(HOME)/.cargo)/bin/rustc),)
export PATH := $(or $(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)
endif
export ORCHESTERA_CHECKED := 1
endif

SHELL := bash
.SHELLFLAGS := -euo pipefail -c

TARGET := $(if $(filter arm64,$(ARCH)),aarch64,$(ARCH))-unknown-linux-$(LIBC)
TARGET_DIR := $(abspath $(or $(CARGO_TARGET_DIR),$(ROOT)/target))
# The functions that are built, each a package of the workspace: the access function, and the organization function for
# the management account.
FUNCTIONS := orchestera-access orchestera-organization
BOOTSTRAP := $(TARGET_DIR)/lambda/orchestera-access/bootstrap
# The command line, where cargo leaves it, and the one for arm64 that the tests run.
CLI := $(TARGET_DIR)/$(TARGET)/cli/orchestera
ARM64_UNDER_TEST := $(if $(filter x86_64-musl,$(ARCH)-$(LIBC)),$(TARGET_DIR)/aarch64-unknown-linux-musl/debug/orchestera)
# Where cargo keeps the sources of the crates would stand in the function otherwise (panic messages), and its hash would
# differ from home to home. `make -C release reproduce` shows that nothing else differs.
CRATES := $(abspath $(or $(CARGO_HOME),$(HOME)/.cargo)/registry/src)
# That the file may be loaded anywhere: for musl rustc asks for it by an option that zig, the linker, does not know.
BUILD_RUSTFLAGS := --remap-path-prefix=$(CRATES)=/crates$(if $(filter musl,$(LIBC)), -C link-arg=-pie)
# cargo-lambda from .venv, with its linker; $(1) are more flags.
cargo_lambda = PATH="$(ROOT)/.venv/bin:$$PATH" RUSTFLAGS='$(BUILD_RUSTFLAGS)$(1)' cargo-lambda lambda
CARGO_LAMBDA = $(call cargo_lambda,)
# A folder of this make alone, and the way of functions from there to their places. cargo-lambda would write into the
# file that is in its place, which may be running, and Linux refuses that ("Text file busy"). A file that replaces another
# by its name does not disturb a process. $(1) are the functions, $(2) is cargo's target folder.
NEW = lambda.new-$$PPID
put_in_place = $(foreach function,$(1),mkdir -p "$(2)/lambda/$(function)" && \
  mv "$(2)/$(NEW)/$(function)/bootstrap" "$(2)/lambda/$(function)/" && )rm -r "$(2)/$(NEW)"
# Builds the command line for the target $(1) by the profile $(2), with more flags $(3). cargo-lambda moves every program to
# a folder for Lambda. This moves it back to where cargo left it.
build_cli = $(call cargo_lambda,$(3)) build --profile $(2) --locked --package orchestera-cli --target $(1) \
  --lambda-dir "$(TARGET_DIR)/$(NEW)" && \
  mv "$(TARGET_DIR)/$(NEW)/orchestera/bootstrap" "$(TARGET_DIR)/$(1)/$(2:dev=debug)/orchestera" && rm -r "$(TARGET_DIR)/$(NEW)"
# With what requirements.txt lists, and with the packages of this repository: orchestera_local and its like.
PYTHON := $(ROOT)/.venv/bin/python
# Says at the end what is another than in a release, and what was not measured.
LEFT_OUT = ARCH='$(ARCH)' sh '$(ROOT)/local/machine.sh' left-out
# What tests make is kept apart from what somebody may have signed in dist/.
DIST_UNDER_TEST := ORCHESTERA_DIST="$(TARGET_DIR)/dist"$(if $(ARM64_UNDER_TEST), \
  ORCHESTERA_CLI_AARCH64="$(ARM64_UNDER_TEST)")
SITE_UNDER_TEST := ORCHESTERA_SITE="$(TARGET_DIR)/site"
CARGO_DENY := $(ROOT)/.tools/cargo-deny-0.20.2/bin/cargo-deny
# The rules of the functions are stricter than those of the command line, so each is looked at without the other.
DENY_FUNCTIONS := $(CARGO_DENY) --log-level warn --workspace --exclude orchestera-cli
DENY_CLI := $(CARGO_DENY) --log-level warn --manifest-path '$(ROOT)/crates/cli/Cargo.toml' --config '$(ROOT)/crates/cli/deny.toml'

# A text as one word of a shell. An option of a command, if an argument of make has a value: the option, the argument.
quote = '$(subst ','\'',$(1))'
option = $(if $($(2)), $(1)=$(call quote,$($(2))))

# One target of the tests. Beside it the libraries of all packages, which are compiled in any case: for the one package
# alone cargo would choose fewer features, and compile the AWS SDK once more for it.
TEST := cargo test --locked --workspace --lib

# What the function weighs and computes, against limits that are written down. valgrind counts; where CI is set, the
# check at the beginning has required it.
define COST
@if command -v valgrind > /dev/null; then set -x; \
  cd '$(ROOT)'; ORCHESTERA_BOOTSTRAP="$(BOOTSTRAP)" \
  $(TEST) --test cost -- --ignored --nocapture; fi
$(PYTHON) '$(ROOT)/tests/size.py' --target $(TARGET)
endef

# The function with DNS answers that are not as they should be, in a network of its own, where the machine allows one;
# where CI is set, the check at the beginning has required it.
define NAMES
@if sh '$(ROOT)/tests/own_network.sh' true > /dev/null 2>&1; then set -x; \
  cd '$(ROOT)'; ORCHESTERA_BOOTSTRAP="$(BOOTSTRAP)" sh tests/own_network.sh \
  $(TEST) --offline --test names -- --ignored; fi
endef

# The artefacts that the tests look at. The command line for arm64 is in them where it can be run. It is not optimised then,
# because that would take minutes in every run; `make dist` builds the one that is published.
define DIST_FOR_TESTS
$(if $(ARM64_UNDER_TEST),@if LIBC='$(LIBC)' ARCH='$(ARCH)' sh '$(ROOT)/local/machine.sh' arm64; then set -x; cd '$(ROOT)'; \
  $(call build_cli,aarch64-unknown-linux-musl,dev, -C debuginfo=0 -C strip=symbols); fi)
$(DIST_UNDER_TEST) $(PYTHON) -m orchestera_release.dist --for-tests --target $(TARGET)
endef

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) $(filter %common.mk,$(MAKEFILE_LIST)) | \
	  awk -F ':.*## ' '{ printf "  make$(if $(filter-out $(ROOT),$(CURDIR)), -C $(notdir $(CURDIR))) %-12s %s\n", $$1, $$2 }'
	@$(MORE_HELP)

# In a folder below, these are the ones of the root.
ifneq ($(CURDIR),$(ROOT))
.PHONY: build cli tools dist
build cli tools dist:
	@$(MAKE) --no-print-directory -C '$(ROOT)' $@
endif

# An environment of Python of its own, for what wants other versions than .venv has. The first prerequisite lists them.
define VENV
"$$(sh '$(ROOT)/local/machine.sh' python)" -m venv --clear $(@D)
$(@D)/bin/pip install --quiet --no-deps --require-hashes --requirement $<
touch $@
endef

$(ROOT)/.tools/awscli/installed: $(ROOT)/tests/release/awscli.txt
	$(VENV)

$(ROOT)/.tools/awscli-v2/package/installed: $(ROOT)/tests/release/awscli-v2.txt
	$(VENV)

# The CLI is in a layer for Lambda, which is a zip, in a package for npm, in one for Python.
$(ROOT)/.tools/awscli-v2/installed: $(ROOT)/.tools/awscli-v2/package/installed
	cd $(@D) && rm -rf awscli && tar -xzf package/lib/python3*/site-packages/aws_cdk/asset_awscli_v2/_jsii/*.tgz \
	  --strip-components=2 package/lib/layer.zip
	cd $(@D) && package/bin/python -m zipfile -e layer.zip . && rm layer.zip && chmod +x awscli/v2/2.*/dist/aws
	touch $@

$(CARGO_DENY):
	# Not optimised: that would take minutes, and the checks take seconds in any case.
	cargo install --quiet --locked --debug --no-default-features --root $(dir $(@D)) cargo-deny@0.20.2
