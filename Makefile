# Two commands do everything on a fresh machine: `make repro` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
# What pulls and serves, without what trains.
SERVING := .venv-serving
# What schedules; its database, its logs and its own settings lie in .airflow.
AIRFLOW := .venv-airflow
# What answers a catalogue on several machines, without what trains.
RAY := .venv-ray
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DVC_NO_ANALYTICS := 1
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := true

# What is given to a target reaches its command by the environment, as it was typed: no shell reads
# it, and a $ in it is a $.
GIVEN := BASE OTHER HASH FOLDER CATALOGUE PICTURES OUTPUT SHARD WINDOW LABELS LOG MODEL FORCE REASON KEY \
	OPTIONS SWEEP WORKERS TITLE DESCRIPTION PICTURE DATABASE TASKS REVIEWER
$(foreach name,$(GIVEN),$(if $(filter undefined,$(origin $(name))),,$(eval override export $(name) := $$(value $(name)))))

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-22s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

##@ First steps

.PHONY: venv
venv: $(STAMP) ## Make .venv from the hash-locked requirements

# Compiled is what is imported, when it is: pip would spend a minute on 24,000 files.
$(STAMP): requirements/pip.txt requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
		{ echo "Python 3.11, 3.12 or 3.13 is needed; name one with: make PYTHON=python3.12 …" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) 2>/dev/null || $(PYTHON) -m virtualenv -q $(VENV) || \
		{ rm -rf $(VENV); echo "No environment can be made: install Debian's python3-venv, or: $(PYTHON) -m pip install --user virtualenv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/pip.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m stages.commands results plots --install
	@touch $@

$(SERVING)/installed: requirements/pull.txt
	@test -x $(SERVING)/bin/python || $(PYTHON) -m venv $(SERVING) 2>/dev/null || $(PYTHON) -m virtualenv -q $(SERVING)
	$(SERVING)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/pull.txt
	@touch $@

$(AIRFLOW)/installed: requirements/airflow.txt $(STAMP)
	uv venv --quiet --allow-existing --python $(BIN)/python $(AIRFLOW)
	uv pip install --quiet --system-certs --python $(AIRFLOW)/bin/python --require-hashes -r requirements/airflow.txt
	@touch $@

$(RAY)/installed: requirements/ray.txt $(STAMP)
	uv venv --quiet --allow-existing --python $(BIN)/python $(RAY)
	uv pip install --quiet --system-certs --python $(RAY)/bin/python --require-hashes -r requirements/ray.txt
	@touch $@

.PHONY: repro
repro: $(STAMP) ## Run the pipeline (dvc repro) and print its metrics
	@python -m stages.commands pipeline repair-lock
	@dvc repro
	@python -m stages.commands results summary
	@python -m stages.commands registry publish --optional

.PHONY: results
results: $(STAMP) ## The outputs, from the remote if one is configured, else by running the pipeline
	@test -z "$$(dvc config core.remote)" || dvc pull --allow-missing || echo "Not all could be pulled."
	@$(MAKE) --no-print-directory repro

.PHONY: metrics
metrics: $(STAMP) ## What was measured, in 80 columns: [BASE=<revision> beside it]
	@python -m stages.commands results metrics

.PHONY: plots
plots: $(STAMP) ## Draw curves, confusion, calibration and coverage into dvc_plots: [BASE=<revision> beside it]
	@python -m stages.commands results plots

.PHONY: check-catalogue
check-catalogue: $(STAMP) ## Look a catalogue over before a run: FOLDER=<the four files, or a shop's own tables> [OPTIONS='-S …']
	@python -m stages.commands pipeline check-catalogue

ENGINE ?= local
ENGINE_local := python -m stages.commands batch predict
ENGINE_ray := $(RAY)/bin/python -m stages.commands batch predict-ray

.PHONY: predict
predict: $(STAMP) $(if $(filter ray,$(ENGINE)),$(RAY)/installed) ## Answer a table with the classifier that is there: CATALOGUE=<csv> [PICTURES=<zip>] [OUTPUT=<csv>] [ENGINE=ray]
	@$(or $(ENGINE_$(ENGINE)),$(error ENGINE=$(ENGINE): expected local or ray))

.PHONY: predict-one
predict-one: $(STAMP) ## Answer one product, and say why: TITLE='…' [DESCRIPTION='…'] [PICTURE=<file>]
	@python -m stages.commands batch predict-one

##@ Experiments

.PHONY: params
params: $(STAMP) ## Compose params.yaml from conf/
	@python -m stages.commands pipeline params

.PHONY: defaults
defaults: $(STAMP) ## Back to the committed configuration and results after an experiment; hand edits are kept
	@python -m stages.commands pipeline defaults

.PHONY: sweep
sweep: $(STAMP) ## Queue experiments over text and image options, run them, show them: [SWEEP='-S …'] [WORKERS=2]
	@python -m stages.commands results sweep

.PHONY: experiments
experiments: $(STAMP) ## What experiments changed and reached, best first among those of the same test products
	@python -m stages.commands results experiments
	@python -m stages.commands registry publish --optional

.PHONY: compare-lock
compare-lock: $(STAMP) ## Hold this result against another: OTHER=<revision or folder of a clone>
	@python -m stages.commands results compare

.PHONY: lineage
lineage: $(STAMP) ## Commit, parameters and data behind the model of an answer: HASH=<model>
	@python -m stages.commands results lineage

.PHONY: gate
gate: $(STAMP) ## Fail when this result is worse than another: BASE=<revision or models:/product-classifier@champion>
	@python -m stages.commands quality gate

.PHONY: promotion
promotion: $(STAMP) ## Succeed when this classifier is better than another beyond noise: BASE=<revision>
	@python -m stages.commands quality promotion

.PHONY: pin-source
pin-source: $(STAMP) ## Pin the Hugging Face dataset to the commit that its revision names now
	@python -m stages.commands pipeline pin-source

##@ Serve

.PHONY: serve
serve: $(STAMP) ## Answer requests on port 8000; with MODEL=models:/product-classifier@champion, from the registry
	@$(if $(MODEL),python -m stages.commands registry serve-version,python -m serving)

.PHONY: sign
sign: $(STAMP) ## Sign the locked classifier: KEY=<PEM file of a private key>
	@python -m serving.inference.signature "$$KEY"

.PHONY: reload
reload: $(STAMP) ## Have the services of SERVICE_URLS take a new classifier: [MODEL=models:/product-classifier@champion]
	@$(if $(MODEL),python -m stages.commands registry serve-version --fetch &&) python -m stages.commands remote reload

.PHONY: pull-and-serve
pull-and-serve: $(SERVING)/installed ## Pull the locked classifier from the remote and answer with it; no TensorFlow
	@$(SERVING)/bin/python -m stages.commands remote configure
	@$(SERVING)/bin/python -m stages.commands remote pull
	@$(SERVING)/bin/python -m serving

.PHONY: serve-auth
serve-auth: $(STAMP) ## The authentication routes alone, on port 8011
	@python -m serving auth

.PHONY: watch
watch: $(STAMP) ## Show the figures of the running service in the terminal
	@python -m stages.commands monitor watch

.PHONY: monitor
monitor: $(STAMP) ## Prometheus, Alertmanager and node exporter on the loopback, until Ctrl-C
	@python -m stages.commands monitor servers

.PHONY: drift
drift: $(STAMP) ## How the latest answers differ from held-out products: [WINDOW=<products>] [LABELS=<csv>] [LOG=<file>] [OUTPUT=<html>]
	@python -m stages.commands drift report

.PHONY: secrets
secrets: $(STAMP) ## Add to .env the secrets that docker-compose.yml asks for and .env lacks
	@python -m stages.commands remote secrets

# With PAGES=1, the pages for people are published on the loopback as well.
COMPOSE := docker compose --file docker-compose.yml $(if $(PAGES),--file conf/compose/pages.yml)

.PHONY: up
up: secrets ## Start the service and all around it in containers: [PAGES=1]
	@python -m serving.inference.lock
	@$(COMPOSE) up --build --detach --wait

.PHONY: down
down: ## Stop the containers; what they keep stays
	@$(COMPOSE) --profile '*' down

.PHONY: logs
logs: ## Follow what the containers say
	@$(COMPOSE) logs --follow --tail 100

.PHONY: train
train: secrets ## Run the pipeline in a container, on this checkout
	@OWNER="$$(id -u):$$(id -g)" $(COMPOSE) run --build --rm train

##@ Team

.PHONY: remote
remote: $(STAMP) ## Name the S3 bucket of .env (REMOTE_URL, …) to DVC as its remote
	@python -m stages.commands remote configure

.PHONY: publish
publish: $(STAMP) ## Put this result and all experiments on record in MLflow
	@python -m stages.commands registry publish

.PHONY: mlflow
mlflow: $(STAMP) ## Open MLflow's page of the local record on http://127.0.0.1:5000
	@python -m stages.commands registry publish --optional
	@python -m stages.commands registry page

.PHONY: promote
promote: $(STAMP) ## Make this classifier the registry's champion if it is better: [FORCE=1 REASON='…']
	@python -m stages.commands registry promote

.PHONY: rollback
rollback: $(STAMP) ## Give the champion's place back to the one before: [REASON='…']
	@python -m stages.commands registry rollback

scheduled-run schedule: export AIRFLOW_HOME := $(CURDIR)/.airflow
scheduled-run schedule: export AIRFLOW__CORE__DAGS_FOLDER := $(CURDIR)/conf/airflow/dags
scheduled-run schedule: export AIRFLOW__CORE__LOAD_EXAMPLES := False

.PHONY: scheduled-run
scheduled-run: $(AIRFLOW)/installed ## One run of the schedule, now and here, without Airflow's servers
	@$(AIRFLOW)/bin/airflow db migrate >/dev/null
	@$(AIRFLOW)/bin/airflow dags test product_classifier

.PHONY: schedule
schedule: $(AIRFLOW)/installed ## Airflow's scheduler and its page on http://127.0.0.1:8080, until Ctrl-C
	@python -m stages.commands schedule servers $(AIRFLOW)/bin/airflow

.PHONY: airflow-venv
airflow-venv: $(AIRFLOW)/installed ## Make .venv-airflow, which schedules the pipeline

.PHONY: ray-venv
ray-venv: $(RAY)/installed ## Make .venv-ray, which answers a catalogue on several machines

##@ Corrections

.PHONY: corrections
corrections: $(STAMP) ## Write what reviewers settled into data/corrections, tracked by DVC: [DATABASE=<address>]
	@python -m stages.commands corrections write

.PHONY: label-studio-tasks
label-studio-tasks: $(STAMP) ## What waits for review as tasks of Label Studio, and its labelling interface: OUTPUT=<json>
	@python -m stages.commands corrections label-studio-tasks

.PHONY: label-studio-import
label-studio-import: $(STAMP) ## Take annotations of Label Studio as corrections: TASKS=<export.json> REVIEWER=<name>
	@python -m stages.commands corrections label-studio-import

##@ Check and prove

# Three processes, for two processors: some wait for servers. tests/conftest.py says which tests stay
# together, and which come first.
PYTEST := python -m pytest -n 3 --dist loadgroup --no-loadscope-reorder

.PHONY: test
test: $(STAMP) ## Run the tests but the exhaustive ones
	@$(PYTEST) -m 'not exhaustive'

.PHONY: test-all
test-all: $(STAMP) ## Run all tests: emulation, Ray, images, whole schedules and random kills too
	@$(PYTEST)

.PHONY: test-ci
test-ci: $(STAMP) ## Run all tests but those of the night: whole schedules, kills at random, most emulation
	@$(PYTEST) -m 'not nightly'

.PHONY: test-nightly
test-nightly: $(STAMP) ## Run the tests of the night alone
	@$(PYTEST) -m nightly

.PHONY: test-quick
test-quick: $(STAMP) ## Run the tests that need no pipeline run, no server and no TensorFlow
	@$(PYTEST) -m 'not slow'

.PHONY: test-integration
test-integration: $(STAMP) ## Run the tests with MLflow, S3 and monitoring servers, and fail where one is missing
	@INTEGRATION=required $(PYTEST) -m integration

.PHONY: check
check: $(STAMP) ## Lint, formatting and types
	ruff check .
	ruff format --check .
	mypy
	actionlint

# The small pipeline of the checks: every stage, in about a minute.
SMALL := -S data.products=400 -S data.unlabelled=40 -S train.epochs=2 -S text.folds=2 -S image.size=32

.PHONY: verify-reproducible
verify-reproducible: $(STAMP) ## Run the committed pipeline twice, in other surroundings, and compare to the byte: [OPTIONS='-S …']
	@python -m stages.commands proofs verify

.PHONY: verify-small
verify-small: $(STAMP) ## The same with a small sample, and a network that is trained step by step
	@python -m stages.commands proofs verify $(SMALL) -S image=cnn

.PHONY: verify-processors
verify-processors: $(STAMP) ## Run the small pipeline on emulated processors (qemu-user) too, and compare to the byte: [OPTIONS='-S …']
	@python -m stages.commands proofs processors $(SMALL)

.PHONY: verify-operations
verify-operations: $(STAMP) ## Compare every operation, of all networks, with an emulated processor (qemu-user)
	@OPERATIONS=all python -m pytest tests/processors/test_equal_bits.py

.PHONY: image-check
image-check: $(STAMP) ## Build the serving image with buildah, start it as an engine would, and ask it
	@INTEGRATION=required python -m pytest tests/integration/test_image.py

.PHONY: repair-lock
repair-lock: $(STAMP) ## Restore a dvc.lock that a killed run cut off; `make repro` does it first
	@python -m stages.commands pipeline repair-lock

##@ Benchmarks

.PHONY: bench-determinism
bench-determinism: $(STAMP) ## What each pin of the bits costs
	@python -m tests.benchmarks.determinism

.PHONY: bench
bench: $(STAMP) ## Decoding speed and storage, measured on this machine
	@python -m tests.benchmarks.decoding

.PHONY: bench-quality
bench-quality: $(STAMP) ## Train the peers on the pipeline's own split and print one table
	@python -m tests.benchmarks.quality

.PHONY: bench-engine
bench-engine: $(STAMP) $(RAY)/installed ## Products a second on one and on two hosts of one core each (needs root)
	@python -m tests.benchmarks.engine

.PHONY: bench-promise
bench-promise: $(STAMP) ## Is the promised precision kept, over ten splits? (long: ten runs of the pipeline)
	@python -m tests.benchmarks.promise

.PHONY: bench-text
bench-text: $(STAMP) ## The default text branch beside linear models, learning from ever more products
	@python -m tests.benchmarks.text_by_size

.PHONY: bench-review
bench-review: $(STAMP) ## Do labels in the order of review teach more than labels by chance? [FOLDER=<another catalogue>]
	@python -m tests.benchmarks.review_order $(if $(FOLDER),--data "$$FOLDER")

.PHONY: bench-size
bench-size: $(STAMP) ## What each stage costs at 5,000, 20,000 and 84,916 products (long, 15 GB of temporary files)
	@python -m tests.benchmarks.full_size

.PHONY: bench-serving
bench-serving: $(STAMP) ## How fast the service answers, beside a Keras peer (first: dvc exp run -S text=lstm -S image=mobilenet)
	@python -m tests.benchmarks.service

.PHONY: bench-attacks
bench-attacks: $(STAMP) ## What another user sees while one address attacks the service
	@python -m tests.benchmarks.attacks

.PHONY: bench-fuzzed
bench-fuzzed: $(STAMP) ## What the service answers to 10,000 fuzzed requests
	@python -m tests.benchmarks.fuzzed

##@ This checkout

COMPILE := uv pip compile --quiet --no-strip-extras --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url pyproject.toml
WITHIN := -c requirements/dev.txt

.PHONY: lock
lock: $(STAMP) ## Compile requirements/*.txt anew from pyproject.toml
	$(COMPILE) --all-extras -o requirements/dev.txt
	$(COMPILE) $(WITHIN) --extra serving -o requirements/serving.txt
	$(COMPILE) $(WITHIN) --extra serving --extra signing -o requirements/signing.txt
	$(COMPILE) $(WITHIN) --extra serving --extra postgresql -o requirements/postgresql.txt
	$(COMPILE) $(WITHIN) --extra serving --extra pull -o requirements/pull.txt
	$(COMPILE) $(WITHIN) --extra serving --extra pipeline -o requirements/pipeline.txt
	$(COMPILE) --group airflow -o requirements/airflow.txt
	$(COMPILE) $(WITHIN) --extra serving --group ray -o requirements/ray.txt
	$(COMPILE) --group pip -o requirements/pip.txt

.PHONY: clean
clean: ## Remove the environment and what tools leave behind; data, models and DVC's cache stay
	rm -rf $(VENV) $(SERVING) $(AIRFLOW) $(RAY) dvc_plots .pytest_cache .mypy_cache .ruff_cache

##@ Old names, for one version more

.PHONY: whence
whence: lineage ## Now: lineage

.PHONY: mend
mend: repair-lock ## Now: repair-lock
