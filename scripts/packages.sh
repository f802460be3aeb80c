#!/bin/sh
# Debian packages of the three programs, with manual pages and shell completions,
# into target/debian. Needs cargo-deb: cargo install --locked cargo-deb
#
#   scripts/packages.sh [PROFILE]      dist (what is shipped), release or dev
set -eu
cd "$(dirname "$0")/.."

. scripts/step.sh

profile=${1:-dist}
target=${CARGO_TARGET_DIR:-target}
PATH=$PATH:$PWD/$target/tools/bin
export PATH
cargo deb --version >/dev/null 2>&1 || {
    echo "packages: cargo-deb is missing; install it: cargo install --locked cargo-deb" >&2
    exit 1
}
# Where the manifests look for them.
[ "$target" = target ] || {
    echo "packages: CARGO_TARGET_DIR must be target" >&2
    exit 1
}
# Compressing well takes minutes.
fast=
[ "$profile" = dist ] || fast=--fast
step cargo build --locked --profile "$profile" --bin ipmi_exporter --bin ipmi_controller --bin bmc_sim
step cargo run --locked --quiet --package command-pages -- target/pages
for package in ipmi-exporter ipmi-controller bmc-sim; do
    # shellcheck disable=SC2086  # no word, or one
    step cargo deb --locked --no-build --no-strip $fast --profile "$profile" --package "$package" --output target/debian/
done
