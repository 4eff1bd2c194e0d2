# Two commands on a fresh machine: `make demo` shows what seqplay does, `make test` checks everything.
# Both need only python 3.11 or newer and make; whatever else they use goes into .venv.

PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help demo test lint types floors tests format bench screenshots clean

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

demo: .venv/installed  ## train an LSTM on a sample text for half a minute, then draw its loss and let it write
	@echo; echo "Learning sample_texts/english.txt with an LSTM, for half a minute ..."
	@$(BIN)/seqplay train english --minutes 0.5
	@echo; $(BIN)/seqplay show
	@echo; echo "It writes, after the word \"Captain\":"; echo
	@$(BIN)/seqplay sample --prompt "Captain" --length 400 --temperature 0.7
	@[ -t 1 ] || echo; echo; echo "Open the playground: $(BIN)/seqplay    All commands: $(BIN)/seqplay --help"

test: lint types floors tests  ## run every check

lint: .venv/developing  ## style and likely mistakes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/developing  ## static types
	$(BIN)/mypy
	$(BIN)/mypy plugins/*/seqplay_*

floors: .venv/developing  ## which package may import which
	$(BIN)/lint-imports

tests: .venv/developing  ## the test suite
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

format: .venv/developing  ## put the code into the one format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/developing  ## time what should be fast: start-up, sampling, training, charts, the playground
	@for script in tests/benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

screenshots: .venv/installed  ## take the README's pictures anew, from the real app (some two minutes)
	$(BIN)/python tests/screenshots/take.py

clean:  ## remove .venv and caches; runs stay
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "seqplay needs Python 3.11 or newer, not " + sys.version.split()[0])'
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml
	@echo "Installing seqplay and PyTorch into .venv (some minutes the first time) ..."
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

.venv/developing: .venv/installed
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@
