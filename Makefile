# One command each, on a fresh machine with python3.11 (or 3.12), git, make and gcc.
PYTHON ?= python3.11
TORCH  ?= torch==2.13.0
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
DOCS   := $(VENV)/.docs

# No stage, test or tool phones home.
export DVC_NO_ANALYTICS := 1
export GX_ANALYTICS_ENABLED := false
export HF_HUB_DISABLE_TELEMETRY := 1
export DO_NOT_TRACK := 1
# uv trusts the certificates that the machine trusts (hospital proxies bring their own).
export UV_SYSTEM_CERTS := true
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Each of some sixty stages would compile its libraries anew: 2 to 4 s of each.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup repro ablations ablation-table remote check-lock bench test test-fast test-unit lint docs docs-serve format clean

help:  ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

setup: $(READY)  ## Virtual environment with the pinned packages (about 40 s and 2.4 GB with a CPU build of torch)

$(READY): $(filter-out requirements/docs.txt,$(wildcard requirements/*.txt)) pyproject.toml setup.py
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	@# uv does not read pip's find-links, where a machine may keep a CPU build of torch: hand existing folders on.
	links=""; for folder in $$($(BIN)/python -m pip config get global.find-links 2>/dev/null); do \
	    if [ -d "$$folder" ]; then links="$$links --find-links $$folder"; fi; done; \
	export VIRTUAL_ENV="$$PWD/$(VENV)"; \
	$(BIN)/uv pip install --quiet $$links "$(TORCH)" && \
	$(BIN)/uv pip install --quiet --no-deps -r requirements/lock.txt -r requirements/build.txt -r requirements/dev.txt && \
	PYTHONPATH=requirements/python312 $(BIN)/uv pip install --quiet --no-cache --no-deps --no-build-isolation -r requirements/sdist.txt && \
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation -e .
	@touch $(READY)

repro: setup  ## Rebuild everything that is out of date, then print the results
	@$(BIN)/dvc repro
	@$(BIN)/radprompt summary

ablations: setup  ## Run a table of ablations.yaml: make ablations TABLE=3 [JOBS=1]; killed, it goes on where it was
	@$(BIN)/radprompt ablations $(TABLE) $(if $(JOBS),--jobs $(JOBS))

ablation-table: setup  ## Collect it into metrics/ablations: make ablation-table TABLE=3
	@$(BIN)/radprompt ablation-table $(TABLE)

remote: setup  ## Where dvc push and dvc pull go: make remote URL=ssh://host/path (or s3, gs, azure, webdavs, a folder)
	@$(BIN)/radprompt remote '$(value URL)' $(if $(ENDPOINT),--endpoint '$(value ENDPOINT)')

check-lock: setup  ## Fail where code, params, data or figures changed and dvc.lock did not
	@$(BIN)/radprompt check-lock

bench: setup  ## Beside the plain ways, on an idle machine (5 to 12 min; docs/speed.md); some: make bench PART="head 8"
	@$(BIN)/python benchmarks/bench.py $(PART)

test: setup  ## All tests, the tiny pipeline through real DVC included (20 to 45 min)
	@# One thread per test process: there are as many processes as cores, up to four.
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder --durations 20

test-fast: setup  ## Unit tests without torch, DVC and images: before each commit
	$(BIN)/python -m pytest tests/unit --fast -m "not slow" -q -n auto --maxprocesses 4 --dist loadfile

test-unit: setup  ## Unit tests only
	$(BIN)/python -m pytest tests/unit

lint: setup  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(DOCS): $(READY) requirements/docs.txt
	VIRTUAL_ENV="$$PWD/$(VENV)" $(BIN)/uv pip install --quiet --no-deps -r requirements/docs.txt
	@touch $(DOCS)

docs: $(DOCS)  ## The documentation, site/index.html; fails on a link, anchor or page that is not there (about 10 s)
	$(BIN)/python docs/tools/prepare.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

docs-serve: docs  ## The documentation on http://127.0.0.1:8000
	$(BIN)/python -m http.server --directory site --bind 127.0.0.1 8000

format: setup  ## Let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## Remove the environment; data, models and metrics stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
