# leadflow's commands for people. Everything installs itself into .venv; nothing but Python 3.11+ and make is needed.
SHELL := /bin/bash
PYTHON ?= $(shell for candidate in python3.13 python3.12 python3.11 python3 python; do \
	if $$candidate -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then \
	echo $$candidate; break; fi; done)
BIN := .venv/bin
STAMP := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help demo example test lint format docs dbt bench accuracy dev clean

help: ## Show this help
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

demo: $(STAMP) ## Simulate a small company, refresh, and say where to look
	$(BIN)/leadflow demo

example: $(STAMP) ## Refresh from an example's data: make example OF=olist DIR=/path/to/its/files (see examples/)
	@test -f "examples/$(OF)/sources.yaml" || { echo "say of which example: make example OF=... DIR=..., with one of: $(notdir $(patsubst %/sources.yaml,%,$(wildcard examples/*/sources.yaml)))" >&2; exit 1; }
	@! grep -q '_DIR}' "examples/$(OF)/sources.yaml" || test -d "$(DIR)" || { echo "say in which folder its files are: make example OF=$(OF) DIR=/path/to/the/files; examples/$(OF)/README.md names them" >&2; exit 1; }
	LEADFLOW_HOME="examples/$(OF)/.leadflow" OLIST_DIR="$(DIR)" MAVEN_DIR="$(DIR)" SHOPPERS_DIR="$(DIR)" \
		$(BIN)/leadflow run --sources "examples/$(OF)/sources.yaml" $(if $(wildcard examples/$(OF)/policy.yaml),--policy "examples/$(OF)/policy.yaml")

test: $(STAMP) ## Lint, types, walls between rooms, then all tests: unit, integration, end to end
	$(MAKE) --no-print-directory lint
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -n auto --dist loadfile leadflow_tests/unit leadflow_tests/integration leadflow_tests/e2e

lint: $(STAMP) ## Format check, lint, types and the walls between rooms
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP) ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

dbt: .venv-dbt/.installed ## Install real dbt beside, so that `make test` holds its tables against leadflow's

.venv-dbt/.installed: Makefile
	test -x .venv-dbt/bin/python || $(PYTHON) -m venv .venv-dbt
	.venv-dbt/bin/python -m pip install --quiet --disable-pip-version-check 'dbt-core==1.11.*' 'dbt-duckdb==1.11.*' 'duckdb==2.*'
	@touch $@

docs: $(STAMP) ## Write docs/data_dictionary.md and .html anew from the contracts and the SQL
	$(BIN)/python -m leadflow.cli.docs

bench: $(STAMP) ## Measure speed and memory, and write docs/benchmarks.md (CASES='imports demo' RUNS=5 for some)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,bench]'
	$(BIN)/python -m bench.run $(if $(CASES),--cases $(CASES)) $(if $(RUNS),--runs $(RUNS))

accuracy: $(STAMP) ## Match the data in LEADFLOW_TEST_DATA and a simulated company, and write docs/accuracy.md
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,bench]'
	$(BIN)/python -m bench.accuracy

dev: $(STAMP) ## Open the Dagster UI
	$(BIN)/leadflow dev

clean: ## Remove the virtual environment; homes are kept
	rm -rf .venv

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "leadflow needs Python 3.11, 3.12 or 3.13: install one, or name it with 'make PYTHON=/path/to/python'" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $(STAMP)
