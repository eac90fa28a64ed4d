# make help lists the targets. Everything below makes .venv by itself and skips finished work.
.PHONY: help setup test test-reliability test-whole test-slow lint format docs demo clean gpu
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SETUP ?= yes  # no: with the Python that is there, and nothing is installed
RUN := $(if $(filter no,$(SETUP)),$(PYTHON),$(BIN)/python) -m
export FACET_DATA ?= $(if $(wildcard ../shared/data),$(abspath ../shared/data),)
help:  ## list the targets
	@grep -hE '^[a-z0-9%-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 28
	@for page in conf/page/*.yaml; do sed -n "1s/^# /reproduce-$$(basename $$page .yaml)\t/p" $$page; done | expand -t 28

# The environment is made anew when what it is made from changes; what only developers need comes with the target that
# needs it. uv takes less than half of pip's time. Where uv fails, as behind a mirror that only pip's settings name, pip does it.
install = $(BIN)/python -m pip install --quiet --constraint constraints.txt uv && $(BIN)/uv pip install --python $(BIN)/python --quiet --compile-bytecode --constraint constraints.txt --editable '$(1)' || $(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '$(1)'
$(VENV)/.ready: constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Facet needs Python 3.11 or newer: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(call install,.)
	@touch $@
$(VENV)/.%: $(VENV)/.ready
	$(call install,.[$*])
	@touch $@
setup: $(if $(filter no,$(SETUP)),,$(VENV)/.ready)  ## make .venv with everything pinned by constraints.txt

# A worker for every core, each with one thread; a file's tests share what they train, so they go to the same worker.
test: $(VENV)/.dev  ## the test suite (≤ 6 minutes on two cores)
	@$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder --durations 15
test-reliability: $(VENV)/.dev  ## the tests of docs/reliability.md (CI runs them after make test; ≤ 10 minutes on two cores)
	@$(BIN)/python -m pytest -m reliability --numprocesses auto --dist load --durations 15
test-whole: $(VENV)/.dev  ## the tests from data to page, worked examples, exports, notebooks, the site in Chromium (≤ 5 minutes)
	@$(BIN)/python -m pytest -m whole --numprocesses auto --dist loadfile --durations 5
test-slow: $(VENV)/.dev  ## the tests that make test leaves out: the wheel in an empty environment (5 GB, minutes)
	@$(BIN)/python -m pytest -m slow --durations 0
lint: $(VENV)/.dev  ## ruff (lint and format) and mypy, as CI runs them
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
format: $(VENV)/.dev  ## let ruff mend what it can
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .
docs: $(VENV)/.docs  ## the documentation's pages into build/docs/index.html; a warning is an error
	@$(BIN)/python -m sphinx -q -W --keep-going -b html docs build/docs
demo: $(VENV)/.demo  ## a page with sliders and the models that come with Facet (Ctrl-C ends it)
	@$(RUN) facet.demo $(EXTRA)
reproduce-%-beside: setup  ## a page with what is beyond the paper beside it
	@$(RUN) facet.reproduce $* beside=true $(SEEDS:%=seeds=%) $(DATA:%=data=%) $(PRESET:%=preset=%) $(JOBS:%=jobs=%) $(EXTRA)
reproduce-%: setup  ## a page, or all of aif, jacsup or all; SEEDS=0,1,2 DATA=celeba PRESET=paper JOBS=2 EXTRA="trainer=gpu"
	@$(RUN) facet.reproduce $* $(SEEDS:%=seeds=%) $(DATA:%=data=%) $(PRESET:%=preset=%) $(JOBS:%=jobs=%) $(EXTRA)
gpu: setup  ## what a GPU is wanted for, in seven minutes, into gpu/gpu.tar.gz (SIZE=0.01 rehearses it on a CPU)
	@$(RUN) facet.benchmarks.gpu $(SIZE:%=size=%)
clean:  ## remove .venv and caches; runs and reports stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
