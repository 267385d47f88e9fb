# Needs GNU make (3.81 and later) and a POSIX shell. pip's own configuration (indexes, proxies, CA
# bundles) is never overridden here.

VENV ?= .venv
# Parallel workers of the unit tests.
WORKERS ?= 2

# `make demo PYTHON=/path/to/python3.12` chooses the interpreter; else the first that serves.
ifneq ($(strip $(PYTHON)),)
CANDIDATES := $(PYTHON)
else
CANDIDATES := python3.13 python3.12 python3.11 python3 python
endif

BIN := $(VENV)/bin
# What an install copies, an editable one too, and so does again when it changes.
COPIED := pyproject.toml $(wildcard labextension/leafmesh-nb/*.json labextension/leafmesh-nb/static/*)
PIP_INSTALL := "$(BIN)/python" -m pip install --quiet --disable-pip-version-check

# Loopback bypasses proxies: JupyterLab talks to its own kernels. Both spellings get the same value,
# since programs differ in which one they read first.
comma := ,
LOOPBACK := 127.0.0.1,localhost,::1
USERS_NO_PROXY := $(or $(no_proxy),$(NO_PROXY))
# A lone `*` already bypasses every proxy, and only as long as it stands alone.
ifeq ($(filter *,$(USERS_NO_PROXY))$(findstring $(LOOPBACK),$(USERS_NO_PROXY)),)
no_proxy := $(USERS_NO_PROXY)$(if $(USERS_NO_PROXY),$(comma))$(LOOPBACK)
else
no_proxy := $(USERS_NO_PROXY)
endif
NO_PROXY := $(no_proxy)
export no_proxy NO_PROXY

.PHONY: help demo lab test lint types floors unit notebooks wheel bench clean

help:
	@echo 'make demo       set up and run the quickstart without a browser'
	@echo 'make lab        set up and open the quickstart in JupyterLab'
	@echo 'make test       set up and run every test; in pieces:'
	@echo '  make lint         ruff, rules and format'
	@echo '  make types        mypy'
	@echo '  make floors       which package may import which'
	@echo '  make unit         pytest, with the browser tests'
	@echo '  make notebooks    the notebooks run from top to bottom'
	@echo '  make wheel        the built wheel in a clean environment'
	@echo 'make bench      measure, beside other engines'
	@echo 'make clean      remove what these commands made (journals stay)'

demo: $(VENV)/.stamp-run
	@"$(BIN)/leafmesh-nb" demo

lab: $(VENV)/.stamp-run
	@"$(BIN)/leafmesh-nb" lab

test: lint types floors unit notebooks wheel
	@echo 'All tests passed.'

lint: $(VENV)/.stamp-test
	"$(BIN)/ruff" check
	"$(BIN)/ruff" format --check

types: $(VENV)/.stamp-test
	"$(BIN)/mypy"

floors: $(VENV)/.stamp-test
	"$(BIN)/lint-imports"

# Two plugins stay out: nbval takes seconds to load in every worker, and pytest-benchmark (which
# `make bench` installs) warns about running beside workers.
unit: $(VENV)/.stamp-test
	"$(BIN)/python" -m pytest -n $(WORKERS) --dist loadgroup -p no:nbval -p no:benchmark

# Warnings are errors in our own tests; here the plugin's and the kernel's are not ours.
notebooks: $(VENV)/.stamp-test
	@set -- notebooks/*.ipynb; \
	if [ ! -e "$$1" ]; then echo 'No notebooks yet: nothing to run.'; exit 0; fi; \
	scratch=$$(mktemp -d); trap 'rm -rf "$$scratch"' EXIT; \
	LEAFMESH_ANSWERS="$(CURDIR)/tests/fixtures/answers.json" \
	LEAFMESH_JOURNAL="$$scratch/journal.db" LEAFMESH_SIGNING_KEY="$$scratch/key.pem" \
	IPYTHONDIR="$$scratch/ipython" \
	"$(BIN)/python" -m pytest --nbval-lax --nbval-current-env -W default "$$@"

wheel: $(VENV)/.stamp-test
	"$(BIN)/python" -m pytest -p no:nbval -m wheel tests/packaging

bench: $(VENV)/.stamp-bench
	@for script in tests/benchmarks/bench_*.py; do \
	  echo "$$script"; "$(BIN)/python" "$$script" || exit 1; echo; done

clean:
	rm -rf "$(VENV)" build dist leafmesh-demo
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks
	find leafmesh_nb notebooks tests -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/.stamp-run: $(VENV)/.stamp-venv $(COPIED)
	@echo 'Installing leafmesh-nb into $(VENV) (a few minutes the first time) ...'
	@$(PIP_INSTALL) -e '.[deploy]'
	@touch "$@"

# The test environment contains what a run needs.
$(VENV)/.stamp-test: $(VENV)/.stamp-venv $(COPIED)
	@echo 'Installing leafmesh-nb and its test tools into $(VENV) (a few minutes the first time) ...'
	@$(PIP_INSTALL) -e '.[test,lab]'
	@touch "$(VENV)/.stamp-run" "$@"

$(VENV)/.stamp-bench: $(VENV)/.stamp-venv $(COPIED)
	@echo 'Installing leafmesh-nb and the engines it is measured against into $(VENV) ...'
	@$(PIP_INSTALL) -e '.[test,lab,bench]'
	@touch "$(VENV)/.stamp-run" "$(VENV)/.stamp-test" "$@"

# An interpreter that is gone (upgraded away, or never there) voids the stamp.
ifeq ($(realpath $(BIN)/python),)
.PHONY: $(VENV)/.stamp-venv
endif

# A working environment that is already there is kept. Each candidate is run, not only looked up:
# version managers put names on PATH that do not work.
$(VENV)/.stamp-venv:
	@serves() { "$$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }; \
	if serves "$(BIN)/python" && "$(BIN)/python" -c 'import pip' >/dev/null 2>&1; then \
	  touch "$@"; exit 0; \
	fi; \
	found=; too_old=; no_venv=; \
	for candidate in $(CANDIDATES); do \
	  version=$$("$$candidate" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' \
	    2>/dev/null) || continue; \
	  if ! serves "$$candidate"; then \
	    too_old="$$too_old $$candidate ($$version)"; \
	  elif ! "$$candidate" -c 'import venv, ensurepip' >/dev/null 2>&1; then \
	    no_venv=$${no_venv:-$$candidate}; \
	  else \
	    found=$$candidate; break; \
	  fi; \
	done; \
	if [ -z "$$found" ]; then \
	  { \
	    if [ -n "$$no_venv" ]; then \
	      echo "$$no_venv cannot make virtual environments: it lacks venv or ensurepip."; \
	      echo "  Debian, Ubuntu: sudo apt install $${no_venv##*/}-venv"; \
	    else \
	      echo 'leafmesh-nb needs Python 3.11 or newer, and there is none on PATH.'; \
	      [ -z "$$too_old" ] || echo "  Found, but too old:$$too_old"; \
	      echo '  Debian, Ubuntu: sudo apt install python3 python3-venv'; \
	    fi; \
	    echo '  macOS:          brew install python'; \
	    echo '  Windows:        use WSL, or without make: py -m venv .venv, then'; \
	    echo '                  .venv\Scripts\pip install . and .venv\Scripts\leafmesh-nb demo'; \
	    echo '  Elsewhere:      make PYTHON=/path/to/python3.12 ...'; \
	  } >&2; \
	  exit 1; \
	fi; \
	echo "Making $(VENV) with $$found ..."; \
	"$$found" -m venv --clear "$(VENV)" && touch "$@"
