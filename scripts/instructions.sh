#!/bin/sh
# Counts the instructions of a warm scrape under callgrind and compares them with
# benches/instructions.txt. Arguments go to the program (--help lists them).
set -eu
cd "$(dirname "$0")/.."

cargo build --release --locked -p fleet-bench -p ipmi-exporter -p bmc-sim
built=${CARGO_TARGET_DIR:-target}/release
exec "$built/fleet_bench" instructions --exporter "$built/ipmi_exporter" \
    --simulator "$built/bmc_sim" --baseline benches/instructions.txt "$@"
