# Everything from nothing: a virtual environment with locked dependencies, then what you asked for.
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# One more than there are cores, since some tests wait for clocks and networks.
WORKERS ?= $(shell echo $$(($$(nproc 2>/dev/null || echo 2) + 1)))
# The state commits to disk all the time; in memory the same tests take a third of the time.
SCRATCH := $(shell test -w /dev/shm && echo --basetemp=/dev/shm/bexsync-tests-$$PPID)

# What pytest makes of the test modules is kept, whatever the surroundings say: it costs seconds of every worker.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test real faults proofs check fix docs bench lock clean

demo: $(READY)  ## login, invoices into a local bexio and payments back, twice; BROWSER=1 to log in yourself
	@$(BIN)/python examples/demo.py $(if $(filter command line,$(origin BROWSER)),--browser)

test: $(READY)  ## every rule, the proofs in their shortest form; LONG=1 for all that CI runs; AT=2028-02-29T22:30Z for that date; ONLY=tests/jobs for a part
	@$(if $(AT),TESTS_AT=$(AT)) $(BIN)/pytest -n $(WORKERS) --dist worksteal $(SCRATCH) $(ONLY) \
	  -m "not slow and not real$(if $(LONG),, and not long)"

real: $(READY)  ## against real parts of the system: Chromium, gnome-keyring, cron; skips what is not installed
	@$(BIN)/pytest -n 3 --dist loadfile $(SCRATCH) -m real -rs

faults: $(READY)  ## every proof in full: the table of docs/exactly-once.md, made anew
	@rm -rf .verdicts
	@BEXSYNC_VERDICTS=$(CURDIR)/.verdicts $(BIN)/pytest tests/faults tests/crash -n $(WORKERS) --dist worksteal $(SCRATCH)
	@$(BIN)/python tests/faults/table.py .verdicts docs/exactly-once.md

proofs: $(READY)  ## how much is proved: tests, boundaries, cells, mutations; to be compared before and after a change
	@$(BIN)/python tests/proofs.py

check: $(READY)  ## lint, formatting, types, import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet . || { echo "formatting: run make fix"; exit 1; }
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

fix: $(READY)  ## what can be mended by itself
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

docs: $(READY)  ## the pages that are made from what the program says: docs/cli.md, docs/bad-input.md
	@BEXSYNC_WRITE_DOCS=1 $(BIN)/pytest -n0 tests/cli/test_cli_docs.py tests/cli/test_bad_input.py

bench: $(READY)  ## requests, time and memory, measured on the sandbox; QUICK=1 for the shares of the request limit alone
	@$(BIN)/python -m bench $(if $(QUICK),--quick)

lock:  ## renew requirements-dev.lock from pyproject.toml
	@$(BIN)/pip install --quiet pip-tools
	@$(BIN)/pip-compile --quiet --upgrade --generate-hashes --extra dev --strip-extras --allow-unsafe \
	  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links -o requirements-dev.lock pyproject.toml

clean:
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(READY): requirements-dev.lock pyproject.toml
	@echo "Setting up $(VENV) (once) ..."
	@test -n "$(PYTHON)" || { echo "bexsync needs Python 3.11 or newer; none was found."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-build-isolation --no-deps -e .
	@touch $@
