#!/bin/sh
# Every test but those of the page in a browser (`make e2e`). `make test` has installed what they need.
set -eu
cd "$(dirname "$0")/.."

. scripts/step.sh

step scripts/lint.sh
step scripts/web.sh check
if cargo nextest --version >/dev/null 2>&1; then
    step cargo nextest run --workspace --locked
else
    # The same tests, one program after the other.
    step cargo test --workspace --locked --lib --bins --tests
fi
step cargo test --workspace --locked --doc
step scripts/instructions.sh
step scripts/deploy.sh
step scripts/fuzz.sh smoke
printf '\nmake test: everything passed\n'
