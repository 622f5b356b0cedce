# Two commands are all a newcomer needs: `make run` and `make test`. Each sets up what it needs first.

PYTHON ?= python3.11
CORES ?= 2
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test seeds sensitivity report lint format docs gpu slurm clean

help: ## Show these lines
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# Packages that a run needs, and those that tests and linters need on top. A changed list installs anew.
$(VENV)/.run: envs/requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r envs/requirements.txt
	@touch $@

$(VENV)/.dev: envs/dev.txt envs/requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r envs/dev.txt
	@touch $(VENV)/.run $@

$(VENV)/.cluster: envs/cluster.txt $(VENV)/.run
	$(BIN)/pip install --quiet --disable-pip-version-check -r envs/cluster.txt
	@touch $@

# The lock is ours: while it is held no other `make run` works here, so a lock that snakemake left behind when it was
# killed is stale and may go. --close: jobs that outlive a killed snakemake must not hold it.
run: $(VENV)/.run ## Run the workflow and its report; ARGS="--config tier=real mirror=FOLDER" changes what
	@flock --close --nonblock --conflict-exit-code 75 results/.gitkeep sh -c '\
	  if [ -n "$$(ls .snakemake/locks 2>/dev/null)" ]; then $(BIN)/snakemake --unlock $(ARGS); fi; \
	  $(BIN)/snakemake --cores $(CORES) all report $(ARGS) && \
	  echo && echo "Done. Open the newest report:" && ls -t results/report-*.html | head -n 1' \
	  || { status=$$?; [ $$status -ne 75 ] || echo "Another make run is working in this folder; wait for it or end it." >&2; exit $$status; }

report: $(VENV)/.run ## Write the report of what stands
	$(BIN)/snakemake --cores $(CORES) report $(ARGS)

test: $(VENV)/.dev ## Run the tests that CI runs
	$(BIN)/python -m pytest -n $(CORES) $(ARGS)

seeds: $(VENV)/.run ## Ask ten twins of a domain, and ten controls, whether fine-tuning helps; ARGS=gps_traces picks the domain
	$(BIN)/python benchmarks/twin_seeds.py $(ARGS)

sensitivity: $(VENV)/.run ## Tell how far scores move with the split, the labels and the training; ARGS=gps_traces picks the domain
	$(BIN)/python benchmarks/sensitivity.py $(ARGS)

gpu: $(VENV)/.dev ## Run the tests that need a GPU
	$(BIN)/python -m pytest -m gpu tests/gpu $(ARGS)

slurm: $(VENV)/.dev $(VENV)/.cluster ## Run the tests on a small Slurm cluster that is started here; needs root
	tests/slurm/cluster.sh install
	$(BIN)/python -m pytest -m slurm -s tests/slurm $(ARGS)

lint: $(VENV)/.dev ## Check style, types and rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

format: $(VENV)/.dev ## Put code and rules into the house style
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow

docs: $(VENV)/.dev ## Write the generated tables and the schema anew
	PYTHONPATH=workflow $(BIN)/python -m landbridge config write

clean: ## Remove results (raw data and the environment stay)
	rm -rf results .snakemake
	git checkout -- results 2>/dev/null || true
