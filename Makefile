# Orchestera Access: what a newcomer needs. `make help` lists it, and says where the rest is.
#
# local/machine.sh looks for everything that must be installed on the machine, and lists what is missing. `make setup`
# installs it. The rules below install everything else, inside this folder.

.DEFAULT_GOAL := help
NEEDS_setup := nothing
NEEDS_clean := nothing
NEEDS_tools := python
NEEDS_down := python
NEEDS_publish := python
NEEDS_link := python
NEEDS_test := build test
# Each of these calls another makefile, which looks for what it needs.
NEEDS_bench := nothing
NEEDS_bench-fleet := nothing
NEEDS_cost := nothing
NEEDS_prove-role := nothing
NEEDS_prove-aws := nothing
NEEDS_test-browser := nothing
# `sam build` gets a function for the architecture of its template, whatever else ARCH says.
ifneq ($(filter build-%,$(MAKECMDGOALS)),)
override ARCH := x86_64
endif
include common.mk

# A dry run that was meant must not become a real one.
ifeq ($(origin DRY_RUN) $(filter publish,$(MAKECMDGOALS)),environment publish)
$(error DRY_RUN has no effect as an environment variable. Give it as an argument: make publish DRY_RUN=1)
endif

# Arguments of make, blank unless they are given. Environment variables of these names have no effect.
BUCKET_PREFIX :=
SIGNING_KEY :=
DRY_RUN :=
PARAMETERS :=
TEMPLATE :=
STACK_NAME :=
REGION :=
PROFILE :=
ORCHESTERA :=
PLATFORM_PROFILE :=
unexport BUCKET_PREFIX SIGNING_KEY DRY_RUN PARAMETERS TEMPLATE STACK_NAME REGION PROFILE ORCHESTERA PLATFORM_PROFILE

define MORE_HELP
printf '%s\n' 'For more commands: make -C release help, and the same with tests, bench and fuzz. CONTRIBUTING.md lists them.'
endef

.PHONY: setup
setup: ## install what this project needs on the machine: Rust, Python, a C compiler, the tools of the tests
	@sh local/machine.sh setup build test

.PHONY: tools
tools: .venv/installed ## install the tools from PyPI: cargo-lambda, SAM, and an emulated AWS
	@:

.venv/installed: requirements.txt
	"$$(sh local/machine.sh python)" -m venv --clear .venv
	# Complete as it is (uv resolved it, extras included), so pip has nothing to resolve: --no-deps.
	.venv/bin/pip install --quiet --no-deps --require-hashes --requirement requirements.txt
	.venv/bin/pip check --quiet
	# The packages of this repository, from their folders.
	printf '%s\n' $(addprefix $(ROOT)/,local release site bench) \
	  > "$$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/orchestera.pth"
	touch $@

.PHONY: build
build: tools ## build both functions for provided.al2023: target/lambda/orchestera-access/bootstrap, and orchestera-organization
	# By one call, which compiles their common crates once and links both at a time. release/features.txt has what the
	# crates are built with then.
	$(CARGO_LAMBDA) build --release --locked $(FUNCTIONS:%=--package %) --target $(TARGET) \
	  --lambda-dir "$(TARGET_DIR)/$(NEW)"
	@$(call put_in_place,$(FUNCTIONS),$(TARGET_DIR))
	@ls -l $(FUNCTIONS:%="$(TARGET_DIR)/lambda/%/bootstrap")
	@$(if $(filter 0,$(MAKELEVEL)),$(if $(filter build,$(MAKECMDGOALS)),$(LEFT_OUT) build))

.PHONY: cli
cli: tools ## build the command line orchestera, a static file: target/<target>/cli/orchestera. ARCH=arm64
	$(call build_cli,$(TARGET),cli)
	@ls -l "$(CLI)"

# For `make dist`, which needs both.
.PHONY: cli-arm64
cli-arm64: tools
	@LIBC='$(LIBC)' ARCH=arm64 sh local/machine.sh check build > /dev/null
	$(call build_cli,aarch64-unknown-linux-$(LIBC),cli)

# For `sam build`, which names the folder. The functions of template.yaml and organization.yaml.
build-AccessFunction: SAM_FUNCTION := orchestera-access
build-OrganizationFunction: SAM_FUNCTION := orchestera-organization
.PHONY: build-AccessFunction build-OrganizationFunction
build-AccessFunction build-OrganizationFunction: build
	@[ -d '$(ARTIFACTS_DIR)' ] || { echo 'This rule is for `sam build`. To build the functions: make build' >&2; exit 2; }
	install "$(TARGET_DIR)/lambda/$(SAM_FUNCTION)/bootstrap" "$(ARTIFACTS_DIR)/bootstrap"

.PHONY: run
run: build ## deploy, check, update and delete the stack on an AWS on loopback
	@$(PYTHON) -m orchestera_local.run
	@$(LEFT_OUT) build

.PHONY: run-organization
run-organization: build ## run the whole guide on an AWS on loopback, in two minutes: an organization, accounts, sign-in, contacts
	@$(PYTHON) -m orchestera_local.run_organization
	@$(LEFT_OUT) build

.PHONY: up
up: build ## start an AWS on loopback with the stack, and keep it running for your own calls
	@$(PYTHON) -m orchestera_local.serve up
	@$(LEFT_OUT) build

.PHONY: up-organization
up-organization: build ## the same for docs/organization.md: an account in no organization, and an IAM user
	@$(PYTHON) -m orchestera_local.serve up-organization
	@$(LEFT_OUT) build

.PHONY: enable-identity-center
enable-identity-center: tools ## on the AWS of `make up-organization`: enable Identity Center, and create a user carol
	@$(PYTHON) -m orchestera_local.serve enable-identity-center

.PHONY: down
down: tools ## stop the AWS of `make up` or `make up-organization`
	@$(PYTHON) -m orchestera_local.serve down

.PHONY: test
test: build cli $(ROOT)/.tools/awscli/installed $(ROOT)/.tools/awscli-v2/installed ## run every test: of the functions, in Rust, and of the stacks, on the AWS on loopback
	ORCHESTERA_BOOTSTRAP="$(BOOTSTRAP)" cargo test --locked --workspace
	$(COST)
	$(NAMES)
	$(DIST_FOR_TESTS)
	$(DIST_UNDER_TEST) ORCHESTERA_CLI="$(CLI)" $(PYTHON) -m pytest --numprocesses 8
	@$(LEFT_OUT) build test

.PHONY: check
check: tools $(CARGO_DENY) .tools/checkov/installed ## check format, lints, documents, dependency rules and templates
	cargo fmt --all --check
	cargo fmt --check --manifest-path fuzz/Cargo.toml
	cargo fmt --all --check --manifest-path bench/Cargo.toml
	cargo clippy --locked --workspace --all-targets -- --deny warnings
	RUSTDOCFLAGS='--deny warnings' cargo doc --locked --workspace --no-deps --document-private-items
	@# No file imports a file that imports it.
	$(TEST) --test imports --quiet
	$(DENY_FUNCTIONS) check --hide-inclusion-graph bans licenses sources
	$(DENY_CLI) check --hide-inclusion-graph bans licenses sources
	$(PYTHON) -m orchestera_release.yanked
	$(PYTHON) -m orchestera_release.features
	.venv/bin/ruff check
	.venv/bin/ruff format --check --quiet || { echo 'To format: .venv/bin/ruff format' >&2; exit 1; }
	$(PYTHON) -m orchestera_release.templates target/templates
	$(PYTHON) -m orchestera_site.command_lint target/templates
	$(PYTHON) -m orchestera_site.plain_words
	$(PYTHON) -m orchestera_site.facts
	.venv/bin/cfn-lint --non-zero-exit-code informational template.yaml organization.yaml target/templates/*.yaml
	@# Its exceptions are in the templates, each with its reason.
	LOG_LEVEL=ERROR .tools/checkov/bin/checkov --framework cloudformation --compact --quiet --skip-download \
	  $(foreach template,template.yaml organization.yaml $(addprefix \
	  target/templates/orchestera-,access.yaml access-native.yaml access-stack-set.yaml organization.yaml),--file $(template))
	SAM_CLI_TELEMETRY=0 .venv/bin/sam validate --lint
	SAM_CLI_TELEMETRY=0 .venv/bin/sam validate --lint --template organization.yaml

.tools/checkov/installed: release/checkov.txt
	$(VENV)

.PHONY: dist
dist: only-x86_64 build cli cli-arm64 ## build the files to publish: dist/<version>/. BUCKET_PREFIX=orchestera-access, SIGNING_KEY=key.pem
	@$(PYTHON) -m orchestera_release.dist --target $(TARGET)$(call option,--bucket-prefix,BUCKET_PREFIX)$(call \
	  option,--signing-key,SIGNING_KEY)
	@$(LEFT_OUT) build

.PHONY: only-x86_64
only-x86_64:
	@[ '$(ARCH)' = x86_64 ] || { echo "A release is for x86_64, as the templates say; ARCH is '$(ARCH)'" >&2; exit 2; }

.PHONY: publish
publish: tools ## upload dist/<version>/ to the bucket of each region. BUCKET_PREFIX=orchestera-access, DRY_RUN=1 only shows the uploads
	@$(PYTHON) -m orchestera_release.publish$(call option,--bucket-prefix,BUCKET_PREFIX)$(if $(filter-out 0,$(DRY_RUN)), --dry-run)

.PHONY: link
link: tools ## print the link that opens CloudFormation's console. PARAMETERS='PolicyEdition=2026-02-06', TEMPLATE=flat or organization, STACK_NAME=orchestera-access
	@$(PYTHON) -m orchestera_release.link$(call option,--template,TEMPLATE)$(call option,--region,REGION)$(call \
	  option,--stack-name,STACK_NAME)$(call option,--parameters,PARAMETERS)$(call option,--bucket-prefix,BUCKET_PREFIX)

# In makefiles beside their code. These names are in many documents.
.PHONY: bench bench-fleet cost prove-role prove-aws test-browser
bench: ## compare cold starts of this function and of other ways to write it. ROUNDS=11, CONTENDERS="product floor"
	@ORCHESTERA_CHECKED= $(MAKE) --no-print-directory -C bench bench

bench-fleet: ## compare orchestera status with boto3 and a shell loop, for 10 to 10,000 accounts. SIZES="10 100"
	@ORCHESTERA_CHECKED= $(MAKE) --no-print-directory -C bench fleet

cost:
	@ORCHESTERA_CHECKED= $(MAKE) --no-print-directory -C tests cost

prove-role: ## check the roles of both functions: every action is necessary, and nothing else is allowed
	@ORCHESTERA_CHECKED= $(MAKE) --no-print-directory -C tests function-role organization-role

prove-aws: ## create, check and delete dist/<version>/ in your AWS account, with a report. PROFILE=my-account
	@ORCHESTERA_CHECKED= $(MAKE) --no-print-directory -C release prove-aws

test-browser: ## the launch page in Chromium. It needs Node 20
	@ORCHESTERA_CHECKED= $(MAKE) --no-print-directory -C tests browser

.PHONY: clean
clean: ## delete what was built; the tools stay
	cargo clean
	cargo clean --manifest-path fuzz/Cargo.toml
