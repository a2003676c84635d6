# Every target sets up .venv by itself where it is missing or older than what it is built from, and is quick where it is not.

PYTHON ?= python3
BIN := .venv/bin
# On as many cores as there are; a process that is done takes tests from the others.
PARALLEL := --numprocesses auto --dist worksteal
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install --constraint constraints.txt

# A .venv belongs to one place: its editable install points at the folder it was made in. Rebuilt when the folder has moved.
ifneq ($(shell cat .venv/place 2>/dev/null),$(CURDIR))
.PHONY: $(BIN)/python
endif

# Images of containers set it, and then each process of the tests, and there are hundreds, compiles its modules anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test browser chaos ray bench lint types contracts format gate ci clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):[^#]*## /\1	/p' Makefile | expand -t 12

run: .venv/run ## extract the claims of the real abstracts into build/claims, write their tables and a page to look at them, answer a question
	$(BIN)/extractor run evals/corpus/abstracts.txt -o build/claims --fresh
	@echo "Look at one: $(BIN)/extractor show build/claims 49"
	$(BIN)/extractor export build/claims --to xlsx --to sqlite
	$(BIN)/extractor query build/claims --name best-speedup-per-device --format table
	@echo "Look at all of them in a browser:"
	$(BIN)/extractor explore build/claims

test: .venv/dev ## run the tests
	$(BIN)/python -m pytest $(PARALLEL)

browser: .venv/browser ## try the explorer and the page of a service in a browser: what one does, who can, how quick it is
	@test -n "$$CHROMIUM" || command -v chromium >/dev/null || command -v chromium-browser >/dev/null || { \
	  command -v apt-get >/dev/null && test "$$(id -u)" = 0 && apt-get -qq update && \
	  apt-get -qq install --yes --no-install-recommends chromium >/dev/null; } || { echo \
	  "Chromium is not installed. Install it (apt install chromium), or name it: make browser CHROMIUM=/path/to/chromium." >&2; exit 1; }
	$(BIN)/python -m pytest tests/browser

chaos: .venv/dev ## kill a job and a service ten times each, against a server that misbehaves (two minutes)
	$(BIN)/python -m tests.chaos.kills
	$(BIN)/python -m tests.chaos.service_kills

bench: .venv/dev ## measure the package beside others (ten minutes; BASE_URL=... asks a model's server, OPTIONS="--help" says what else)
	$(BIN)/python -m tests.benchmarks $(if $(BASE_URL),--base-url $(BASE_URL)) $(OPTIONS)

ray: .venv/ray ## run jobs on a Ray cluster of two nodes on this machine, which lose actors and one another (two minutes)
	$(BIN)/python -m pytest tests/cluster

lint: .venv/dev ## check style and format
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

types: .venv/dev ## check types
	$(BIN)/python -m mypy

contracts: .venv/dev ## check who imports whom
	$(BIN)/lint-imports

format: .venv/dev ## mend style and format
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

gate: .venv/dev ## evaluate, and fail if a headline figure fell below its baseline
	$(BIN)/extractor eval $(addprefix --baseline ,$(sort $(wildcard evals/baselines/*.json)))

ci: lint types contracts gate ## all checks, the tests last
	$(BIN)/python -m pytest $(PARALLEL)

clean: ## remove the environment and everything built
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { echo \
	  "extractor needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is not; name one that is: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "Setting up .venv with $$($(PYTHON) --version) (once)"
	@$(PYTHON) -m venv --clear .venv
	@printf '%s' "$(CURDIR)" > .venv/place

.venv/run: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing extractor into .venv"
	@$(PIP) --editable '.[tables]'
	@touch $@

.venv/browser: .venv/dev
	@echo "Installing what drives a browser into .venv"
	@$(PIP) --editable '.[browser]'
	@touch $@

.venv/ray: .venv/dev
	@echo "Installing Ray into .venv"
	@$(PIP) --editable '.[ray]'
	@touch $@

.venv/dev: .venv/run
	@echo "Installing the development tools into .venv"
	@$(PIP) --editable '.[dev]'
	@touch $@
