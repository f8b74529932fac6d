# `make` lists the targets. Every target does its own set-up: a virtual environment in .venv, installed once.
# Another interpreter:  make run PYTHON=/path/to/python3.12
# The oldest versions:  make test VENV=.venv-oldest CONSTRAINTS=constraints-oldest.txt
# (in the same VENV, the versions that were asked for last replace the others)

VENV ?= .venv
CONSTRAINTS ?= constraints.txt
PYTHON ?=
CHAPTER ?=
MODULE ?=
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
comma := ,
READY := $(VENV)/ready-$(notdir $(CONSTRAINTS))
# $(call install,lab): the course with an extra, which pip compiles on the way.
install = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS) --editable ".[$1]"

.PHONY: help ready run test lint lab outputs exercises slides site test-browser test-toys test-data test-jax test-extras mutants results weights bench address release clean
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' Makefile

ready: $(READY) ## make the environment, if it is not there

run: $(READY) ## execute the chapters quickly, side by side, write them as pages to build/, print a table (CHAPTER=01 for one)
	$(BIN)/python -m tools.chapters run $(CHAPTER)

test: $(READY) lint ## unit tests, lint, and every chapter against its stored outputs
	$(BIN)/python -m pytest

lint: $(READY) ## style of the code and of the chapters
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

lab: $(READY) ## open the chapters in JupyterLab
	$(call install,lab)
	$(BIN)/python -m jupyterlab notebooks

outputs: $(READY) ## execute in the lecture profile and store the outputs (CHAPTER=01 for one)
	$(BIN)/python -m tools.chapters outputs $(CHAPTER)

exercises: $(READY) ## write the students' edition, without solutions, to build/exercises/ (CHAPTER=01 for one)
	$(BIN)/python -m tools.chapters exercises $(CHAPTER)

slides: $(READY) ## write the chapters as decks of slides to build/, for a browser without a network (CHAPTER=01 for one)
	$(call install,site)
	$(BIN)/python -m tools.chapters slides $(CHAPTER)

site: $(READY) ## write the course as a searchable site to build/site/, for a browser without a network
	$(call install,site)
	$(BIN)/python -m sphinx --quiet --fail-on-warning -c site . build/site

test-browser: site ## pages, slides, site and its toys in a headless browser (Chromium or Chrome must be installed)
	$(BIN)/python -m pytest -n 0 tests/browser.py tests/page_toys.py

test-toys: $(READY) ## move the chapters' toys in JupyterLab in a headless browser, trained quickly (CHAPTER=05 for one)
	$(call install,lab$(comma)site)
	$(BIN)/python -m pytest --dist=load --maxprocesses=4 -rP tests/toys.py $(if $(CHAPTER),-k $(CHAPTER)_)

test-data: $(READY) ## every chapter to its last cell on other data than its own
	$(BIN)/python -m pytest --dist=load -rP tests/other_data.py

test-jax: $(READY) ## the layers, losses, machines and stacks of aelib on Keras's JAX backend
	$(call install,dev$(comma)jax)
	KERAS_BACKEND=jax $(BIN)/python -m pytest -k "not goes_red" $(addprefix tests/test_,layers.py losses.py noise.py pretraining.py rbm.py)

test-extras: $(READY) ## two training processes against one, a sweep on a Dask cluster against a loop
	$(call install,dev$(comma)dask$(comma)jax)
	$(BIN)/python -m pytest -n 0 tests/cluster.py

mutants: $(READY) ## small faults of aelib that its tests miss, 60 tried of each module (MODULE=rbm for one)
	$(call install,dev$(comma)mutants)
	$(BIN)/python -m tools.mutants $(MODULE)

results: $(READY) ## measure what the tables of experiments/ do not hold yet (hours; may be killed and started again)
	$(BIN)/python -m experiments

weights: $(READY) ## train the small models of the site's toys, and write them to site/static/weights.js
	$(BIN)/python -m tools.toys

bench: $(READY) ## time and memory of the main jobs as ratios, to experiments/results/bench.csv
	$(BIN)/python -m tools.bench

address: $(READY) ## set the address that the chapters clone: git's origin, main (or URL=https://... VERSION=...)
	$(BIN)/python -m tools.chapters address "$(URL)" "$(VERSION)"

release: $(READY) ## make the chapters fetch a tag instead of main, and write the version's number (VERSION=v1.2.3)
	$(BIN)/python -m tools.chapters release "$(VERSION)"

clean: ## remove the environment and what was built
	rm -rf $(VENV) build

# The first Python that is new enough, not too new, and can make environments.
$(VENV)/made:
	@set -e; for python in $(if $(PYTHON),"$(PYTHON)",python3 python3.13 python3.12 python3.11 python); do \
	  version=$$("$$python" -c 'import sys, ensurepip, venv; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || version=none; \
	  case $$version in \
	    3.11|3.12|3.13) echo "using $$python ($$version)"; "$$python" -m venv "$(VENV)"; touch $@; exit 0;; \
	    none) found="$$found $$python (not there, or without venv);";; \
	    *) found="$$found $$python ($$version);";; \
	  esac; \
	done; \
	echo "The course needs Python 3.11, 3.12 or 3.13 (TensorFlow has no other)." >&2; \
	echo "Found:$$found" >&2; echo "Name one with: make run PYTHON=/path/to/python3.12" >&2; exit 1

$(READY): $(VENV)/made requirements.txt pyproject.toml $(CONSTRAINTS)
	@echo "installing the versions of $(CONSTRAINTS) into $(VENV): a minute or more, in silence"
	$(call install,dev) --no-compile
# Compiled on all cores, whatever the environment says of bytecode: without it an import of TensorFlow takes three times
# as long, in every process.
	$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true
	@rm -f $(VENV)/ready-*
	@touch $@
