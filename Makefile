# `make help` lists what there is. Everything else is in scripts/, so that it can be read and checked as scripts.
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV ?= .venv
SECONDS ?= 60
export VENV PORT FRESH ARGS PYTHON

.PHONY: help run serve doctor test fuzz format lock install install-dev

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo '  PORT=8001      another port for run and serve (default 8000)'
	@echo '  FRESH=1        run: throw away the data of earlier runs first'
	@echo '  ARGS="-k name" test: more words for pytest'

run: ## Install, play the whole exchange between two demonstration companies, and serve the portal
	@scripts/run --demo

serve: ## Install and serve the portal without the demonstration
	@scripts/run

doctor: install ## Say what is wrong with this installation, and how to mend it
	@$(VENV)/bin/python manage.py doctor

test: ## Check everything: style, types, imports, templates, scripts, migrations, deployment, tests
	@scripts/test

fuzz: install-dev ## Throw hostile bytes at every reader for a minute (SECONDS=60)
	@$(VENV)/bin/pip install --quiet --require-hashes -r requirements-fuzz.txt
	@DJANGO_SETTINGS_MODULE=tests.settings $(VENV)/bin/python -m tests.fuzz.run --seconds ${SECONDS}

format: install-dev ## Put the code into its one format
	@$(VENV)/bin/ruff check --fix --quiet . || true
	@$(VENV)/bin/ruff format .

lock: install-dev ## Renew the lock files from pyproject.toml
	@scripts/lock

install: ## Make the virtual environment for running
	@scripts/install

install-dev: ## Make the virtual environment for working on the portal
	@scripts/install dev
