# Everything from a fresh checkout: `make run` starts it, `make test` proves it.
# Needs Python 3.11 or newer; the rest is put into .tools/ and .venv/.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
UV_VERSION := 0.13.9
UV := .tools/bin/uv
PY := .venv/bin/python
COMPILE := $(UV) pip compile --quiet --universal --generate-hashes --no-header
INSTALL := $(UV) pip install --quiet --python

.PHONY: help setup setup-test browser run slurm-run test slurm-test check lint lock bench pictures clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# uv comes from pip, pinned and hashed like everything else.
.tools/ready: requirements-uv.lock .ci/ensure-python
	@bash .ci/ensure-python "$(PYTHON)"
	@$(PYTHON) -m venv --clear .tools
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check \
		--require-hashes -r requirements-uv.lock
	@touch $@

.venv/made: .tools/ready
	@$(UV) venv --quiet --clear --python "$(PYTHON)" .venv
	@touch $@

# Compiled at once: the first commands are as fast as all others, also where nobody may write later.
# The build backend is checked against the hashes of the test lock, which has it.
define install
	@$(INSTALL) $(or $(2),$(PY)) --compile-bytecode --require-hashes -r $(1)
	@$(INSTALL) $(or $(2),$(PY)) --no-deps --build-constraints requirements-test.lock -e .
	@touch $@
endef

.venv/ready: .venv/made requirements.lock pyproject.toml
	$(call install,requirements.lock)

.venv/ready-test: .venv/made requirements-test.lock pyproject.toml
	$(call install,requirements-test.lock)
	@touch .venv/ready

# A place of its own: what others need does not always agree with what the tests need.
.venv-bench/ready: .tools/ready requirements-bench.lock pyproject.toml
	@$(UV) venv --quiet --clear --python "$(PYTHON)" .venv-bench
	$(call install,requirements-bench.lock,.venv-bench/bin/python)

setup: .venv/ready ## Install what running needs

setup-test: .venv/ready-test ## Install what testing needs, without the browser

browser: .venv/ready-test
	@bash .ci/ensure-chromium $(PY)

run: .venv/ready ## Start everything: web, runtime, reminders; Ctrl-C stops it
	@exec .venv/bin/flagctl up

slurm-run: .venv/ready-test ## The same with a real Slurm cluster, to try the whole cutover; needs root
	@exec $(PY) -m tests.slurm.cluster run $(ARGS)

# A file's tests stay together and in order; the browser's come last in each process (tests/conftest.py).
test: .venv/ready-test browser ## Run every test that needs no root
	@$(PY) -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder $(ARGS)

slurm-test: .venv/ready-test browser ## Run the tests on a real Slurm cluster, built first; needs root
	@$(PY) -m tests.slurm.cluster build
	@$(PY) -m pytest -m slurm --numprocesses auto --dist loadfile --no-loadscope-reorder $(ARGS)

lint: .venv/ready-test ## Style and types
	@$(PY) -m ruff check
	@$(PY) -m ruff format --check
	@$(PY) -m mypy

check: lint ## Style, types, and the rules of the house
	@$(PY) -m pytest -q tests/guards

# Constraining the test lock by the other keeps one version of everything in both.
lock: .tools/ready ## Renew the locks (UPGRADE=1: newest versions)
	@$(COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml -o requirements.lock
	@$(COMPILE) $(if $(UPGRADE),--upgrade) --extra test -c requirements.lock \
		pyproject.toml -o requirements-test.lock
	@$(COMPILE) $(if $(UPGRADE),--upgrade) --extra bench -c requirements.lock \
		pyproject.toml -o requirements-bench.lock
	@echo "uv==$(UV_VERSION)" | $(COMPILE) - -o requirements-uv.lock
	@if grep -n '://' requirements*.lock; then echo "a lock names a host" >&2; exit 1; fi

bench: .venv-bench/ready ## Measure; ARGS="--write FILE" keeps the numbers, "--into PAGE" renews its tables
	@.venv-bench/bin/python -m benchmarks $(ARGS)

pictures: .venv/ready-test browser ## Take the pictures of the documents anew
	@$(PY) -m pytest -q tests/browser/pictures.py

clean: ## Remove what make made; the data in var/ stays
	@rm -rf .tools .venv .venv-bench dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis test-results
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

