# Everything runs from one virtual environment, made here and nowhere else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NOTEBOOK ?= examples/tour.ipynb
ARGS ?=
# What the built page depends on; hatch_build.py compares contents, so a touched file costs no build.
SOURCES := hatch_build.py $(shell find frontend -path frontend/node_modules -prune -o -type f -print)
PAGE := gateway/static/page/.sources

.PHONY: help run dev install test e2e lint format bench bench-ui screenshots chaos clean
.DEFAULT_GOAL := help

help:
	@echo "make run            install and open $(NOTEBOOK) (NOTEBOOK=path for another, ARGS=… for the command)"
	@echo "make dev            the page from Vite with hot reload, on a server of its own or on GANIMEDE_URL"
	@echo "make test           install the test tools and run every test but those of make e2e and make chaos"
	@echo "make e2e            the whole suite in the browser"
	@echo "make lint           formatters, linters, strict type checkers"
	@echo "make chaos          the kill, storm, simulation and disk fault suites at full counts"
	@echo "make bench          the measurements, each beside its baseline"
	@echo "make bench-ui       the page measured in Chromium, beside JupyterLab"
	@echo "make screenshots    the page in its states, light and dark, on a desk and a phone, into .cache/screenshots"

# A stamp per set of extras: reinstalled when pyproject.toml changes, not otherwise.
$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.run: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@ $(PAGE)

$(VENV)/.test: $(VENV)/.run
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch $@

$(VENV)/.lint: $(VENV)/.run
	$(BIN)/python -m pip install --quiet --editable '.[lint]'
	@touch $@

$(VENV)/.bench: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --editable '.[test,bench]'
	@touch $@

# Installing builds the page, with a Node that pip fetches for the build and forgets.
$(PAGE): $(SOURCES) | $(VENV)/.run
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

install: $(VENV)/.run $(PAGE)

run: install
	$(BIN)/ganimede $(NOTEBOOK) $(ARGS)

dev: $(VENV)/.test
	$(BIN)/python frontend/dev.py $(NOTEBOOK) $(ARGS)

test: $(VENV)/.test $(PAGE)
	$(BIN)/python hatch_build.py test
	$(BIN)/python -m pytest -m "not e2e" -n 2 --dist loadfile $(ARGS)

e2e: $(VENV)/.test $(PAGE)
	GANIMEDE_FULL=1 $(BIN)/python -m pytest tests/browser $(ARGS)

lint: $(VENV)/.lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python hatch_build.py lint
	$(BIN)/python hatch_build.py check

format: $(VENV)/.lint
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python -m protocol.typescript > frontend/src/protocol.gen.ts
	$(BIN)/python hatch_build.py format

chaos: $(VENV)/.test
	GANIMEDE_FULL=1 $(BIN)/python -m pytest tests/chaos tests/simulation tests/faults \
		tests/system tests/actors/test_journal_damage.py $(ARGS)

bench: $(VENV)/.bench
	$(BIN)/python -m bench $(ARGS)

bench-ui: $(VENV)/.bench $(PAGE)
	$(BIN)/python -m bench.ui $(ARGS)

screenshots: $(VENV)/.test $(PAGE)
	$(BIN)/python -m tests.browser.screenshots $(ARGS)

clean:
	rm -rf $(VENV) .cache build dist gateway/static/page frontend/node_modules
