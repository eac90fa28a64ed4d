# make help lists the targets. Everything below sets up .venv by itself and is quick when nothing is to be done.
.DEFAULT_GOAL := help
PAGES := $(patsubst conf/table/%.yaml,reproduce-%,$(wildcard conf/table/*.yaml))
.PHONY: help setup test test-reliability test-slow lint format clean gpu compare reproduce-aif reproduce-jacsup $(PAGES) $(PAGES:=-beside)

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# SETUP=no: with the Python that is there, and nothing is installed.
SETUP ?= yes
RUN := $(if $(filter no,$(SETUP)),$(PYTHON),$(BIN)/python) -m
export FACET_DATA ?= $(if $(wildcard ../shared/data),$(abspath ../shared/data),)

# What may be said to the reproduce targets: SEEDS=0,1,2 DATA=celeba PRESET=paper EXTRA="trainer=gpu" JOBS=1 (runs at a
# time, instead of as many as there are cores and memory for, or GPUs)
SEEDS ?= 0
DATA ?=
PRESET ?=
EXTRA ?=
JOBS ?=
comma := ,
empty :=
space := $(empty) $(empty)
OVERRIDES = $(DATA:%=data=%) $(PRESET:%=preset=%) $(EXTRA)
LISTED = "$(subst $(space),"$(comma)",$(strip $(OVERRIDES)))"

help:  ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 28
	@for page in $(PAGES:reproduce-%=%); do sed -n "1s/^# /reproduce-$$page\t/p" conf/table/$$page.yaml; done | expand -t 28

# The environment is made anew when what it is made from changes; python -m venv brings pip, and nothing else is needed.
$(VENV)/.ready: constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Facet needs Python 3.11 or newer: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

setup: $(if $(filter no,$(SETUP)),,$(VENV)/.ready)  ## make .venv with everything pinned by constraints.txt

# A worker for every core, each with one thread; a file's tests share what they train, so they go to the same worker.
test: setup  ## the test suite (≤ 6 minutes on two cores)
	@$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder --durations 15

test-reliability: setup  ## the tests of docs/reliability.md (CI runs them after make test; ≤ 10 minutes on two cores)
	@$(BIN)/python -m pytest -m reliability --numprocesses auto --dist load --durations 15

test-slow: setup  ## the tests that make test leaves out: the wheel in an empty environment (5 GB, minutes)
	@$(BIN)/python -m pytest -m slow --durations 0

lint: setup  ## ruff (lint and format) and mypy, as CI runs them
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: setup  ## let ruff mend what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# A page is one command: it trains what isn't trained, judges what isn't judged, and shows it even if a run failed.
page = @$(RUN) facet.reproduce table=$1 'seeds=[$(SEEDS)]' $(if $(strip $(OVERRIDES)),'overrides=[$(LISTED)]') \
	$(JOBS:%=jobs=%) $(filter logger%,$(EXTRA))

$(PAGES): reproduce-%: setup
	$(call page,$*)

$(PAGES:=-beside): reproduce-%-beside: setup  # with what is beyond the paper beside it
	$(call page,$*) beside=true

compare: reproduce-compare

# Digits have no data set to choose.
reproduce-jacsup-figure1 reproduce-jacsup-figure2 reproduce-jacsup-tradeoff: override DATA :=

# Every page of a paper, sharing runs; a page that fails doesn't take the others along.
AIF := $(addprefix reproduce-,table1 table2 table3-beside $(addprefix aif-figure,2 3 4 5 6 7) aif-kl compare)
JACSUP := $(addprefix reproduce-jacsup-,figure1 figure2 tradeoff figure3 figure4 figure5 table1)
each = @failed=; for each in $1; do $(MAKE) --no-print-directory $$each || failed="$$failed $$each"; done; \
	if [ -n "$$failed" ]; then echo "failed:$$failed"; exit 1; fi

reproduce-aif:  ## all tables and figures of AIF, and the comparison
	+$(call each,$(AIF))

reproduce-jacsup:  ## all figures and tables of JacSup
	+$(call each,$(JACSUP))

SIZE ?= 1
gpu: setup  ## what a GPU is wanted for, in seven minutes, into gpu/gpu.tar.gz (SIZE=0.01 rehearses it on a CPU)
	@$(RUN) facet.benchmarks.gpu size=$(SIZE)

clean:  ## remove .venv and caches; runs and reports stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
