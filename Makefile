# make run     a complete pass in the foreground
# make test    everything that must hold
# make bench   what a request costs, and what redaction finds, beside their peers
# make bench-policy  what a policy decision, a load and a change of a row cost, beside the casbin crate, Cedar, Regorus
# make bench-crs  the Core Rule Set here beside libmodsecurity: agreement, differences, processor time
# make attack-tools  sqlmap, wapiti and ffuf against a weak site, without the gateway and through it
# make fuzz    makes up inputs for code that reads what strangers send: TARGET=policy_rules SECONDS=1200
# make nightly 5 million random requests, judged here and by the `casbin` crate
#
# `make test` is made of: format console-test lint docs deny unused rust-test. Each can be run alone.

SHELL := /bin/sh
.SHELLFLAGS := -euc
.DELETE_ON_ERROR:

target := $(or $(CARGO_TARGET_DIR),target)
# Tools that the tests build for themselves stay outside the checkout.
tools := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/hangu/tools
export PATH := $(PATH):$(tools)/bin:$(HOME)/.cargo/bin

console := situational/console
console_sources := $(shell find $(console)/src $(console)/public -type f) \
	$(addprefix $(console)/,index.html package.json package-lock.json tsconfig.json vite.config.ts)
chromium = $(or $(CHROMIUM),$(shell command -v chromium || command -v chromium-browser || command -v google-chrome))

.PHONY: run release test bench bench-policy bench-crs attack-tools fuzz nightly format lint console console-test look rust-test docs deny unused prepare again clean

run: release
	@BIN='$(target)/release' exec configs/run.sh

release: prepare console
	cargo build --release --locked --bin hangu --bin hangu-verify --bin hangu-portals

prepare:
	@configs/prepare.sh build

# ---- the console: built when its sources changed; its files are embedded in the binary -------------------------------

console: $(console)/node_modules/.built

$(console)/node_modules/.installed: $(console)/package-lock.json | prepare
	npm --prefix $(console) ci --no-progress
	touch $@

# The stamp is beside the build and not in it: what is in dist/ is embedded. Without its assets the stamp means nothing.
$(console)/node_modules/.built: $(console)/node_modules/.installed $(console_sources) \
		$(if $(wildcard $(console)/dist/assets/*),,again)
	npm --prefix $(console) run --silent build
	touch $@

again:

# ---- the tests -----------------------------------------------------------------------------------------------------

# The cheap ones first; the last lines are those that count the tests.
test: prepare console
	$(MAKE) --no-print-directory format
	$(MAKE) --no-print-directory console-test
	$(MAKE) --no-print-directory lint
	$(MAKE) --no-print-directory docs
	$(MAKE) --no-print-directory deny
	$(MAKE) --no-print-directory unused
	$(MAKE) --no-print-directory rust-test

format:
	cargo fmt --all --check

lint: console
	cargo clippy --workspace --all-targets --locked -- -D warnings

console-test: console
	npm --prefix $(console) run --silent check
	npm --prefix $(console) test --silent
	npm --prefix $(console) run --silent size
	-@configs/prepare.sh browser
	@if [ -n '$(chromium)' ]; then \
		CHROMIUM='$(chromium)' npm --prefix $(console) run --silent walk; \
	else \
		echo 'skipped: no Chromium, so the console was not looked at'; \
	fi

# Every page in both languages and themes under axe; minutes, so it is asked for by name.
look: console
	CHROMIUM='$(chromium)' npm --prefix $(console) run --silent look

# The scenarios drive the built binary and must not drive an old one: building the tests builds it.
rust-test: console
	cargo test --workspace --locked --no-run
	@log=$$(mktemp); failed=0; \
	CARGO_TARGET_DIR='$(target)' CHROMIUM='$(chromium)' tests/console/run.sh || failed=1; \
	{ HANGU_BIN="$$(realpath '$(target)/debug/hangu')" CHROMIUM='$(chromium)' \
		cargo test --workspace --locked --no-fail-fast 2>&1 || echo 'cargo test failed'; } | tee "$$log"; \
	if [ "$$(tail -n 1 "$$log")" = 'cargo test failed' ]; then failed=1; fi; \
	awk '/^test result:/ { p += $$4; f += $$6; i += $$8 } END { printf "%d passed, %d failed, %d ignored\n", p, f, i }' "$$log"; \
	rm -f "$$log"; exit "$$failed"

docs: console
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked --document-private-items

# Advisories come from a repository on the network; where that cannot be reached, the rest is checked all the same.
deny:
	-@$(call tool,cargo-deny)
	@if ! command -v cargo-deny >/dev/null; then echo 'skipped: no cargo-deny'; exit 0; fi; \
	cargo deny --locked check bans licenses sources; \
	if timeout 60 cargo deny fetch db >/dev/null 2>&1; then \
		cargo deny --locked check --disable-fetch advisories; \
	else \
		echo 'skipped: the advisories cannot be fetched'; \
	fi

unused:
	-@$(call tool,cargo-machete)
	@if ! command -v cargo-machete >/dev/null; then echo 'skipped: no cargo-machete'; exit 0; fi; \
	cargo machete --with-metadata

# Builds a tool once; without a network the step that wants it says that it was skipped.
tool = command -v $(1) >/dev/null || \
	CARGO_TARGET_DIR='$(tools)/target' cargo install --locked --debug --root '$(tools)' $(1)

bench: release
	tests/bench/run.sh
	tests/bench/redaction.sh

bench-policy:
	cargo bench --locked -p hangu-policy --bench decide
	tests/bench-policy/run.sh

bench-crs:
	CARGO_TARGET_DIR='$(CARGO_TARGET_DIR)' tests/bench-crs/run.sh

# Half an hour; ONLY=ffuf takes the runs with that word in their names.
attack-tools: release
	HANGU_BIN="$$(realpath '$(target)/release/hangu')" tests/tools/run.sh --only '$(ONLY)'

# Without a TARGET it says which there are. `make test` replays what was kept.
fuzz:
	-@$(call tool,cargo-fuzz)
	CARGO_TARGET_DIR='$(CARGO_TARGET_DIR)' tests/fuzz/run.sh $(or $(TARGET),list) $(SECONDS)

nightly:
	HANGU_DIALECT_MODELS=125000 cargo test --locked --release -p hangu-policy --test policy dialect

clean:
	cargo clean
	rm -rf $(console)/dist $(console)/node_modules
