# Two commands: `make run` and `make test`. Each sets up what it needs.
PYTHON ?= python3
LAKEMILL_LONG_SECONDS ?= 600
export LAKEMILL_LONG_SECONDS
HEAVY = not s3 and not kafka and not postgres and not browser and not faults and not bench and not long and not lines

.PHONY: help setup run package bench bench-reducers bench-joins bench-fixed bench-threads bench-crossover bench-choices bench-cold bench-peers bench-rules bench-checks bench-tpch test test-fast test-faults test-s3 test-bench test-long test-lines lint format types check clean

help:  ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: .venv/.ready  ## install everything into .venv

.venv/.ready: setup.py constraints.txt scripts/setup.py lib/lakemill/version.py
	@command -v $(PYTHON) > /dev/null \
	|| { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq python3 python3-venv; } \
	|| { echo "setup: Python 3.11 or newer is needed (on Debian: apt-get install python3-venv). Then run again." >&2; exit 1; }
	@$(PYTHON) scripts/setup.py
	@touch $@

run: .venv/.ready  ## a year of real sales, from daily dumps to verified gold tables
	@.venv/bin/python scripts/demo.py

package: .venv/.ready  ## the zip that a cluster runs, named by its sha256
	@.venv/bin/lakemill package

bench: .venv/.ready  ## update against rebuild, on the lake that `make run` left
	@.venv/bin/python scripts/bench/shop.py

bench-reducers: .venv/.ready  ## what reducers cost, on generated rows
	@.venv/bin/python scripts/bench/reducers.py

bench-joins: .venv/.ready  ## what an update of a joined table costs, by which side changed
	@.venv/bin/python scripts/bench/joins.py

bench-fixed: .venv/.ready  ## what a small update costs beside a plain append, by stage
	@.venv/bin/python scripts/bench/fixed_cost.py

bench-threads: .venv/.ready  ## many small updates, one after the other and side by side
	@.venv/bin/python scripts/bench/threads.py

bench-crossover: .venv/.ready  ## from which size on an update is cheaper than a rebuild
	@.venv/bin/python scripts/bench/crossover.py

bench-peers: .venv/.ready  ## the same day of the shop by lakemill, by hand, by DuckDB and by Spark's pipelines
	@.venv/bin/python scripts/bench/peers/day.py --pipelines

bench-choices: .venv/.ready  ## how well `auto` chooses between update and rebuild
	@.venv/bin/python scripts/bench/choices.py

bench-cold: .venv/.ready  ## what commands cost from their start: nothing new, status, the first update
	@.venv/bin/python scripts/bench/cold.py

bench-rules: .venv/.ready  ## what a contract's rules cost beside typing alone
	@.venv/bin/python scripts/bench/rules.py

bench-checks: .venv/.ready  ## what a contract's rules of whole tables cost after a change
	@.venv/bin/python scripts/bench/checks.py

bench-tpch: .venv/.ready  ## TPC-H's 22 queries under churn: update against rebuild, and each answer against DuckDB's
	@.venv/bin/python scripts/bench/tpch/churn.py

# A process that has run out of tests takes over half of what the other one still has to do.
test: .venv/.ready  ## all tests that fit a laptop
	@.venv/bin/python -m pytest -n 2 --dist worksteal

test-fast: .venv/.ready  ## the tests that need no Spark
	@.venv/bin/python -m pytest -n 2 --dist loadfile -m "not spark and $(HEAVY)"

test-faults: .venv/.ready  ## what only very many rows, or killed processes, bring about
	@.venv/bin/python -m pytest -m faults

test-s3: .venv/.ready  ## what is submitted, run as on EMR, with the lake on S3 (a stand-in of each)
	@.venv/bin/python scripts/cluster.py && .venv/bin/python -m pytest -m s3

test-bench: .venv/.ready  ## TPC-H's answers: the published ones at scale 1, and all tables after a refresh at scale 0.01
	@.venv/bin/python -m pytest -m bench

test-long: .venv/.ready  ## random histories for LAKEMILL_LONG_SECONDS
	@.venv/bin/python -m pytest -m long -s

.venv-b/.ready: setup.py constraints.txt scripts/setup.py lib/lakemill/version.py
	@$(PYTHON) scripts/setup.py --line B
	@touch $@

test-lines: .venv/.ready .venv-b/.ready  ## all tests on line B of Spark and Delta, and upgrades from line A and to another Python
	@.venv/bin/python -m pytest -m lines
	@.venv-b/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: .venv/.ready  ## ruff
	@.venv/bin/ruff check .

format: .venv/.ready  ## whether every file is formatted as ruff does it
	@.venv/bin/ruff format --check .

types: .venv/.ready  ## mypy
	@.venv/bin/mypy

check: lint format types  ## lint, format and types

clean:  ## remove what the other targets made
	rm -rf .venv .venv-b .venv-peers lake landing build dist .pytest_cache .mypy_cache .ruff_cache
