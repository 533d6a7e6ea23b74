# Two environments, each made when it is first needed and again when pyproject.toml or constraints.txt change:
#   .venv-base  what a user installs, without torch     .venv  everything: training, tests, checks
# Both are editable installs, so that changes to the code and to the bundled weights need no new one.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
RUN ?= runs/default
OUT ?= $(RUN)/artifact
RELEASE = polnear:dev wire:dev bundled:heldout newsmtsc:dev

PIP_INSTALL := -m pip install -qq --disable-pip-version-check -c constraints.txt
WHEEL_TEST := import json, sys; d = json.load(sys.stdin); print(len(d["sentences"]), "sentences tagged from the wheel")

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "Variables: ARTICLE, RUN=$(RUN), OUT=$(OUT), CONFIG, MODEL, CORPUS=NAME:SPLIT, ARGS, PYTHON=$(PYTHON)"

.PHONY: tag
tag: article-is-named .venv-base/.installed ## Tag a report: make tag ARTICLE=examples/port-talks.txt
	@.venv-base/bin/sayso tag "$(ARTICLE)" $(ARGS)

.PHONY: article-is-named
article-is-named:
	@test -n "$(ARTICLE)" || { echo "Which report? make tag ARTICLE=examples/port-talks.txt" >&2; exit 2; }

.PHONY: test
test: .venv/.installed ## Run the tests; a choice of them: make test ARGS="-k render"
	@.venv/bin/pytest $(ARGS)

.PHONY: check
check: .venv/.installed ## Lint, types, and a built wheel in an empty environment
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	rm -rf .check build
	.venv/bin/python -m build --wheel --no-isolation --outdir .check/dist . > /dev/null
	@# mypy finds sayso.data, sayso.models, ... only in an install that is not editable
	.venv/bin/python -m pip install -qq --no-deps --target .check/site .check/dist/*.whl
	MYPYPATH=.check/site .venv/bin/mypy --strict data models inference app
	$(PYTHON) -m venv .check/venv
	.check/venv/bin/python $(PIP_INSTALL) .check/dist/*.whl
	folder=$$(mktemp -d) && trap 'rm -r "$$folder"' EXIT && cp examples/port-talks.txt "$$folder" && cd "$$folder" && \
		"$(CURDIR)/.check/venv/bin/sayso" tag port-talks.txt --format jsonl | $(PYTHON) -c '$(WHEEL_TEST)'

.PHONY: train
train: .venv/.installed ## Train into RUN on all corpora that are there; CONFIG=FILE.toml, ARGS="--set key=value --resume"
	.venv/bin/sayso train --run "$(RUN)" $(if $(CONFIG),--config "$(CONFIG)") $(ARGS)

.PHONY: export
export: .venv/.installed ## Turn RUN into a model for `sayso tag --model`, in OUT
	.venv/bin/sayso export "$(RUN)" "$(OUT)" $(ARGS)

.PHONY: evaluate
evaluate: .venv/.installed ## Score the bundled model and rewrite README and card; with MODEL or CORPUS only score
ifeq ($(MODEL)$(CORPUS),)
	.venv/bin/sayso evaluate $(RELEASE:%=--corpus %) --json models/release/metrics.json $(ARGS)
	.venv/bin/python -m sayso.training.tables
else
	.venv/bin/sayso evaluate $(addprefix --corpus ,$(or $(CORPUS),auto)) $(if $(MODEL),--model "$(MODEL)") $(ARGS)
endif

.PHONY: bench
bench: .venv/.installed ## Speed and memory, beside transformers: make bench ARGS="--reports 20 --training"
	.venv/bin/python -W ignore benchmarks/speed.py $(ARGS)

.PHONY: clean
clean: ## Remove environments, builds and caches; runs stay
	rm -rf .venv .venv-base .check build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv-base/.installed: pyproject.toml constraints.txt
	@echo "Setting up .venv-base, once, in about a minute ..." >&2
	@$(PYTHON) -m venv --clear .venv-base
	@.venv-base/bin/python $(PIP_INSTALL) -e .
	@touch $@

.venv/.installed: pyproject.toml constraints.txt
	@echo "Setting up .venv with torch, once, in some minutes ..." >&2
	@$(PYTHON) -m venv --clear .venv
	@.venv/bin/python $(PIP_INSTALL) -e '.[train,html,dev]'
	@touch $@
