# The only commands anyone must know. Each installs what it needs (Debian 12, as root or with sudo) and may be repeated.
.DEFAULT_GOAL := help
.PHONY: help setup build run test test-san chaos bench peers lint format clean

BUILD ?= build/release
JOBS ?= $(shell nproc)
PYTHON ?= /usr/bin/python3
export CCACHE_DIR ?= $(HOME)/.cache/telltale/ccache

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup: ## install what is missing
	@tools/setup/setup.sh

$(BUILD)/build.ninja: | setup
	cmake --preset $(notdir $(BUILD)) -B $(BUILD)

build: setup $(BUILD)/build.ninja ## build the program: build/release/bin/telltale
	ninja -C $(BUILD) -j $(JOBS) telltale

run: build ## show the main job: a suite, three services, one failing test and why
	@TELLTALE_BIN=$(BUILD)/bin/telltale tools/demo/run.sh

test: setup $(BUILD)/build.ninja ## build and run all tests
	ninja -C $(BUILD) -j $(JOBS)
	$(PYTHON) tools/test/run.py --build $(BUILD)

test-san: ## the tests under ASan+UBSan and under TSan; what one finds does not keep the other from running
	@tools/setup/setup.sh tools/setup/sanitizers.txt
	cmake --preset asan-ubsan
	ninja -C build/asan-ubsan -j $(JOBS)
	cmake --preset tsan
	ninja -C build/tsan -j $(JOBS)
	@status=0; \
	$(PYTHON) tools/test/run.py --build build/asan-ubsan --only unit,logic,fault,fuzz,e2e || status=1; \
	$(PYTHON) tools/test/run.py --build build/tsan --only unit,logic,e2e || status=1; \
	exit $$status

MINUTES ?= 10
TARGETS ?=
chaos: ## fuzz targets (TARGETS=a_fuzz,b_fuzz: these), fault tests at length, all Pythons (MINUTES=10 each); appends to docs/chaos-log.md
	@tools/setup/setup.sh tools/setup/sanitizers.txt
	cmake --preset fuzz
	ninja -C build/fuzz -j $(JOBS) fuzzers
	$(MAKE) build
	ninja -C $(BUILD) -j $(JOBS)
	$(PYTHON) tools/test/chaos.py --fuzz build/fuzz --build $(BUILD) --minutes $(MINUTES) --only "$(TARGETS)"

ROUNDS ?= 3
bench: setup $(BUILD)/build.ninja peers ## throughput, latency and memory beside the neighbours: medians of ROUNDS=3
	ninja -C $(BUILD) -j $(JOBS) telltale telltale_corpus
	$(PYTHON) bench/run.py --build $(BUILD) --rounds $(ROUNDS)

peers: ## install what we compare with (pinned; outside this folder)
	@tools/peers/install.sh

lint: setup ## layers, sizes, formatting, generated files, shell
	$(PYTHON) tools/lint/lint.py

format: setup ## rewrite sources and generated docs in the house style
	$(PYTHON) tools/lint/lint.py --fix

clean: ## remove what was built here
	rm -rf build
