# make help lists the targets. Everything below sets up .venv by itself and is quick when nothing is to be done.
.DEFAULT_GOAL := help
.PHONY: help setup test lint format clean page reproduce-table1 reproduce-table1-entry \
	reproduce-jacsup-figure1 reproduce-jacsup-figure2 reproduce-jacsup-tradeoff

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export FACET_DATA ?= $(if $(wildcard ../shared/data),$(abspath ../shared/data),)

# What may be said to the reproduce targets: SEEDS=0,1,2 DATA=avatars PRESET=embedded EXTRA="trainer=gpu"
SEEDS ?= 0
DATA ?= avatars
PRESET ?= embedded
EXTRA ?=
comma := ,
empty :=
space := $(empty) $(empty)
OVERRIDES = data=$(DATA) preset=$(PRESET) $(EXTRA)
LISTED = "$(subst $(space),"$(comma)",$(strip $(OVERRIDES)))"

help:  ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 24

# The environment is made anew when what it is made from changes; python -m venv brings pip, and nothing else is needed.
$(VENV)/.ready: constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Facet needs Python 3.11 or newer: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

setup: $(VENV)/.ready  ## make .venv with everything pinned by constraints.txt

test: setup  ## the test suite (≤ 10 minutes on two cores)
	@$(BIN)/python -m pytest

lint: setup  ## ruff (lint and format) and mypy, as CI runs them
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: setup  ## let ruff mend what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

TABLE := table1
ROWS := aif/table1/ours,aif/table1/no_aux,aif/table1/rec_class,aif/table1/icgan

reproduce-table1: page  ## AIF Table 1: train, judge, write reports/table1/index.html (SEEDS=0,1,2 DATA= PRESET= EXTRA=)

reproduce-table1-entry: ROWS := $(ROWS),aif/table1/every_layer,aif/table1/every_layer_no_aux
reproduce-table1-entry: page  ## the same with y at every decoder layer beside it, half as long again

reproduce-jacsup-%: OVERRIDES = preset=$(PRESET) $(EXTRA)

reproduce-jacsup-figure1: TABLE := jacsup-figure1
reproduce-jacsup-figure1: ROWS := jacsup/chain,jacsup/control,jacsup/scratch
reproduce-jacsup-figure1: page  ## JacSup Figure 1: a code that grows, with and without Jacobian supervision

reproduce-jacsup-figure2: TABLE := jacsup-figure2
reproduce-jacsup-figure2: ROWS := jacsup/chain
reproduce-jacsup-figure2: page  ## JacSup Figure 2: what each new unit does, and moving

reproduce-jacsup-tradeoff: TABLE := jacsup-tradeoff
reproduce-jacsup-tradeoff: ROWS := jacsup/chain,jacsup/control,jacsup/scratch,jacsup/best
reproduce-jacsup-tradeoff: page  ## JacSup: reconstruction against control for every code size (SEEDS=0,1,2)

# Trains what isn't trained, judges what isn't judged, and makes the page even if a run failed; then says so and fails.
# Exit code 2 of the training is a mistake on the command line: nothing more is tried.
page: setup
	@$(BIN)/facet-train -m experiment=$(ROWS) seed=$(SEEDS) $(OVERRIDES); trained=$$?; \
	if [ $$trained -eq 2 ]; then exit 2; fi; \
	$(BIN)/facet-evaluate table=$(TABLE) 'seeds=[$(SEEDS)]' 'overrides=[$(LISTED)]'; judged=$$?; \
	$(BIN)/facet-report table=$(TABLE) 'seeds=[$(SEEDS)]' 'overrides=[$(LISTED)]' $(filter logger%,$(EXTRA)) && \
	echo "look at reports/$(TABLE)/index.html" && exit $$(( trained | judged ))

clean:  ## remove .venv and caches; runs and reports stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
