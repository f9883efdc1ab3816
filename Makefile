# `make help` lists what can be asked for.
SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --require-hashes
# Rooms that do not exist yet are not checked yet.
STRICT := $(wildcard db components auth api workers settings.py i18n.py logs.py terminal.py cli_*.py)
WORKERS ?= 2

# Each application loads all pages, and each test has its own: compiled once, not every time.
unexport PYTHONDONTWRITEBYTECODE

# The first Python of 3.11 or newer that can make a virtual environment. PYTHON=... chooses another.
define FIND_PYTHON
for candidate in $(or $(PYTHON),python3.11 python3 python3.12 python3.13 python3.14); do \
	if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		python=$$candidate; break; \
	fi; \
done; \
if [ -z "$${python:-}" ]; then \
	echo "No Python of 3.11 or newer with its modules venv and ensurepip was found." >&2; \
	echo "Install one (Debian, as root: apt-get install python3 python3-venv; macOS: brew install python@3.11)" >&2; \
	echo "or name it: make install PYTHON=/path/to/python3.11" >&2; \
	exit 1; \
fi
endef

# `quantum` works from any folder and moves with the repository.
define LAUNCHER
#!/bin/sh
here=$$(cd "$$(dirname "$$(readlink -f "$$0")")/../.." && pwd)
exec "$$here/.venv/bin/python" -c 'import sys; sys.path[0] = sys.argv.pop(1); sys.argv[0] = "quantum"; from cli import main; sys.exit(main())' "$$here" "$$@"
endef
export LAUNCHER

.PHONY: help install install-dev run test fuzz crash mutate-access test-access-long bench bench-scale check format docs
.PHONY: freeze looks lock clean test-crewai

help: ## list these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/make \1\t\2/' | expand -t 18

install: $(VENV)/installed ## make .venv with what the application needs

install-dev: $(VENV)/installed-dev ## the same and what the tests and checks need

run: install ## migrate, seed and serve on 127.0.0.1:8050
	@exec $(BIN)/quantum serve

test: install-dev ## every test, on SQLite and PostgreSQL, with a real browser
	@$(BIN)/python -m tests.chromium
	@$(BIN)/python -m tests.pgbouncer
	@$(BIN)/python -m tests.clients.install
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

fuzz: install-dev ## hostile requests, damaged bodies, the REST doors (ARGS, BODIES, REST="--seed 7": the same again)
	@$(BIN)/python -m tests.campaigns.fuzz $(ARGS)
	@$(BIN)/python -m tests.campaigns.bodies $(BODIES)
	@$(BIN)/python -m tests.campaigns.rest $(REST)

crash: install-dev ## kill the server while clients report: nothing acknowledged may be lost (ARGS="--rounds 5")
	@$(BIN)/python -m tests.campaigns.crash $(ARGS)

test-crewai: install-dev ## CrewAI's lines of docs/connect.md, run in an environment of 860 MB
	@$(BIN)/python -m tests.campaigns.crewai

mutate-access: install-dev ## break every access rule, one at a time: the tests have to notice (ARGS=policy: that kind only)
	@$(BIN)/python -m tests.access.mutate $(ARGS)

test-access-long: install-dev ## thousands of people taking turns on few connections, also behind pgbouncer
	@$(BIN)/python -m tests.pgbouncer
	@$(BIN)/python -m tests.access.identity

bench: install-dev ## measure speed against peers, into bench/RESULTS.md (ARGS=layout: that part only)
	@$(BIN)/python -m tests.chromium
	@$(BIN)/python -m bench.run $(ARGS)

bench-scale: install-dev ## pages at 100 thousand, 1 and 10 million spans (about 10 GB of disk; ARGS="100000 1000000": fewer)
	@$(BIN)/python -m bench.scale $(ARGS)

check: install-dev ## import directions, style and types
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy --strict $(STRICT)

format: install-dev ## rewrite the code in the project's style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: install-dev ## write the generated pages of docs/ again
	@$(BIN)/python -m tests.docs

freeze: install-dev ## write the rules of row security into their revision again, while it is not released
	@$(BIN)/python -m tests.freeze

looks: install-dev ## pictures of all pages, both themes and sizes
	@$(BIN)/python -m tests.chromium
	@$(BIN)/python -m tests.looks $(ARGS)

lock: ## pin the dependencies of pyproject.toml again, with hashes (ARGS=--upgrade for newer ones)
	@command -v uv >/dev/null || { echo "make lock needs uv: pip install uv" >&2; exit 1; }
	@$(LOCK) $(ARGS) -o requirements.txt
	@$(LOCK) $(ARGS) --group dev -c requirements.txt -o requirements-dev.txt
	@$(PIN) tests/clients/frameworks/requirements.in $(ARGS) -o tests/clients/frameworks/requirements.txt
	@$(PIN) tests/clients/frameworks/crewai.in $(ARGS) -o tests/clients/frameworks/crewai.txt
LOCK = $(PIN) pyproject.toml
PIN := uv pip compile -q --generate-hashes --universal --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock"

clean: ## remove .venv and everything made from the code; var/, your data, stays
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis tests/clients/.cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Each step leaves its mark only when it succeeded, and is taken again when what it stands on changed.
$(VENV)/made:
	@$(FIND_PYTHON); echo "Making $(VENV) with $$($$python --version)"; $$python -m venv --clear $(VENV)
	@printf '%s\n' "$$LAUNCHER" > $(BIN)/quantum && chmod +x $(BIN)/quantum
	@touch $@

$(VENV)/installed: requirements.txt $(VENV)/made
	@$(PIP) -r $<
	@touch $@

# Holds the application's requirements too, at the same versions.
$(VENV)/installed-dev: requirements-dev.txt $(VENV)/made
	@$(PIP) -r $<
	@touch $@ $(VENV)/installed
