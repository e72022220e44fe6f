# Two commands for a newcomer: `make serve` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?=
APP ?= examples/hello.py
FUZZ_SECONDS ?= 60
PREFIX ?= /usr/local
export PYTHON

# Another interpreter gets an environment and a build of its own: test-free-threaded.
venv := $(or $(VENV),.venv)
python := $(venv)/bin/python
release := $(or $(RELEASE),build/release)
cmake := env PATH="$(CURDIR)/$(venv)/bin:$(PATH)" cmake

.PHONY: build serve test test-free-threaded install docs-cpp bench bench-quick bench-executor bench-robustness lint format sanitize fuzz clean help force

build: $(venv)/.installed $(release)/build.ninja  ## Set everything up: system packages, Python, .venv, the engine
	@$(cmake) --build $(release) --target _engine -- -n | grep -q 'no work to do' || \
	  $(cmake) --build $(release) --target _engine
	@$(cmake) --install $(release) --component python --prefix "$$(cat $(venv)/.site-packages)" >/dev/null
	@# Where Python may not write bytecode (PYTHONDONTWRITEBYTECODE), every worker would compile the package anew.
	@$(python) -m compileall -q fasterapi

serve: build  ## Serve APP (examples/hello.py) on 127.0.0.1:8000 in the foreground
	@exec $(venv)/bin/fasterapi run $(APP) $(ARGS)

test: build .cache/system-test  ## Run every test: C++, Python, end to end, conformance, tidy
	@PATH="$(CURDIR)/$(venv)/bin:$(PATH)" $(python) tools/run_tests.py $(TESTS)

test-free-threaded: .cache/system-test  ## Run the Python and end-to-end tests on a free-threaded CPython, which is built first
	@$(MAKE) test PYTHON="$$(tools/build-free-threaded)" VENV=.venv-free-threaded RELEASE=build/free-threaded \
	  TESTS="$(or $(TESTS),tests/python tests/e2e)"

install: $(venv)/.python  ## Install the C++ library, for find_package(fasterapi), below PREFIX (/usr/local)
	@$(cmake) --preset package >/dev/null
	@$(cmake) --build --preset package
	@$(cmake) --install build/package --component cpp --prefix "$(PREFIX)" >/dev/null
	@echo "installed: $(PREFIX)"

docs-cpp: $(venv)/.python .cache/system-docs  ## Build the reference of the C++ library: build/docs-cpp/html
	@$(python) -m tools.docs_cpp

bench: build .cache/system-bench  ## Measure against the limit and the peers; writes a table, JSON and a chart
	@exec benchmarks/run $(BENCH)

bench-quick: build .cache/system-bench  ## Measure FasterAPI against the limit only, in less than a minute
	@exec benchmarks/run --quick $(BENCH)

bench-executor: build .cache/system-bench-executor $(venv)/.bench-executor-tools  ## Measure the executors beside others; writes a table and JSON
	@PATH="$(CURDIR)/$(venv)/bin:$(PATH)" benchmarks/executor/run $(BENCH)

bench-robustness: build .cache/system-bench  ## Measure what happens when something goes wrong; writes a table and JSON
	@exec benchmarks/robustness/run $(BENCH)

lint: build $(venv)/.lint-tools  ## Check format, lint and types of C++, Python and shell
	@PATH="$(CURDIR)/$(venv)/bin:$(PATH)" tools/lint check

format: build $(venv)/.lint-tools  ## Format C++ and Python in place
	@PATH="$(CURDIR)/$(venv)/bin:$(PATH)" tools/lint fix

sanitize: build .cache/system-test  ## ASan+UBSan and TSan: C++ tests, and the server under its end-to-end tests
	@PATH="$(CURDIR)/$(venv)/bin:$(PATH)" tools/sanitize $(SANITIZERS)

fuzz: $(venv)/.installed .cache/system-fuzz  ## Fuzz the parsers for FUZZ_SECONDS (60) per target
	@PATH="$(CURDIR)/$(venv)/bin:$(PATH)" tools/fuzz $(FUZZ_SECONDS)

clean:  ## Remove everything that was built or installed here (.venv too)
	rm -rf build dist .venv .venv-free-threaded .cache .mypy_cache .ruff_cache .pytest_cache
	find fasterapi tests examples benchmarks tools -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

help:  ## Show this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20
	@echo "  Variables: PYTHON=/path/to/python3  APP=app.py  ARGS='--port 9000'  TESTS='tests/e2e -k stop'  FUZZ_SECONDS=300  PREFIX=/opt/fasterapi"

# What is set up once leaves a stamp in .venv or .cache; a stamp is renewed when what it was made from changes.

.cache/system-%: tools/system-packages
	@tools/system-packages $*
	@mkdir -p .cache && touch $@

# An explicit PYTHON=… is always looked at: make-venv starts afresh when it is another interpreter.
$(venv)/.python: tools/make-venv pyproject.toml $(if $(PYTHON),force) | .cache/system-build
	@tools/make-venv $(venv) $(release)

$(release)/build.ninja: CMakePresets.json | $(venv)/.python
	@$(cmake) --preset release -B $(release) -DPython_EXECUTABLE="$(CURDIR)/$(python)" >/dev/null
	@touch $@

# The engine is built here, in sight, so that pip finds nothing left to compile.
$(venv)/.installed: pyproject.toml $(venv)/.python | $(release)/build.ninja
	@$(cmake) --build $(release) --target _engine
	@PATH="$(CURDIR)/$(venv)/bin:$(PATH)" $(python) -m pip install --quiet --no-build-isolation \
	  --config-settings=build-dir=$(release) --editable .
	@$(python) -c 'import sysconfig; print(sysconfig.get_path("platlib"))' >$(venv)/.site-packages
	@touch $@

$(venv)/.lint-tools: pyproject.toml .cache/system-lint $(venv)/.python
	@$(python) -m pip install --quiet --group lint
	@touch $@

$(venv)/.bench-executor-tools: pyproject.toml $(venv)/.python
	@$(python) -m pip install --quiet --group bench-executor
	@touch $@

force:
