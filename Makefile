# Everything a developer does here, with nothing but make and Python 3.11 or newer.
#   make help          what there is
#   PYTHON=python3.12  names the interpreter that .venv is made with
#   ARGS='-k label'    is passed on to pytest, or to the demo

.DEFAULT_GOAL := help
.NOTPARALLEL:
PY := .venv/bin/python
export PYTHON
# Without compiled files every command that a test starts compiles the whole package again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run demo test lint format types contract lock-check check lock oracle walk fuzz-markings fuzz-requests schemathesis tamper-drill audit-go audit-answers audit-campaign stream-5gb bench bench-log bench-spill bench-receipts bench-witnessed bench-impact clean env dev-env

help: ## show this list
	@echo "make TARGET, where TARGET is one of"
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 17

run: env ## start sample source and gateway, act as three partners, stay up until Ctrl-C
	@exec $(PY) -m demo --stay $(ARGS)

demo: env ## the same, and exit
	@exec $(PY) -m demo $(ARGS)

test: dev-env ## run every test
	@$(PY) -m pytest -n 3 --dist worksteal $(ARGS)

lint: dev-env ## ruff: lint and format
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .

format: dev-env ## mend what ruff can mend
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

types: dev-env ## mypy, strict
	@$(PY) -m mypy

contract: dev-env ## imports point downward only
	@$(PY) -c "from importlinter.cli import lint_imports_command as run; run()"

lock-check: dev-env ## the requirement files are what uv.lock exports
	@$(PY) tools/check_lock.py

check: test lint types contract lock-check ## all that CI checks

lock: dev-env ## resolve again and export (needs the package index)
	@$(PY) -m uv lock --python $(PY)
	@$(PY) -m uv export --quiet --frozen --python $(PY) --no-emit-project --group demo --no-group dev -o requirements.lock
	@$(PY) -m uv export --quiet --frozen --python $(PY) --no-emit-project --all-groups -o requirements-dev.lock

oracle: dev-env ## compare the decision with its slow oracle in 100,000 random cases
	@ORACLE_CASES=$${ORACLE_CASES:-100000} $(PY) -m pytest -n 2 tests/policy/test_oracle.py $(ARGS)

walk: dev-env ## walk 5,000 records through the public SDK, every page size
	@$(PY) -m tests.system.walk_campaign --records $${WALK_RECORDS:-5000} $(ARGS)

.PHONY: kill latency silence
kill: dev-env ## kill the gateway under load 1,000 times (KILLS=...): nothing received may be missing from the log
	@$(PY) -m tests.system.kill_campaign --kills $${KILLS:-1000} $(ARGS)

silence: dev-env ## ask 5,000 requests (REQUESTS=...) before a source that holds what is withheld and one that does not
	@$(PY) -m tests.system.silence_campaign --requests $${REQUESTS:-5000} $(ARGS)

latency: dev-env ## whether the time of an answer tells that something is withheld, and how small a difference would show
	@$(PY) -m tests.system.latency_campaign --samples $${SAMPLES:-1000} $(ARGS)

fuzz-markings: dev-env ## throw mangled markings at the readers for SECONDS_TO_RUN (60)
	@$(PY) -m tests.markings.fuzz_campaign --seconds $${SECONDS_TO_RUN:-60} $(ARGS)

fuzz-requests: dev-env ## throw mangled tokens, paths, queries and bodies at a gateway for SECONDS_TO_RUN (60)
	@$(PY) -m tests.http.fuzz_campaign --seconds $${SECONDS_TO_RUN:-60} $(ARGS)

schemathesis: dev-env ## ask whatever the OpenAPI document allows, and does not, CASES (500) times an operation
	@CASES=$${CASES:-500} $(PY) -m pytest -q tests/http/test_schemathesis.py $(ARGS)

tamper-drill: dev-env ## tamper with a copied log in every way and show each one found, and where
	@$(PY) -m tests.audit.tamper_drill $(ARGS)

audit-go: dev-env ## check our proofs, notes and a long log with Go's sumdb (Debian: golang-go golang-golang-x-mod-dev)
	@$(PY) -m tests.audit.go.agree $(ARGS)

audit-answers: dev-env ## write down anew what Go answers (tests/audit/go/answers.json), for tests where it is not
	@$(PY) -m tests.audit.go.answers

reload: dev-env ## activate a set of 10,000 policy lines under load; print the longest pause
	@$(PY) -m tests.activation.reload_campaign --lines $${POLICY_LINES:-10000} $(ARGS)

audit-campaign: dev-env ## the audit log's long runs: mutations, failures, kills, lost writes
	@$(PY) -m tests.audit.campaign $(ARGS)

bench-impact: dev-env ## put 1,000,000 logged decisions to an edited policy set (DECISIONS=...), and print the rate
	@$(PY) -m benchmarks.impact --decisions $${DECISIONS:-1000000} $(ARGS)

stream-5gb: dev-env ## pass GIGABYTES (5) through the gateway, sealed, and show that its memory stays flat
	@$(PY) -m tests.system.stream_campaign --gigabytes $${GIGABYTES:-5} $(ARGS)

bench: dev-env ## measure, beside what it is compared with (about four minutes; ARGS=--quick for one)
	@$(PY) -m benchmarks $(ARGS)

bench-log: dev-env ## a log of ENTRIES (10,000,000) entries: append, size, proofs, search, checking (over an hour)
	@$(PY) -m benchmarks.long_log --entries $${ENTRIES:-10000000} $(ARGS)

bench-spill: dev-env ## who got a record, among RECORDS (10,000,000) record-releases
	@$(PY) -m benchmarks.spill --records $${RECORDS:-10000000} $(ARGS)

bench-receipts: dev-env ## releases each with its receipt over HTTP, beside a pass-through, for SECONDS_TO_RUN (600)
	@$(PY) -m benchmarks.proven --seconds $${SECONDS_TO_RUN:-600} $(ARGS)

bench-witnessed: dev-env ## what waiting for 2 of 3 witnesses costs an answer, for SECONDS_TO_RUN (120)
	@$(PY) -m benchmarks.witnessed --seconds $${SECONDS_TO_RUN:-120} $(ARGS)

clean: ## remove what was made: virtual environment, caches, and var/ with the demo's keys and log
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage htmlcov dist var
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

env: # what run and demo need
	@tools/bootstrap run

dev-env: # what tests and checks need
	@tools/bootstrap dev
