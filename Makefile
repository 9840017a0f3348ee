# Two commands are enough on a bare machine (python >= 3.11, pip, make):
#   make demo    the whole chain on real parts, printed and left in var/demo/
#   make test    every test, on a real PostgreSQL and Valkey started by the test run
# Everything is installed into .venv from hash-locked requirements.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# the certificates of the machine, as pip uses them: an organisation may have one of its own on the way out
UV     := .uv/bin/uv --system-certs
READY  := $(VENV)/.ready
TESTS  ?= tests
# three for two cores: tests often wait for processes they started
JOBS   ?= 3
# Calls whose first argument is a text for people: gettext's own, and our errors.
KEYWORDS := _ N_ ngettext:1,2 say:1 Message:1 AvainError:1 ConfigurationError:1 InputError:1 RefusedInput:1 NotFound:1 Transient:1 Permanent:1 AlreadyDone:1 LeaseLost:1 Unclear:1 SealError:1 AddressRefused:1 ServerUnreachable:1 EndedLinkError:1

TEXTS  := $(patsubst %,locale/%/LC_MESSAGES/avain.mo,fi sv en)

# The tests start hundreds of processes: what Python compiled for one is kept for the next, whatever the machine's habit.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test test-debian test-once test-browser screenshots bench-cases bench-prices bench-budgets bench-console bench-orders bench-reminders bench-restart bench-consistency bench-retention lint types imports check format lock locales chaos chaos-table fuzz fuzz-table bench-timing fuzz-console removals canaries clean

help: ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(READY) $(TEXTS) ## install everything into .venv

# uv is only the installer, and it makes the environment: so neither python3-venv nor an unlocked pip is needed. Versions and hashes
# stand in requirements/.
$(READY): requirements/bootstrap.txt requirements/dev.txt pyproject.toml
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --upgrade --target .uv --require-hashes -r requirements/bootstrap.txt
	$(UV) venv --quiet --clear --no-python-downloads --python $(PYTHON) $(VENV)
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $(READY)

%.mo: %.po $(READY)
	$(BIN)/pybabel --quiet compile --input-file $< --output-file $@ --locale $(notdir $(patsubst %/LC_MESSAGES/,%,$(dir $<)))

demo: setup ## the whole chain on real parts; results in var/demo/
	$(BIN)/avain demo

test: setup ## every test but those in a browser, on real PostgreSQL and Valkey
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal --ignore tests/browser --ignore tests/offline $(TESTS)

# As a machine room runs them; the packages are fetched and unpacked under var/, nothing is installed or started outside the test run.
test-debian: setup ## the integration tests on Debian's PostgreSQL behind PgBouncer and Debian's Redis
	tests/debian/install
	TEST_SERVICES=debian $(BIN)/python -m pytest -n $(JOBS) --dist worksteal tests/integration

# Each test once: those of tests/integration on Debian's servers where these can be had, all others on the embedded ones.
test-once: setup
	@if tests/debian/install; then export TEST_SERVICES=debian; else echo "So tests/integration runs on the embedded servers."; fi; \
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal --ignore tests/browser --ignore tests/offline tests

# Each process has a county, a console and a browser of its own; the stories stay together in one.
test-browser: setup ## the console in a real browser (installs Debian's chromium where it may)
	tests/browser/install
	$(BIN)/python -m pytest -n 2 --dist loadgroup tests/browser

screenshots: setup ## docs/screenshots anew, from invented data
	tests/browser/install
	$(BIN)/python -m pytest tests/browser/screenshots.py

.PHONY: audit sbom wheelhouse test-offline review

# Where no vulnerability service can be reached it says so and fails nothing; REQUIRED=1 makes that a failure too.
audit: setup ## dangerous calls in our code, known vulnerabilities of the locks (ADVISORIES=all.zip: a copy of OSV's database)
	$(BIN)/python -m deploy.supply_chain.audit $(if $(ADVISORIES),--advisories $(ADVISORIES)) $(if $(REQUIRED),--required)

sbom: setup ## the bill of materials, CycloneDX, from the lock: dist/avain.cdx.json
	$(BIN)/python -m deploy.supply_chain.sbom dist/avain.cdx.json

wheelhouse: ## all that an installation without a network needs, in dist/wheelhouse (FOR="--python-version 3.13 --platform …")
	deploy/wheelhouse.sh dist/wheelhouse $(FOR)

test-offline: setup ## install from a wheelhouse where there is no network, and look at what was installed
	deploy/wheelhouse.sh var/wheelhouse
	WHEELHOUSE=$(CURDIR)/var/wheelhouse $(BIN)/python -m pytest tests/offline

review: setup ## docs/review/ anew: the drawing and the tables that are made from its lists
	$(BIN)/python -m deploy.review

lint: setup ## style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## mypy, strict
	$(BIN)/mypy .

imports: setup ## imports point one way
	$(BIN)/lint-imports

# The peer has an environment of its own: what it brings along is nobody else's business.
bench-cases: setup ## how fast cases are read, beside the bare parser and dlt; writes bench/results/cases.json
	$(UV) venv --quiet --allow-existing --no-python-downloads --python $(PYTHON) var/bench-venv
	$(UV) pip install --quiet --python var/bench-venv/bin/python --require-hashes -r requirements/bench.txt
	$(BIN)/python -m bench.cases --dlt $(CURDIR)/var/bench-venv/bin/python $(BENCH)

bench-prices: setup ## how fast price lists are planned and applied, beside code written by hand; writes bench/results/prices.json
	$(BIN)/python -m bench.prices $(BENCH)

bench-budgets: setup ## how fast budgets are recomputed, beside SQL by hand and a task for each; writes bench/results/budgets.json
	$(BIN)/python -m bench.budgets $(BENCH)

bench-console: setup ## how fast the console's pages are with 200,000 cases; writes bench/results/console.json
	$(BIN)/python -m bench.console $(BENCH)

bench-orders: setup ## how fast orders are built, made and delivered; writes bench/results/orders.json
	$(BIN)/python -m bench.orders $(BENCH)

bench-reminders: setup ## how fast follow-ups are planned, daily e-mails written and sent; writes bench/results/reminders.json
	$(BIN)/python -m bench.reminders $(BENCH)

bench-restart: setup ## how soon all goes on after everything was killed; writes bench/results/restart.json
	$(BIN)/python -m bench.restart $(BENCH)

bench-consistency: setup ## how long the nightly consistency check takes; writes bench/results/consistency.json
	$(BIN)/python -m bench.consistency $(BENCH)

bench-retention: setup ## how long removing what is over its time takes; writes bench/results/retention.json
	$(BIN)/python -m bench.retention $(BENCH)

bench-timing: setup ## whether a guesser learns anything by how long an answer takes; writes bench/results/timing.json
	$(BIN)/python -m bench.timing $(BENCH)

fuzz-console: setup ## every address of the console, asked for longer and otherwise than in the tests (INPUTS=50 of each kind, SEED=7)
	AVAIN_FUZZ_INPUTS=$(or $(INPUTS),50) AVAIN_FUZZ_SEED=$(or $(SEED),$$(date +%s)) $(BIN)/python -m pytest -s tests/console/attacks/test_every_address.py

# mypy, the audit and an installation need one processor for two minutes, and the tests often wait: side by side, each told as a whole when it ends.
check: setup lint ## all that CI runs
	$(MAKE) --no-print-directory --jobs 2 --output-sync=recurse test-once imports audit types test-offline
	$(MAKE) --no-print-directory test-browser

format: setup ## put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## compile requirements/*.txt anew (needs uv)
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" pyproject.toml -o requirements/production.txt
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" pyproject.toml --extra dev -o requirements/dev.txt
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" pyproject.toml --constraint requirements/dev.txt --extra embedded --extra bench -o requirements/bench.txt
	echo uv | $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" - -o requirements/bootstrap.txt

locales: setup ## collect texts into locale/ and say what lacks a translation
	$(BIN)/pybabel --quiet extract --mapping-file locale/babel.cfg --omit-header --no-location --sort-output --keywords "$(KEYWORDS)" --output-file locale/avain.pot .
	for l in fi sv en; do $(BIN)/pybabel --quiet update --input-file locale/avain.pot --output-dir locale --domain avain --locale $$l --no-fuzzy-matching --ignore-pot-creation-date --no-wrap; done
	$(BIN)/pybabel --quiet compile --directory locale --domain avain

chaos: setup ## a day of a whole installation with faults (SEED=7, or SEEDS=20; SIZE=small); 1 when something was lost or done twice
	$(BIN)/python -m tests.chaos.whole $(if $(SEEDS),--seeds $(SEEDS),--seed $(or $(SEED),1)) --size $(or $(SIZE),full)

chaos-table: setup ## what came of all days in var/chaos, into docs/reliability.md
	$(BIN)/python -m tests.chaos.whole --table

fuzz: setup ## 10,000 documents that are nearly right for each reader; goes on where it was broken off (INPUTS=n, SEED=7, READER=case_xml)
	$(BIN)/python -m tests.fuzz --inputs $(or $(INPUTS),10000) --seed $(or $(SEED),1) $(addprefix --reader ,$(READER))

fuzz-table: setup ## what make fuzz counted, into docs/fuzzing.md
	$(BIN)/python -m tests.fuzz --seed $(or $(SEED),1) --table

removals: setup ## take away each guard of docs/security.md and see its test fail (ONLY=services/family for some)
	$(BIN)/python -m tests.security.removals $(if $(ONLY),--only $(ONLY)) $(if $(REPORT),--report $(REPORT))

canaries: setup ## the demo's day with canaries in all that is secret, and the search for them in all that is left; 1 when one was out
	$(BIN)/python -m tests.canaries.day var/canaries

clean: ## remove what was made, the embedded services' data too
	-test -x $(BIN)/python && $(BIN)/python -c "from core import embedded; from core.settings import ROOT; embedded.remove(ROOT / 'var')"
	rm -rf $(VENV) .uv var .mypy_cache .ruff_cache .hypothesis
