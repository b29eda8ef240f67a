# make demo: 48 samples with realistic seals in demo/.  make test, make lint: the checks.
# Everything is installed into $(VENV); only Python >= 3.10 with venv is needed beforehand.

PYTHON ?= python3
VENV ?= .venv
JOBS ?= auto
FORGER ?= default
BIN = $(VENV)/bin

.PHONY: demo test lint install install-dev clean

# `pip install` takes whole minutes; the stamps say which set is in place, and a changed pyproject.toml renews it.
$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/.installed-dev: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	touch $(VENV)/.installed $@

install: $(VENV)/.installed

install-dev: $(VENV)/.installed-dev

demo: install
	HF_HUB_OFFLINE=1 $(BIN)/seal2real generate demo --count 48 --forger $(FORGER) --resume
	@echo "Open demo/preview.jpg to see them; demo/README.md says what the files hold."

test: install-dev
	HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest -n $(JOBS)

lint: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf demo build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis
