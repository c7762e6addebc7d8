# Everything runs from one virtual environment, made here and nowhere else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NOTEBOOK ?= examples/tour.ipynb
ARGS ?=

.PHONY: help run install test lint format bench chaos clean
.DEFAULT_GOAL := help

help:
	@echo "make run            install and open $(NOTEBOOK) (NOTEBOOK=path for another, ARGS=… for the command)"
	@echo "make test           install the test tools and run every test"
	@echo "make lint           formatter, linter, strict type checker"
	@echo "make chaos          the kill and storm suites at full counts"
	@echo "make bench          the measurements, each beside its baseline"

# A stamp per set of extras: reinstalled when pyproject.toml changes, not otherwise.
$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.run: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.run
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch $@

$(VENV)/.lint: $(VENV)/.run
	$(BIN)/python -m pip install --quiet --editable '.[lint]'
	@touch $@

$(VENV)/.bench: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --editable '.[test,bench]'
	@touch $@

install: $(VENV)/.run

run: install
	$(BIN)/ganimede $(NOTEBOOK) $(ARGS)

test: $(VENV)/.test
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.lint
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

chaos: $(VENV)/.test
	GANIMEDE_FULL=1 $(BIN)/python -m pytest tests/chaos tests/system/test_kernels.py $(ARGS)

bench: $(VENV)/.bench
	$(BIN)/python -m bench $(ARGS)

clean:
	rm -rf $(VENV) .cache build dist
