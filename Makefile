# make help lists the targets. Everything below sets up .venv by itself and is quick when nothing is to be done.
.DEFAULT_GOAL := help
.PHONY: help setup test test-reliability test-slow lint format clean page reproduce-table1 reproduce-table1-beside reproduce-table2 \
	reproduce-table3 reproduce-table3-beside reproduce-aif $(addprefix reproduce-aif-figure,2 3 4 5 6 7) compare \
	reproduce-jacsup $(addprefix reproduce-jacsup-figure,1 2 3 4 5) reproduce-jacsup-tradeoff reproduce-jacsup-table1

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export FACET_DATA ?= $(if $(wildcard ../shared/data),$(abspath ../shared/data),)

# What may be said to the reproduce targets: SEEDS=0,1,2 DATA=avatars PRESET=embedded EXTRA="trainer=gpu"
SEEDS ?= 0
DATA ?= avatars
PRESET ?= embedded
EXTRA ?=
# Runs at a time; each gets its share of the cores, and with EXTRA=trainer=gpu a GPU of its own (SEEDS=0,1,2 JOBS=4).
# On CPUs two at a time take little more than half as long. With EXTRA=trainer=ddp every run takes all GPUs: JOBS=1.
JOBS ?= 1
comma := ,
empty :=
space := $(empty) $(empty)
OVERRIDES = data=$(DATA) preset=$(PRESET) $(EXTRA)
LAUNCHER = $(if $(filter-out 1,$(JOBS)),hydra/launcher=joblib hydra.launcher.n_jobs=$(JOBS))
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

TABLE := table1
ROWS := aif/table1/ours,aif/table1/no_aux,aif/table1/rec_class,aif/table1/icgan

reproduce-table1: page  ## AIF Table 1: train, judge, write reports/table1/index.html (SEEDS=0,1,2 DATA= PRESET= EXTRA=)

reproduce-table1-beside: ROWS := $(ROWS),aif/table1/best,aif/table1/every_layer,aif/table1/every_layer_no_aux
reproduce-table1-beside: page  ## the same with what is beyond the paper beside it: best, y at every decoder layer

# The paper's row of IcGAN is the same in both tables.
TABLE3 := $(addprefix aif/table3/,ours high_kl no_aux no_kl no_gan cvae_gan) aif/table1/icgan
commas = $(subst $(empty) ,$(comma),$(strip $1))

reproduce-table2: TABLE := table2
reproduce-table2: ROWS := aif/table3/ours,aif/table3/cvae_gan
reproduce-table2: page  ## AIF Table 2: against cVAE-GAN, residual networks

reproduce-table3 reproduce-table3-beside: TABLE := table3
reproduce-table3: ROWS := $(call commas,$(TABLE3))
reproduce-table3: page  ## AIF Table 3: the ablation, seven rows, residual networks

reproduce-table3-beside: ROWS := $(call commas,$(TABLE3) aif/table3/best aif/beyond/fader)
reproduce-table3-beside: page  ## the same with best and Fader Networks beside it

compare: TABLE := compare
FACES := $(addprefix jacsup/faces/,fader student control)
compare: ROWS := $(call commas,$(TABLE3) aif/table3/best aif/beyond/fader aif/figure4/many $(FACES))
compare: page  ## all systems by all measures, sortable, with Pareto plots

FIGURES := $(addprefix reproduce-aif-figure,2 3 4 5 6 7)
# Every page of AIF, sharing runs; a page that fails doesn't take the others along.
AIF := reproduce-table1 reproduce-table2 reproduce-table3-beside $(FIGURES) compare
each = @failed=; for each in $1; do $(MAKE) --no-print-directory $$each || failed="$$failed $$each"; done; \
	if [ -n "$$failed" ]; then echo "failed:$$failed"; exit 1; fi
reproduce-aif:  ## all tables and figures of AIF, and the comparison
	+$(call each,$(AIF))

$(foreach figure,$(FIGURES),$(eval $(figure): TABLE := $(figure:reproduce-%=%)))
reproduce-aif-figure2: ROWS := aif/figure4/many,aif/figure2/classifier
reproduce-aif-figure3: ROWS := aif/table3/ours,aif/table3/cvae_gan
reproduce-aif-figure4: ROWS := $(call commas,aif/table3/ours $(addprefix aif/figure4/,eyeglasses wearing_hat blond_hair many))
reproduce-aif-figure5: ROWS := aif/table3/ours,aif/table3/no_aux
reproduce-aif-figure6: ROWS := aif/table3/ours,aif/table3/no_gan
reproduce-aif-figure7: ROWS := $(call commas,aif/figure4/many $(addprefix aif/figure7/,dip_vae_i dip_vae_ii beta_vae))
reproduce-aif-figure2: page  ## AIF Figure 2: the encoder as a classifier
reproduce-aif-figure3: page  ## AIF Figure 3: faces edited by ours and by cVAE-GAN
reproduce-aif-figure4: page  ## AIF Figure 4: other attributes, one model each and one for all
reproduce-aif-figure5: page  ## AIF Figure 5: with and without L_aux
reproduce-aif-figure6: page  ## AIF Figure 6: with and without L_gan
reproduce-aif-figure7: page  ## AIF Figure 7: linear probes on DIP-VAE and β-VAE

reproduce-jacsup-%: OVERRIDES = preset=$(PRESET) $(EXTRA)

reproduce-jacsup-figure1: TABLE := jacsup-figure1
reproduce-jacsup-figure1: ROWS := jacsup/chain,jacsup/control,jacsup/scratch
reproduce-jacsup-figure1: page  ## JacSup Figure 1: a code that grows, with and without Jacobian supervision

reproduce-jacsup-figure2: TABLE := jacsup-figure2
reproduce-jacsup-figure2: ROWS := jacsup/chain
reproduce-jacsup-figure2: page  ## JacSup Figure 2: what each new unit does, and moving

$(addprefix reproduce-jacsup-,figure3 figure4 figure5 table1): OVERRIDES = data=$(DATA) preset=$(PRESET) $(EXTRA)

reproduce-jacsup-figure3: TABLE := jacsup-figure3
reproduce-jacsup-figure3: ROWS := jacsup/faces/student,jacsup/faces/no_jacobian,jacsup/faces/control
reproduce-jacsup-figure3: page  ## JacSup Figure 3: teacher and students of faces, with and without Jacobian supervision

reproduce-jacsup-figure4: TABLE := jacsup-figure4
reproduce-jacsup-figure4: ROWS := jacsup/faces/student
reproduce-jacsup-figure4: page  ## JacSup Figure 4: every attribute amplified and removed

reproduce-jacsup-figure5: TABLE := jacsup-figure5
reproduce-jacsup-figure5: ROWS := jacsup/faces/student,jacsup/faces/fader
reproduce-jacsup-figure5: page  ## JacSup Figure 5: teacher and student beside Fader Networks

reproduce-jacsup-table1: TABLE := jacsup-table1
reproduce-jacsup-table1: ROWS := $(call commas,$(addprefix jacsup/faces/,student fader) aif/figure4/many aif/table3/cvae_gan aif/table1/icgan)
reproduce-jacsup-table1: page  ## JacSup Table 1: what the methods are like, measured

# Every page of JacSup; a page that fails doesn't take the others along.
JACSUP := $(addprefix reproduce-jacsup-,figure1 figure2 tradeoff figure3 figure4 figure5 table1)
reproduce-jacsup:  ## all figures and tables of JacSup
	+$(call each,$(JACSUP))

reproduce-jacsup-tradeoff: TABLE := jacsup-tradeoff
reproduce-jacsup-tradeoff: ROWS := jacsup/chain,jacsup/control,jacsup/scratch,jacsup/best
reproduce-jacsup-tradeoff: page  ## JacSup: reconstruction against control for every code size (SEEDS=0,1,2)

# Trains what isn't trained, judges what isn't judged, and makes the page even if a run failed; then says so and fails.
# Exit code 2 of the training is a mistake on the command line, 130 is Ctrl-C: nothing more is tried.
page: setup
	@$(BIN)/facet-train -m experiment=$(ROWS) seed=$(SEEDS) $(OVERRIDES) $(LAUNCHER); trained=$$?; \
	if [ $$trained -eq 2 ] || [ $$trained -eq 130 ]; then exit $$trained; fi; \
	$(BIN)/facet-evaluate table=$(TABLE) 'seeds=[$(SEEDS)]' 'overrides=[$(LISTED)]'; judged=$$?; \
	$(BIN)/facet-report table=$(TABLE) 'seeds=[$(SEEDS)]' 'overrides=[$(LISTED)]' $(filter logger%,$(EXTRA)) && \
	echo "look at reports/$(TABLE)/index.html" && exit $$(( trained | judged ))

clean:  ## remove .venv and caches; runs and reports stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
