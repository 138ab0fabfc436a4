# The few verbs. Each sets up what it needs: a virtual environment in .venv from the locked
# requirements, and this checkout installed into it. No root, no Docker, no server to install.
#
#   make demo    run a whole drop and show what happened     (KEEP=1: leave it running)
#   make run     serve the example, until Ctrl-C
#   make test    run every test, three files at a time       (T=tests/lua: only those)
#   make faults  the fault tests, longer and more of them    (FAULT_ROUNDS=10)
#   make check   lint, format, types
#   make bench   measure the promises in figures          (QUICK=1: only that it works)
#   make load    a crowd for a minute, and a verdict         (ARGS="--shape step"; ARGS=--help)

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.made-for-requirements
T ?= tests
FAULT_ROUNDS ?= 10

.PHONY: demo run test faults check bench load format clean
.DELETE_ON_ERROR:

demo: $(STAMP)
	$(BIN)/python -m loadtest.demo $(if $(KEEP),--keep)

run: $(STAMP)
	$(BIN)/python -m loadtest.demo --serve

test: $(STAMP)
	$(BIN)/python -m tests.suite $(T)

faults: $(STAMP)
	FAULT_ROUNDS=$(FAULT_ROUNDS) $(BIN)/python -m pytest --override-ini timeout=3600 -m "fault or faults_long" $(T)

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(STAMP)
	$(BIN)/python -m loadtest.bench

load: $(STAMP)
	$(BIN)/python -m loadtest.load $(ARGS)

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf build .mypy_cache .ruff_cache .pytest_cache *.egg-info

$(STAMP): requirements-dev.txt pyproject.toml
	@[ "$$(uname -s) $$(uname -m)" = "Linux x86_64" ] || { \
	  echo "The embedded servers are for Linux x86_64; this is $$(uname -s) $$(uname -m)."; \
	  echo "Elsewhere, use the Dockerfile, or servers of your own (README: outside servers)."; \
	  exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or later is needed; '$(PYTHON)' is $$($(PYTHON) -V 2>&1)."; \
	  echo "Name another one with: make PYTHON=python3.12 ..."; \
	  exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "Python's venv is missing: apt-get install python3-venv (Debian, Ubuntu)."; \
	  exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  --requirement requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  --no-build-isolation --editable .
	@touch $@
