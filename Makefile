# Two commands do everything on a fresh machine: `make demo` and `make test`.
.PHONY: demo test setup build

# Shows the exchange on real parts. With DEMO_ONCE=1 it ends by itself, with status 0 only if the exchange was right.
demo: build
	@node -r ts-node/register/transpile-only scripts/demo.ts

# Everything that CI runs: generated files, types, lint, format, cycles, pages, spelling, build and all specs.
test:
	@sh scripts/setup.sh chromium
	@npm run --silent check

build: setup
	@npm run --silent build

setup:
	@sh scripts/setup.sh
