# make demo           a study of the embedded lab, from nothing to a report
# make test           linter, formatter check, type checker, tests
# make test-slow      how often intervals cover and verdicts are false, by simulation; kills, and two drivers; the demo
# make lower-bounds   the tests with the oldest dependencies that pyproject.toml allows
# make docs           the site, in site/index.html; needs no network once its tools are installed
# make dist           wheel and sdist, checked, and the wheel installed and run in an environment of its own; the
#                     Dockerfile is linted
#
# Each does its own set-up in .venv (or .venv-lower), once for each state of pyproject.toml and
# constraints.txt. PYTHON=... names another interpreter, 3.11 or newer.

PIP = -m pip install --quiet --disable-pip-version-check
QUIET_THREADS = OMP_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false
RECENT = import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))

.PHONY: demo test test-slow lower-bounds docs dist

demo: .venv/installed
	.venv/bin/xstilts run lab-quickstart

test: .venv/installed-dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	$(QUIET_THREADS) .venv/bin/pytest -n 2 --dist loadgroup

test-slow: .venv/installed-dev
	$(QUIET_THREADS) .venv/bin/pytest -m slow

docs: .venv/installed-docs
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict

dist: .venv/installed-dev .venv/installed-dist .venv-dist/created
	.venv/bin/hadolint Dockerfile
	rm -rf dist
	.venv/bin/hatchling build
	.venv/bin/twine check --strict dist/*
	.venv-dist/bin/python $(PIP) --constraint constraints.txt --force-reinstall --no-deps dist/*.whl
	.venv-dist/bin/python $(PIP) --constraint constraints.txt dist/*.whl
	cd .venv-dist && bin/xstilts --version && bin/xstilts check lab-quickstart

.venv/installed: pyproject.toml constraints.txt | .venv/created
	@echo "Installing xstilts into .venv; the first time this takes a minute or two."
	.venv/bin/python $(PIP) --constraint constraints.txt torch
	.venv/bin/python $(PIP) --constraint constraints.txt --editable .
	@touch $@

.venv/installed-dev: .venv/installed
	.venv/bin/python $(PIP) --constraint constraints.txt --editable '.[dev,docs,ray,slurm,tensorboard]'
	@touch $@

.venv/installed-%: .venv/installed
	.venv/bin/python $(PIP) --constraint constraints.txt --editable '.[$*]'
	@touch $@

lower-bounds: .venv-lower/installed
	$(QUIET_THREADS) .venv-lower/bin/pytest -n 2 --dist loadgroup -W ignore::DeprecationWarning

.venv-lower/installed: pyproject.toml | .venv-lower/created
	.venv-lower/bin/python -c 'import tomllib; \
	  project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
	  print(*project["dependencies"], *project["optional-dependencies"]["dev"], sep="\n")' \
	  | sed 's/>=/==/' > .venv-lower/oldest.txt
	.venv-lower/bin/python $(PIP) --constraint .venv-lower/oldest.txt torch
	.venv-lower/bin/python $(PIP) --requirement .venv-lower/oldest.txt --editable .
	@touch $@

%/created:
	@for python in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11); do \
	  if $$python -c '$(RECENT)' 2>/dev/null; then $$python -m venv $* && break; fi; \
	done; \
	if ! $*/bin/python -c '$(RECENT)' 2>/dev/null; then \
	  echo "xstilts needs Python 3.11 or newer with its venv module; found: $$($(or $(PYTHON),python3) --version 2>&1)." >&2; \
	  echo "Install one, or name it: make demo PYTHON=/path/to/python3.11" >&2; \
	  exit 1; \
	fi
	@touch $@
