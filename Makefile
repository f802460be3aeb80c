# Two commands are all a newcomer needs: `make run` and `make test`. Both install
# what they need and can be repeated cheaply. Everything beyond a few lines is in
# scripts/.

CARGO ?= cargo
# Seconds per fuzz target.
T ?= 60
# Random schedules.
N ?= 1000000

.PHONY: help setup build web screenshots run test e2e lint bench fuzz schedules docs
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install the Debian packages that the other targets use
	@scripts/setup.sh

web: ## build the page of the controller
	@scripts/web.sh build

build: ## build everything
	$(CARGO) build --workspace --locked

run: setup web ## the whole system with simulated BMCs, until Ctrl-C
	@scripts/run.sh

test: setup web ## every test there is
	@scripts/test.sh

e2e: setup ## the page in a browser against the whole system
	@scripts/web-e2e.sh

screenshots: setup web ## pictures of every page, into controller/web/screenshots
	@scripts/web-e2e.sh screenshots

lint: ## formatting, clippy, licences
	@scripts/lint.sh

bench: setup ## large fleets, and the comparison with the stock exporter
	$(CARGO) bench --quiet --locked -p ipmi-controller --bench fleet
	@scripts/bench.sh

fuzz: ## run each fuzz target for T seconds (make fuzz T=60)
	@scripts/fuzz.sh run $(T)

schedules: ## N random schedules of the session machine (make schedules N=1000000)
	@scripts/schedules.sh $(N)

docs: ## build the API documentation
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --locked
