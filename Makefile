# Every target sets up .venv by itself; nothing but Python 3.11 to 3.13 and make is needed before.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ENGINES := $(VENV)/.engines

.PHONY: demo test check slow docs format clean

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info[:2] <= (3, 13); sys.exit(None if ok else "Python 3.11 to 3.13 is needed, this is %d.%d; set PYTHON=..." % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(READY)

# Other people's engines, which judge what we print for them, and the modules of the VS Code extension.
# Tests that need one skip with a reason where it can't be had.
$(ENGINES): $(READY) tests/engines/requirements.txt tests/engines/package.json editors/vscode/package-lock.json
	-$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -r tests/engines/requirements.txt \
	  && $(BIN)/pip install --quiet --disable-pip-version-check --no-deps xgrammar==0.2.8
	-if command -v npm >/dev/null; then \
	  (cd tests/engines && npm install --ignore-scripts --no-audit --no-fund --no-package-lock --loglevel=error) && \
	  (cd editors/vscode && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error); \
	fi
	touch $(ENGINES)

# Validates and explains an example.
demo: $(READY)
	$(BIN)/idiolect validate examples/lora-chat/scripts/train.okt
	$(BIN)/idiolect plan examples/lora-chat/scripts/train.okt
	$(BIN)/idiolect plan examples/lora-chat/scripts/train.okt --why epochs

# One process a core; a test file stays in one process.
test: $(READY) $(ENGINES)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist loadfile

# Format, lint, types, generated pages: everything but the tests.
check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/idiolect docs --check

slow: $(READY) $(ENGINES)
	$(BIN)/pytest -m slow

docs: $(READY)
	$(BIN)/idiolect docs

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
