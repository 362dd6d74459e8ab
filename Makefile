# Two commands do everything: `make chat` opens the chat page, `make test` runs every check.
# PYTHON chooses the interpreter the environment is made with (3.11, 3.12 or 3.13).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export GRADIO_ANALYTICS_ENABLED := False

.PHONY: chat test setup setup-dev check format lint types pytest story soak lock clean

chat: setup
	$(BIN)/python app.py

test: check

# Each set-up runs again only when its lock file has changed since.
setup: $(VENV)/.installed
setup-dev: $(VENV)/.installed-dev

$(BIN)/python:
	$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info[:2] <= (3, 13); sys.exit(0 if ok else "Python 3.11, 3.12 or 3.13 is needed, not %d.%d. Name one: make PYTHON=python3.12" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock | $(BIN)/python
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	touch $@

$(VENV)/.installed-dev: requirements-dev.lock | $(BIN)/python
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	touch $@ $(VENV)/.installed

check: lint types pytest

lint: setup-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: setup-dev
	$(BIN)/mypy

pytest: setup-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not story and not soak and not learning"

format:
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

story: setup-dev
	$(BIN)/python -m pytest -m story

soak: setup-dev
	$(BIN)/python -m pytest -m "soak or learning"

# Renews both locks from requirements*.txt; the universal lock serves every platform and version.
lock:
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes requirements.txt -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes requirements-dev.txt -c requirements.lock -o requirements-dev.lock

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
