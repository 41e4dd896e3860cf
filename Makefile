# make run: the virtual hall with its page.  make test: every test that this machine can run.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
AXE := axe-core@4.14.1

.PHONY: run test lint bench pages setup axe clean

run: setup
	$(BIN)/besuk sim $(ARGS)

test: .venv/test axe
	$(BIN)/python -m pytest -rs -n auto --dist worksteal $(ARGS)

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: setup
	@for script in tests/bench/bench_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

# Pictures of every page, for docs/pages.md, from a running hall.
pages: .venv/dev
	$(BIN)/python tests/e2e/make_pictures.py $(ARGS)

setup: .venv/ready

# What judges the pages' accessibility; without npm its tests are skipped, and say so.
axe:
	@[ -e .venv/axe/node_modules/axe-core/axe.min.js ] || ! command -v npm >/dev/null || \
		npm install --silent --no-save --no-package-lock --ignore-scripts --prefix .venv/axe $(AXE) || \
		echo "$(AXE) could not be fetched"

.venv/ready: requirements.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) was not found. Try: make PYTHON=python3.12"; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "besuk needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.12"; exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
		{ echo "$(PYTHON) cannot make a virtual environment. On Debian: sudo apt install python3-venv"; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

.venv/test: .venv/ready requirements-test.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -r requirements-test.txt
	@touch $@

.venv/dev: .venv/test requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -r requirements-dev.txt
	@touch $@

clean:
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
