# One command does everything: each target first makes .venv hold exactly requirements.lock.
SHELL := /bin/sh
PYTHON ?= python3
# Work from any directory: `make -C path demo` and `make -f path/Makefile demo` alike.
ROOT := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
VENV := $(ROOT)/.venv
BIN := $(VENV)/bin
UV := VIRTUAL_ENV=$(VENV) $(BIN)/uv
# Some machines keep their certificates only in the system store.
export UV_SYSTEM_CERTS := 1
# Nothing is written outside the checkout; uv links the files of its cache into the environment, so they count once.
export UV_CACHE_DIR ?= $(VENV)/.uv-cache
PYTEST := cd $(ROOT) && $(BIN)/python -m pytest

.PHONY: demo up test fuzz test-long check static bench chaos lock install clean

install: $(VENV)/.installed

demo: install
	@$(BIN)/tickledger demo

up: install
	@$(BIN)/tickledger up

test: static
	cd $(ROOT) && TEST_EXAMPLES=25 $(BIN)/python -m pytest -n 2 --dist loadgroup -m "not long" --hypothesis-profile=repeatable

# The tests of properties with examples drawn anew, as `make test` does not.
fuzz: install
	$(PYTEST) -n 2 --dist loadgroup -m "hypothesis and not long" --hypothesis-profile=patient

test-long: install
	$(PYTEST) -n 2 --dist loadgroup -m long

check: static
	$(PYTEST) -n 2 tests/unit tests/golden tests/architecture

static: install
	cd $(ROOT) && $(BIN)/ruff format --quiet --check . && $(BIN)/ruff check --quiet .
	cd $(ROOT) && $(BIN)/mypy --no-error-summary
	cd $(ROOT) && $(BIN)/lint-imports --no-logo

bench: install
	cd $(ROOT) && $(BIN)/python -m tests.performance

# Random faults: SEEDS scenarios from FIRST on of order managers, as many of whole sessions, PROCESSES of real processes.
chaos: install
	cd $(ROOT) && $(BIN)/python -m tests.chaos --seeds $(or $(SEEDS),300) --first $(or $(FIRST),0)
	cd $(ROOT) && $(BIN)/python -m tests.chaos --session --seeds $(or $(SEEDS),300) --first $(or $(FIRST),0)
	cd $(ROOT) && $(BIN)/python -m tests.chaos --processes $(or $(PROCESSES),5) --first $(or $(FIRST),0)

lock: $(BIN)/uv
	cd $(ROOT) && $(UV) pip compile -q --universal --upgrade --generate-hashes --no-header --extra dev pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV)

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "tickledger needs Python 3.11, 3.12 or 3.13; '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "'$(PYTHON)' cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --no-cache-dir --disable-pip-version-check 'uv>=0.9,<1'

# Hashes are checked on install; hatchling comes from the lock, so the editable build fetches nothing.
$(VENV)/.installed: $(ROOT)/requirements.lock $(ROOT)/pyproject.toml | $(BIN)/uv
	$(UV) pip sync -q --compile-bytecode --require-hashes $(ROOT)/requirements.lock
	$(UV) pip install -q --no-deps --no-build-isolation -e $(ROOT)
	cd $(ROOT) && $(BIN)/python -m tickledger.tax.kernel
	@touch $@
