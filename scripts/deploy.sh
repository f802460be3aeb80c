#!/bin/sh
# The tests of deploy/: certificates and secrets, the compose file's system on this
# machine's Prometheus and Alertmanager, a rehearsal of its restoration.
set -eu
cd "$(dirname "$0")/.."

. scripts/step.sh

step cargo build --locked --bin ipmi_exporter --bin ipmi_controller --bin bmc_sim
built=${CARGO_TARGET_DIR:-target}/debug
step deploy/tests/init.sh
step deploy/tests/migrate.sh "$built"
step deploy/tests/run doors.py "$built"
step deploy/tests/run operate.py "$built"
