# Every target installs what it needs into a virtual environment, .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test oldest lint nightly format docs clean

demo: .venv/ready
	rm -rf runs/demo
	$(BIN)/gopro demo --out runs/demo

# one process per core, each with one thread: faster for small tensors; neighbouring tests, which
# share what they make, stay in one process until the other one has nothing left
test: .venv/tests-ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal

# the same with the oldest dependencies that pyproject.toml allows, in .venv-oldest
oldest: .venv-oldest/ready
	OMP_NUM_THREADS=1 .venv-oldest/bin/python -m pytest -n auto --dist worksteal

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive src scripts fuzz
	$(BIN)/lint-imports --no-logo
	$(BIN)/python scripts/audit.py
	$(BIN)/python -m pytest tests/unit/docs/test_docs.py tests/unit/docs/test_architecture.py

# all checks that take hours; the summary is in runs/nightly/summary.md
nightly: .venv/nightly-ready
	$(BIN)/python -m scripts.nightly

format: .venv/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# the documentation as a site: open site/index.html, or serve the folder site/
docs: .venv/docs-ready
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

clean:
	rm -rf .venv .venv-oldest runs build dist site

.venv/docs-ready: .venv/ready
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	touch $@

# the tests of the optional parts are skipped if these cannot be installed
.venv/tests-ready: .venv/ready
	$(BIN)/python -m pip install --quiet --editable '.[app,export,browser]' && touch $@ || true

.venv/nightly-ready: .venv/tests-ready
	$(BIN)/python -m pip install --quiet --editable '.[nightly]'
	touch $@

.venv/ready: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

# dev second: the tools may be of any version
.venv-oldest/ready: pyproject.toml
	$(PYTHON) -m venv --clear .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet uv
	.venv-oldest/bin/uv pip install --quiet --python .venv-oldest/bin/python --resolution lowest-direct \
		--editable '.[app,export,log,hub,text,cluster,browser]'
	.venv-oldest/bin/uv pip install --quiet --python .venv-oldest/bin/python --editable '.[dev]'
	touch $@
