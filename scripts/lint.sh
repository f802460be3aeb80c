#!/bin/sh
# Formatting, clippy with every warning an error, licences, scripts, generated files.
set -eu
cd "$(dirname "$0")/.."

. scripts/step.sh

step cargo fmt --all --check
step cargo clippy --workspace --all-targets --locked -- -D warnings
step env RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet
if cargo deny --version >/dev/null 2>&1; then
    # Without advisories: they change without a change here.
    step cargo deny --locked check bans licenses sources
else
    printf '\n== cargo-deny is not installed: licences are not checked\n'
fi
if command -v shellcheck >/dev/null; then
    step shellcheck -x scripts/*.sh demo/*.sh deploy/init deploy/containers/assemble deploy/tests/run deploy/tests/*.sh deploy/debian/*/* exporter/tests/ipmi_sim/chassis.sh .ci/run
fi
if command -v python3 >/dev/null; then
    # The committed machines are what their descriptions say.
    step env PYTHONDONTWRITEBYTECODE=1 python3 exporter/tests/ipmi_sim/generate.py --check
fi
