# `make` lists what there is.  PYTHON names the interpreter that .venv is made with.
export PYTHON ?= python3
IN_VENV := .venv/bin/python

# Checks see neither an operator's databases nor his secrets.
FOR_CHECKS := DATABASE_URL=sqlite://:memory: REDIS_URL= SECRET_KEY=unused
# mysqlclient must be compiled: only where it is needed.
DRIVER := $(if $(filter mysql%,$(value DATABASE_URL)),requirements-mysql.txt)

# Slow by nature: they wait for floods, crashes and timeouts, or start, restore and outlive whole
# servers of their own.
SLOW := tests/faults \
	$(addprefix tests/e2e/test_,durability.py model.py vanishing.py addresses.py \
		database_connections.py database_outages.py workers.py) \
	$(addprefix tests/running/test_,first_run.py one_server.py operations_page.py) \
	$(addprefix tests/web/test_,daphne.py http_connections.py limits.py nginx.py) \
	$(addprefix tests/models/test_,database_fitness.py group_positions.py table_names.py) \
	tests/admin/test_hostile_requests.py tests/seed/test_seed_messages.py

.PHONY: help run test faults browser check bench microbench format locale proto

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):  ## /make \1	/p' Makefile

run:  ## start the server; what to open stands at the end of its output
	@bin/venv requirements.txt $(DRIVER)
	@exec $(IN_VENV) manage.py serve --first-run

test:  ## run the tests in two processes; ARGS="tests/wire -x" runs some, in one
	@bin/venv requirements-dev.txt
	@if PATH="$$PATH:/usr/sbin" command -v mariadbd >/dev/null; then bin/venv requirements-mysql.txt || true; fi
	@exec $(IN_VENV) -m pytest $(or $(ARGS),-n 2 --dist loadfile $(SLOW:%=--ignore=%))

faults:  ## the slow tests: kill and cut off what runs under load, start and restore it
	@bin/venv requirements-dev.txt
	@bin/venv requirements-mysql.txt
	@exec $(IN_VENV) -m pytest $(SLOW) $(ARGS)

browser:  ## run the tests of pages in Chromium; ARGS="-k login" runs some
	@bin/venv requirements-dev.txt
	@exec $(IN_VENV) -m pytest tests/browser $(ARGS)

check:  ## format, lint, types, migrations, generated modules, import floors
	@bin/venv requirements-dev.txt
	@$(IN_VENV) -m ruff format --check
	@$(IN_VENV) -m ruff check
	@$(FOR_CHECKS) $(IN_VENV) -m mypy
	@$(FOR_CHECKS) $(IN_VENV) manage.py makemigrations --check --dry-run
	@$(IN_VENV) -m im.wire.proto.generate --check
	@$(IN_VENV) -m pytest -q tests/test_floors.py

bench:  ## run the benchmark; RUNS=5 takes medians of five, ARGS="--backend sqlite" less
	@bin/venv requirements-dev.txt
	@if PATH="$$PATH:/usr/sbin" command -v mariadbd >/dev/null; then bin/venv requirements-mysql.txt || true; fi
	@exec $(IN_VENV) -m bench --runs $(or $(RUNS),1) $(ARGS)

microbench:  ## time decoding, dispatch, encoding and storing alone
	@bin/venv requirements-dev.txt
	@if PATH="$$PATH:/usr/sbin" command -v mariadbd >/dev/null; then bin/venv requirements-mysql.txt || true; fi
	@exec $(IN_VENV) -m pytest tests/micro/bench_*.py $(ARGS)

format:  ## let ruff rewrite what it can
	@bin/venv requirements-dev.txt
	@$(IN_VENV) -m ruff check --fix
	@$(IN_VENV) -m ruff format

locale:  ## gather the texts to translate, and compile them (gettext)
	@bin/venv requirements-dev.txt
	@$(IN_VENV) manage.py makemessages --locale zh_Hans --no-location --no-wrap --ignore '.venv/*' --ignore 'var/*'
	@$(IN_VENV) manage.py compilemessages --locale zh_Hans --ignore '.venv'

proto:  ## regenerate the protobuf modules
	@bin/venv requirements-dev.txt
	@$(IN_VENV) -m im.wire.proto.generate
