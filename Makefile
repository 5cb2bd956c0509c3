# The commands of every day. Each works from a fresh clone with nothing but Python 3.11 or newer, its venv module and make.

PYTHON ?= python3
DATA ?= demo-data
FUZZ_SECONDS ?= 10
JOBS ?= 2

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SOURCES := specs terminals switch simulators tests deploy
# JOBS processes take tests from each other when they have none left
PYTEST := $(BIN)/pytest -n $(JOBS) --dist worksteal
# strace makes disk calls fail on purpose, chromium looks at the live page, Prometheus proves alerts and dashboards,
# mandoc reads the manual pages; tests that need them say so when they are missing
TEST_PACKAGES := strace chromium prometheus prometheus-alertmanager mandoc

.PHONY: help install run static check test test-deps lock clean

help:
	@echo "make run        start the demo switch (installs it first)"
	@echo "make install    only the environment: $(BIN)/tillswitch, $(BIN)/tillsim"
	@echo "make check      format, lint, types, import contracts, fast tests: under a minute"
	@echo "make test       everything CI runs: under ten minutes (JOBS=$(JOBS): tests at a time)"
	@echo "make test-deps  Debian packages that some tests need ($(TEST_PACKAGES))"
	@echo "make lock       renew requirements*.lock (needs uv)"
	@echo "make clean      remove the environment and what the tools left; data directories stay"

install: $(VENV)/.installed

run: install
	@test -e $(DATA)/tillswitch.toml || $(BIN)/tillswitch init --demo --data $(DATA) >/dev/null
	@exec $(BIN)/tillswitch serve --config $(DATA)/tillswitch.toml

static: $(VENV)/.installed-tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

check: static
	$(PYTEST) -q -m "not slow"

# All tests, with FUZZ_SECONDS of random bytes; searches try the same examples each time, new ones with EXPLORE=1. The
# summary names what was skipped and why.
test: static
	FUZZ_SECONDS=$(FUZZ_SECONDS) $(PYTEST)

test-deps:
	@missing=; for name in $(TEST_PACKAGES); do command -v $$name >/dev/null || missing="$$missing $$name"; done; \
	if [ -z "$$missing" ]; then echo "test-deps: everything is there ($(TEST_PACKAGES))"; exit 0; fi; \
	if ! command -v apt-get >/dev/null; then echo "test-deps: please install$$missing: there is no apt-get here" >&2; exit 1; fi; \
	sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	echo "test-deps: installing$$missing with $$sudo apt-get"; \
	$$sudo apt-get update -qq && $$sudo apt-get install -y -qq --no-install-recommends $$missing

# One set of versions: what runs is locked within what is tested. Hashes of every platform, no registry's address.
LOCK := uv pip compile setup.cfg --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock"
lock:
	$(LOCK) --upgrade --extra postgres --extra test --output-file requirements-test.lock
	$(LOCK) --extra postgres --extra reports --constraint requirements-test.lock --output-file requirements.lock

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

# -- the environment; the stamps make a second call instant -----------------------------------------------------------
$(VENV)/.installed: requirements.lock setup.cfg pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --editable .
	@touch $@

$(VENV)/.installed-tests: requirements-test.lock $(VENV)/.installed
	$(PIP) install --require-hashes -r requirements-test.lock
	@touch $@

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null \
		|| { echo "tillswitch needs Python 3.11 or newer; there is no $(PYTHON) here (make PYTHON=/path/to/python)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "tillswitch needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version) (make PYTHON=/path/to/python)" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
		|| { echo "$(PYTHON) has no venv module: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
