# Two commands do everything on a fresh machine: `make repro` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DVC_NO_ANALYTICS := 1
export TF_CPP_MIN_LOG_LEVEL := 2

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 18

$(STAMP): requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 …" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) 2>/dev/null || $(PYTHON) -m virtualenv -q $(VENV) || \
		{ rm -rf $(VENV); echo "No environment can be made: install Debian's python3-venv, or: $(PYTHON) -m pip install --user virtualenv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

.PHONY: venv
venv: $(STAMP) ## Make .venv from the hash-locked requirements

.PHONY: repro
repro: $(STAMP) ## Run the pipeline (dvc repro) and print its metrics
	@dvc repro
	@python -m stages.summary

.PHONY: test
test: $(STAMP) ## Run the tests
	@python -m pytest

.PHONY: check
check: $(STAMP) ## Lint, formatting and types
	ruff check .
	ruff format --check .
	mypy

.PHONY: plots
plots: $(STAMP) ## Draw curves, confusion, calibration and coverage into dvc_plots/index.html
	@dvc plots show

.PHONY: bench
bench: $(STAMP) ## Decoding speed and storage, measured on this machine
	@python -m tests.benchmarks.decoding

.PHONY: bench-quality
bench-quality: $(STAMP) ## Train the peers on the pipeline's own split and print one table
	@python -m tests.benchmarks.quality

.PHONY: serve
serve: $(STAMP) ## Answer requests on port 8000
	@python -m serving

.PHONY: serve-auth
serve-auth: $(STAMP) ## The authentication routes alone, on port 8011
	@python -m serving auth

.PHONY: bench-serving
bench-serving: $(STAMP) ## How fast the service answers, beside a Keras peer (first: dvc exp run -S text=lstm -S image=mobilenet)
	@python -m tests.benchmarks.service

.PHONY: lock
lock: $(STAMP) ## Compile requirements/*.txt anew from pyproject.toml
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--all-extras pyproject.toml -o requirements/dev.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--extra serving -c requirements/dev.txt pyproject.toml -o requirements/serving.txt

.PHONY: clean
clean: ## Remove the environment and what tools leave behind; data, models and DVC's cache stay
	rm -rf $(VENV) dvc_plots .pytest_cache .mypy_cache .ruff_cache
