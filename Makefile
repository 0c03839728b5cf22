# Everything below sets up its own environment in .venv first; nothing else is needed than
# Python >= 3.11 (and, for the fastest back end, a C++ compiler).

VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# The first interpreter on the PATH that is new enough; PYTHON=... overrides.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

.DEFAULT_GOAL := help
.PHONY: help setup compare test test-slow check docs bench picture clean

help: ## list these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(READY) ## make .venv and install camber with its development tools
$(READY): pyproject.toml
	@test -n "$(PYTHON)" || { echo "camber needs Python >= 3.11 on the PATH; or: make PYTHON=/path/to/python $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

compare: $(READY) ## which nonlinearity? train five on real text and print the verdict
	$(BIN)/camber compare $(ARGS)

test: $(READY) ## the test suite, docstrings and documentation examples included
	$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

test-slow: $(READY) ## long studies, fuzzing and inductor builds (about an hour)
	$(BIN)/python -m pytest -m slow --timeout 3600 $(ARGS)

check: $(READY) ## format, lint, types, and the floors of the house
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(READY) ## the documentation, catalogue and reference included, into docs/_build/html
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html

bench: $(READY) ## time activations beside their peers, JSON lines into benchmarks/results
	$(BIN)/camber bench activations --output benchmarks/results/activations.jsonl $(ARGS)

picture: $(READY) ## the front page's picture of a report: make picture RUN=runs/compare-...
	@test -n "$(RUN)" || { echo "which run? make picture RUN=runs/compare-... (see ls runs)"; exit 2; }
	$(BIN)/python benchmarks/picture.py "$(RUN)" --into docs/pictures/report.png

clean: ## remove the environment and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
