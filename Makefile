# The commands of the project; `make help` lists them. Everything runs in .venv, which `make setup` builds when needed.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:
.NOTPARALLEL:

PYTHON ?= python3
PY := .venv/bin/python
PYTEST := $(PY) -m pytest
STAMP := .venv/.installed

# Compiled modules are kept, whatever the environment says: without them each process of a test run makes its own.
export PYTHONDONTWRITEBYTECODE :=

# Processes of the test runner; two suit a small machine.
JOBS ?= 2
# The slow tests wait more than they work; who is done takes over what another has not begun.
SLOW_JOBS ?= 3
# A test database of its own is made on these servers by the second pass of `make test-all`.
TEST_POSTGRES_URL ?= postgres://postgres@127.0.0.1:5432/payments_hub
TEST_MARIADB_URL ?= mysql://root@127.0.0.1:3306/payments_hub

# test-all and check run to their end whatever fails on the way, so that one run names every failure.
.PHONY: help setup demo serve worker test test-all check bench docs clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | while IFS='|' read -r target text; do printf '  make %-9s %s\n' "$$target" "$$text"; done

setup: $(STAMP) ## make .venv and install the project with pinned tools

$(STAMP): pyproject.toml constraints/dev.txt
	@echo 'Setting up .venv: two or three minutes, once.'
	test -x $(PY) || $(PYTHON) -m venv .venv
	export PIP_DISABLE_PIP_VERSION_CHECK=1
	$(PY) -m pip install -qq -c constraints/dev.txt -e '.[all,sandbox,api-docs,dev]'
	if ! $(PY) -m pip install -qq -c constraints/dev.txt -e '.[mysql]' >/dev/null 2>&1; then
		echo 'NOTE: mysqlclient could not be built (it needs the MariaDB headers and pkg-config): MariaDB tests will be skipped.'
	fi
	touch $@

demo: setup ## the whole story: sandbox, worker, web server, a customer and support, matching books
	@$(PY) -m example_project.demo

serve: setup ## the example shop with its sandbox and worker, until Ctrl-C
	@$(PY) -m example_project.demo serve

worker: setup ## a Celery worker with beat for the example project
	@$(PY) -m celery -A example_project worker --beat --loglevel INFO

test: setup ## the fast tests, in random order, with branch coverage
	@$(PYTEST) -n $(JOBS) -m 'not slow and not postgres and not mariadb' --cov --cov-report=term

test-all: setup ## the slow tests, then the fast ones again on PostgreSQL and MariaDB where they are reachable
	@failed=0
	$(PYTEST) -n $(SLOW_JOBS) --dist worksteal -m 'slow and not postgres and not mariadb' || failed=1
	.ci/on-database postgres '$(TEST_POSTGRES_URL)' $(PYTEST) -n $(JOBS) -m '(not slow and not mariadb) or postgres' || failed=1
	.ci/on-database mariadb '$(TEST_MARIADB_URL)' $(PYTEST) -n $(JOBS) -m '(not slow and not postgres) or mariadb' || failed=1
	exit $$failed

# `check --deploy` looks at the example project as it would be deployed; of its messages only the package's own count.
# Without DEBUG its settings have no secrets of their own: these are made up, and reach nobody.
check: setup ## lint, types, layers, migrations, deployment checks, documentation
	@failed=0
	$(PY) -m ruff check . || failed=1
	$(PY) -m ruff format --check . || failed=1
	$(PY) -m mypy || failed=1
	.venv/bin/lint-imports || failed=1
	$(PY) manage.py makemigrations --check --dry-run || failed=1
	env DEBUG=0 SECRET_KEY="$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(64))')" ALLOWED_HOSTS=shop.example.com \
		STRIPE_SECRET_KEY=sk_test_check STRIPE_PUBLISHABLE_KEY=pk_test_check STRIPE_WEBHOOK_SECRETS=whsec_check \
		PAYPAL_CLIENT_ID=check PAYPAL_CLIENT_SECRET=check PAYPAL_WEBHOOK_IDS=WH-CHECK PAYPAL_API_BASE=https://api-m.sandbox.paypal.com \
		SQUARE_ACCESS_TOKEN=token-check SQUARE_LOCATION_ID=LCHECK SQUARE_WEBHOOK_SECRETS=check \
		JAZZCASH_MERCHANT_ID=MCCHECK JAZZCASH_PASSWORD=check JAZZCASH_INTEGRITY_SALTS=check JAZZCASH_MERCHANT_MPIN=0000 \
		JAZZCASH_API_BASE=https://sandbox.jazzcash.com.pk EASYPAISA_API_BASE=https://easypaystg.easypaisa.com.pk \
		EASYPAISA_STORE_ID=1 EASYPAISA_ACCOUNT_NUM=1 EASYPAISA_USERNAME=check EASYPAISA_PASSWORD=check EASYPAISA_HASH_KEY=0123456789ABCDEF \
		PAYMENTS_HUB_ENCRYPTION_KEYS="$$($(PY) -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())')" \
		$(PY) manage.py check --deploy --fail-level WARNING --tag payments_hub || failed=1
	$(MAKE) --no-print-directory docs || failed=1
	exit $$failed

bench: setup ## the benchmarks, interleaved in one run
	@$(PY) -m benchmarks

docs: setup ## the documentation, warnings being errors
	@$(PY) -m sphinx -W --keep-going --quiet -b html docs docs/_build/html
	echo 'docs/_build/html/index.html'

clean: ## remove what the commands above made, .venv included
	@rm -rf .venv build dist docs/_build var .tools htmlcov .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .nox
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
