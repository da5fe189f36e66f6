# Everything a contributor runs. Each target sees to its own setup, which is instant when nothing has changed.
PY := .venv/bin/python
# Where this is set, each server that a test starts would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup up test test-postgres check check-format check-lint check-types check-imports check-tidy types format bench soak kill sim fuzz clean

setup: .venv/.ready

.venv/.ready: pyproject.toml tools/setup.sh tools/constraints.txt
	@bash tools/setup.sh

up: setup
	.venv/bin/windtunnel up $(ARGS)

# The project's own rules, which `check` goes through, are not gone through again.
test: setup types
	$(PY) -m pytest $(or $(ARGS),tests --ignore=tests/tidy)

# The same stories with their rows in PostgreSQL, which the tests start themselves in a temporary folder; then the architectures, asked of
# two servers over it in turn.
test-postgres: setup types
	$(PY) -m pytest --store postgres $(or $(ARGS),tests/stories)
	$(if $(ARGS),,$(PY) -m pytest --two-servers tests/architectures)

# Formatting, lint, types, the direction of imports, and the project's own rules: under a minute in all. `make -k check` goes on
# after the first that fails.
check: check-format check-lint check-types check-imports check-tidy

check-format: setup
	.venv/bin/ruff format --check --quiet .

check-lint: setup
	.venv/bin/ruff check --quiet .

check-types: setup types
	.venv/bin/basedpyright

check-imports: setup
	PYTHONPATH=src .venv/bin/lint-imports --no-cache

check-tidy: setup
	$(PY) -m pytest tests/tidy

# TypedDicts of requests and results, from botocore's models; written again only when botocore, the tool or the services changed.
types: setup
	@$(PY) -m tools.types --if-needed

format: setup
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

bench: setup
	$(PY) -m bench $(ARGS)

# Mixed load on all services for MINUTES; the report of what the server held meanwhile goes to bench/results/soak.md.
soak: setup
	$(PY) -m bench.soak --minutes $(or $(MINUTES),30)

# Kills a region under load with SIGKILL, ROUNDS times, and checks each time that nothing it acknowledged is lost.
kill: setup
	PYTHONPATH=src $(PY) -m tools.kill_loop --rounds $(or $(ROUNDS),200) $(ARGS)

# A region in one process, from a seed, with crashes, full disks and an auditor: `make sim SEED=5 STEPS=100000`. What fails prints its
# seed and step, and happens again by them.
sim: setup
	PYTHONPATH=src $(PY) -m tests.sim.run --seed $(or $(SEED),1) --steps $(or $(STEPS),100000) $(ARGS)

# Bytes and words that nobody would send, other ones each time: ROUNDS of 2,000 for each target, which says its name when it is through.
fuzz: setup
	@for round in $$(seq $(or $(ROUNDS),10)); do echo "round $$round of $(or $(ROUNDS),10)"; \
	$(PY) -m pytest -vv tests/fuzz --hypothesis-profile=long $(ARGS) || exit 1; done

clean:
	rm -rf .venv bench/.peers src/windtunnel/aws/types .pytest_cache .ruff_cache .hypothesis
