# make serve: install, build the first edition, serve page and API.   make test: install what it lacks, run every test.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: serve install test lint bench clean

serve: install
	@exec $(BIN)/cluster-talks serve

install: .venv/.installed
test: .venv/.installed-test
	@sh tests/install-debian
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

bench: .venv/.installed-test
	$(BIN)/python -m tests.benchmarks.ask
	$(BIN)/python -m tests.benchmarks.page

# torch comes first and by itself: left to the resolver it would bring gigabytes of CUDA packages.
.venv/.installed: pyproject.toml constraints.txt
	@test -x $(BIN)/python || { echo "Creating .venv …"; $(PYTHON) -m venv .venv; }
	@echo "Installing (first time: some minutes) …"
	@$(PIP) install -c constraints.txt torch
	@$(PIP) install -c constraints.txt -e .
	@touch $@

.venv/.installed-test: .venv/.installed
	@$(PIP) install -c constraints.txt -e '.[test]'
	@touch $@

clean:
	rm -rf .venv data
