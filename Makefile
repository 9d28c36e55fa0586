# Every target sets up .venv by itself; nothing but Python 3.11 to 3.13 and make is needed before.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test check slow docs format clean

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info[:2] <= (3, 13); sys.exit(None if ok else "Python 3.11 to 3.13 is needed, this is %d.%d; set PYTHON=..." % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(READY)

# Validates and explains an example.
demo: $(READY)
	$(BIN)/idiolect validate examples/lora-chat/scripts/train.okt
	$(BIN)/idiolect plan examples/lora-chat/scripts/train.okt
	$(BIN)/idiolect plan examples/lora-chat/scripts/train.okt --why epochs

test: $(READY)
	$(BIN)/pytest

# Format, lint, types, generated pages: everything but the tests.
check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/idiolect docs --check

slow: $(READY)
	$(BIN)/pytest -m slow

docs: $(READY)
	$(BIN)/idiolect docs

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
