# Bare `make` lists the targets.
GO ?= go

.PHONY: test-chaos accuracy-model bench-peers bench-search bench build check-generate check-release cross data fashion-mnist fuzz generate help lint race release run smoke test pytorch test-arm64 test-kill test-others test-page test-torch

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

run: build ## search configs/mobile.toml and draw its front (resumes where it was stopped)
	@echo 'searching configs/mobile.toml: 30 seconds of calibration, then about a minute of search'
	./nas run configs/mobile.toml --resume

# The tables for debuggers are left out: writing them is a good tenth of the compiler's time.
FLAGS = -trimpath -gcflags=all=-dwarf=false

# go vet is a part of lint. The flags stand in the environment, where tests that build and load the program find them,
# so that nothing is compiled twice.
TEST = GOFLAGS='$(strip $(shell $(GO) env GOFLAGS) $(FLAGS))' $(GO) test -timeout 30m -vet=off

test: ## tests and house rules, in 5 minutes; with CI=true the long tests too, and what others build
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo 'gofmt would change these files'; exit 1; }
	$(TEST) $(if $(CI),,-short) ./...
	@if [ -n "$$CI" ]; then $(MAKE) --no-print-directory test-others; else \
		echo 'make test: SKIPPED the long tests, which say testing.Short; CI=true make test runs them'; fi

test-others: ## kernels without assembly, and the build for a system of 32 bits
	$(TEST) -tags noasm -short ./blocks/...
	GOARCH=arm GOARM=7 CGO_ENABLED=0 $(GO) build -o /dev/null ./cmd/nas

test-chaos: ## a fleet whose parts are killed, cut off and damaged: 20 searches, half an hour (needs root)
	NAS_CHAOS=20 $(GO) test -count=1 -timeout 90m -run '^TestChaos$$' -v ./internal/fleet

race: ## short tests with the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -short -timeout 30m ./...

# Both come from the module proxy; without one the target says so and goes on.
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.7.0
DEADCODE = golang.org/x/tools/cmd/deadcode@v0.47.0

# Functions that only users of the Go packages call: the conformance suites, and adapters. The tests that judge the profiles
# of phones leave families out by the methods of Fleet.
DEADCODE_API = ^[^:]*test/|EvaluatorFunc\.Evaluate$$|Fleet\.(Without|TuneProcess)$$

lint: ## go vet, staticcheck, deadcode
	$(GO) vet ./...
	@if $(GO) run $(STATICCHECK) -version >/dev/null 2>&1; then \
		echo '$(GO) run $(STATICCHECK) ./...'; $(GO) run $(STATICCHECK) ./...; \
	else \
		echo 'lint: SKIPPED staticcheck: $(STATICCHECK) is not in the module cache and could not be downloaded'; \
	fi
	@if $(GO) run $(DEADCODE) -h >/dev/null 2>&1; then \
		echo '$(GO) run $(DEADCODE) ./...'; dead=$$($(GO) run $(DEADCODE) ./...) || exit 1; \
		! printf '%s' "$$dead" | grep -vE '$(DEADCODE_API)'; \
	else \
		echo 'lint: SKIPPED deadcode: $(DEADCODE) is not in the module cache and could not be downloaded'; \
	fi

OUT = nas

build: ## the binary ./nas; make build GOOS=linux GOARCH=arm64 OUT=nas-arm64 makes one for a board
	@echo 'compiling $(OUT): a minute or two the first time, then a few seconds'
	@s=0; while sleep 2; do s=$$((s+2)); echo "compiling $(OUT): $$s s"; done & beat=$$!; trap 'kill $$beat 2>/dev/null' EXIT; \
		CGO_ENABLED=0 $(GO) build $(FLAGS) -ldflags='-s -w' -o $(OUT) ./cmd/nas

VERSION ?= v0.1.0-dev

release: ## binaries for all systems with checksums in dist/ (VERSION=v1.2.3)
	$(GO) run ./internal/release -version $(VERSION) -out dist

# The second build sees neither the first one's directory nor its build cache.
check-release: ## release twice, from two directories, and compare the bytes
	NAS_RELEASE=1 $(GO) test -count=1 ./internal/release
	@rm -rf dist && $(MAKE) --no-print-directory release
	@tmp=$$(mktemp -d) && trap 'chmod -R u+w "$$tmp"; rm -rf "$$tmp"' EXIT && \
		git ls-files -z | tar -c --null -T - | tar -x -C "$$tmp" && \
		(cd "$$tmp" && GOCACHE="$$tmp/cache" $(GO) run ./internal/release -version $(VERSION) -out dist >/dev/null) && \
		diff dist/SHA256SUMS "$$tmp/dist/SHA256SUMS" && (cd dist && sha256sum -c --quiet SHA256SUMS) && echo 'check-release: the two releases are the same bytes'

cross: ## vet for other systems, build where there is no assembly
	GOOS=linux GOARCH=arm64 $(GO) vet ./...
	GOOS=darwin GOARCH=arm64 $(GO) vet ./...
	GOOS=windows GOARCH=amd64 $(GO) vet ./...
	GOOS=linux GOARCH=riscv64 $(GO) build ./blocks/... ./space/... ./search/... ./latency/... ./accuracy/...
	GOOS=js GOARCH=wasm $(GO) build ./blocks/... ./space/... ./search/... ./latency/... ./accuracy/...

accuracy-model: ## fit the ImageNet estimate anew (a few minutes) and print what it is worth
	$(GO) run ./accuracy/internal/makemodel -out accuracy/imagenet/imagenet_model.json

generate: ## write the assembly and the references of config and commands anew
	cd blocks/kernels/internal/gen && $(GO) run .
	$(GO) run ./internal/docs
	$(TEST) ./cmd/nas -run '^TestReference$$' -update

check-generate: ## compare the assembly with what its generator writes
	cd blocks/kernels/internal/gen && $(GO) vet . && $(GO) test . && $(GO) run . -check

# The emulator is installed where that is possible; elsewhere the target says so and passes.
test-arm64: ## kernels and engine for arm64, under qemu-user
	@command -v qemu-aarch64-static >/dev/null || { command -v apt-get >/dev/null && \
		{ [ "$$(id -u)" = 0 ] && S= || S='sudo -n'; $$S apt-get update -qq && $$S apt-get install -qq -y qemu-user-static; } >/dev/null 2>&1; } || true
	@if command -v qemu-aarch64-static >/dev/null; then \
		CGO_ENABLED=0 GOOS=linux GOARCH=arm64 $(GO) test -short -timeout 30m -exec qemu-aarch64-static ./blocks/kernels/... ./blocks/engine/... && \
		NAS_QEMU=qemu-aarch64-static $(GO) test -count=1 -timeout 30m -run '^(TestRemoteARM64|TestCalibratesOnABoard|TestFleetARM64)$$' ./cmd/nas; \
	else \
		echo 'test-arm64: SKIPPED, the arm64 kernels were not tested: there is no qemu-aarch64-static here and it could not be installed (Debian: apt-get install qemu-user-static)'; \
	fi

test-torch: pytorch ## networks trained by the recipes, in PyTorch
	@[ -n "$(PYTHON)" ] || echo 'test-torch: SKIPPED, the recipes were not tried: there is no PyTorch here and it could not be installed'
	NAS_TORCH=1 $(TEST) -count=1 ./accuracy/evaluators

AXE = .tools/axe/node_modules/axe-core/axe.min.js

# So are Chromium, which the tests drive through a pipe, and axe-core, which looks for what a screen reader or weak eyes
# stumble over.
test-page: ## the pages, used in a headless Chromium as a person would, and checked by axe-core
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || [ -n "$$NAS_CHROMIUM" ] || { command -v apt-get >/dev/null && \
		{ [ "$$(id -u)" = 0 ] && S= || S='sudo -n'; $$S apt-get update -qq && $$S apt-get install -qq -y --no-install-recommends chromium; } >/dev/null 2>&1; } || true
	@[ -f $(AXE) ] || { command -v npm >/dev/null && \
		npm install --silent --no-audit --no-fund --ignore-scripts --prefix .tools/axe axe-core@4.14.1; } >/dev/null 2>&1 || true
	@[ -f $(AXE) ] || echo 'test-page: SKIPPED axe-core: it is not here and could not be installed (npm install --prefix .tools/axe axe-core)'
	$(GO) test -count=1 -v -run '^(TestPageInABrowser|TestAccessible)$$' ./internal/report/html

test-kill: ## kill -9 a run at 50 instants, resume each, compare bytes
	NAS_KILL=50 $(GO) test -count=1 -timeout 60m -run '^TestKill(Training)?$$' -v ./cmd/nas

bench-search: ## each searcher against random on the table of NAS-Bench-Macro: figures, and a picture in results/search
	$(GO) test ./search -count=1 -run '^(TestMacroReplay|TestTruth)$$' -v -replay-out $(CURDIR)/results/search

# A count, not a time: the same work on a busy machine.
FUZZ = 3000x

fuzz: ## every fuzz test for a moment (FUZZ=5m for longer)
	@set -e; for file in $$(git ls-files '*_test.go' | xargs grep -l '^func Fuzz'); do \
		for f in $$(grep -oE '^func Fuzz[A-Za-z0-9_]+' $$file | cut -d' ' -f2); do \
			echo "fuzz $$file $$f"; \
			$(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZ) -fuzzminimizetime 10x ./$$(dirname $$file) || exit 1; \
		done; done

bench: build ## kernel speeds over the shape list, with per cent of this machine's peak
	./nas kernels

# npm installs both runtimes into .tools/peers (320 MB); what cannot be had is left out, and said to be. PEERS=-h lists
# the flags.
PEERS =

bench-peers: ## this engine beside ONNX Runtime and TensorFlow Lite with XNNPACK, on the same files in turns
	$(GO) run ./internal/peers $(PEERS)

# What can import PyTorch: python3, or the system's where that is another one.
PYTHON = $(shell for p in python3 /usr/bin/python3; do "$$p" -c 'import numpy, torch' 2>/dev/null && command -v "$$p" && break; done)

# The installation is a target of its own, because a variable of make is expanded before the lines of a target run.
pytorch:
	@if [ -z "$(PYTHON)" ] && command -v apt-get >/dev/null; then echo 'installing the Debian package python3-torch (about a minute)'; \
		{ [ "$$(id -u)" = 0 ] && S= || S='sudo -n'; $$S apt-get update -qq && \
		$$S apt-get install -qq -y --no-install-recommends python3-torch python3-numpy python3-pil; } >/dev/null 2>&1 || true; fi

data: ## Fashion-MNIST and MNIST into data/
	@$(GO) run ./internal/datasets -out data

fashion-mnist: build ## train and search configs/fashion-mnist.toml, after make data (resumes where it was stopped)
	./nas run configs/fashion-mnist.toml --resume

smoke: build ## a run of under 20 seconds
	./nas run configs/smoke.toml --resume
