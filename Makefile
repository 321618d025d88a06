# Each target does all of its own set-up: a fresh clone, Python 3.11 or later, make and a network
# are enough. Everything goes into .venv and .cache, which `make clean` removes.

PYTHON ?= $(firstword $(foreach python,python3 python3.14 python3.13 python3.12 python3.11,$(shell $(python) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(python))))
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
WHEEL ?= numpy

.DEFAULT_GOAL := help
.PHONY: help demo test wheels-test roots-test loading-test repair-test lowering-test lint types docs bench check clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo: $(VENV)/installed  ## audit a real wheel from the index (WHEEL=numpy)
	$(BIN)/perennial show $(WHEEL)

test: $(VENV)/installed-test  ## run the test suite
	$(BIN)/python -m pytest -n auto -m "not wheels and not roots and not loading and not lowering and not repair" $(ARGS)

wheels-test: $(VENV)/installed-test  ## run the tests that download real wheels
	$(BIN)/python -m tests.wheels.download
	$(BIN)/python -m pytest -n auto -m wheels $(ARGS)

roots-test: $(VENV)/installed-test  ## compare with systems that mmdebstrap installs (Debian only, as root)
	$(BIN)/python -m tests.roots learned pythons
	$(BIN)/python -m pytest -n auto -m roots $(ARGS)

loading-test: $(VENV)/installed-test  ## load edited libraries on every architecture (Debian, qemu-user, as root)
	$(BIN)/python -m tests.roots loading
	$(BIN)/python -m pytest -n auto -m loading $(ARGS)

repair-test: $(VENV)/installed-test  ## build real projects, repair them, run them elsewhere (Debian with -dev packages, as root)
	$(BIN)/python -m tests.roots bare
	$(BIN)/python -m tests.repair.unrepaired
	$(BIN)/python -m pytest -n auto -m repair $(ARGS)

lowering-test: $(VENV)/installed-test  ## lower what was built on new systems, run it on old ones (Debian, qemu-user, as root)
	$(BIN)/python -m tests.roots lowering
	$(BIN)/python -m tests.lowering
	$(BIN)/python -m pytest -n auto -m lowering $(ARGS)

lint: $(VENV)/installed-dev  ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/installed-dev  ## mypy, strict
	$(BIN)/mypy

docs: $(VENV)/installed-docs  ## build the documentation, warnings are errors
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build
	@echo "docs/_build/index.html"

bench: $(VENV)/installed-test  ## compare with auditwheel on real wheels (BENCH=all adds tensorflow)
	$(BIN)/python bench/show.py
	$(BIN)/python bench/repair.py

check: test lint types docs wheels-test roots-test loading-test repair-test lowering-test  ## everything that CI runs

clean:  ## remove what the other targets made
	rm -rf $(VENV) .cache docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "perennial needs Python 3.11 or later; say which: make PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(VENV)/bin/python pyproject.toml
	$(PIP) --editable .
	@touch $@

$(VENV)/installed-%: $(VENV)/bin/python pyproject.toml
	$(PIP) --editable '.[$*]'
	@touch $@
