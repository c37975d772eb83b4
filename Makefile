# Python 3.11 or newer, make and the package registries are all that is needed.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
# two files at a time, in their order: the longest stand first
PYTEST := $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

.PHONY: demo test test-all check bench lock

demo: .venv/runtime ## real data through the whole path, to a real ring in a browser
	$(BIN)/ringtrace demo $(ARGS)

test: .venv/dev ## all but what needs a browser, promtool or a full JDK, or takes minutes
	$(PYTEST) -m "not extra and not long" $(ARGS)

test-all: .venv/dev ## everything; fails when a needed tool is missing
	$(PYTEST) --durations=20 --durations-min=20 $(ARGS)

check: .venv/dev ## style, types, direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/dev ## both sides, the spread, CPU and memory: make bench ARGS="clients --json FILE"
	$(BIN)/python -m tests.benchmarks $(ARGS)

lock: .venv/dev ## pin what pyproject.toml asks for, without naming a registry
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-annotate --no-header --extra build pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-annotate --no-header --extra build --extra dev --extra s3 pyproject.toml \
		-o requirements-dev.lock

.venv/pip: 
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Ringtrace needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv .venv
	@touch $@

.venv/runtime: .venv/pip requirements.lock pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev: .venv/runtime requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
