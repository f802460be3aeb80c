#!/bin/sh
# Every test there is. `make test` has installed what they need.
set -eu
cd "$(dirname "$0")/.."

step() {
    printf '\n== %s\n' "$*"
    "$@"
}

step cargo fmt --all --check
step cargo clippy --workspace --all-targets --locked -- -D warnings
if cargo nextest --version >/dev/null 2>&1; then
    step cargo nextest run --workspace --locked
else
    # The same tests, one program after the other.
    step cargo test --workspace --locked --lib --bins --tests
fi
step cargo test --workspace --locked --doc
if [ -x scripts/fuzz.sh ]; then
    step scripts/fuzz.sh smoke
fi
printf '\nmake test: everything passed\n'
