#!/bin/sh
# Benchmarks of the exporter as it is shipped: fleets of simulated BMCs with the
# goals, then the comparison on an independent simulator. Arguments go to
# `fleet_bench fleet` (--help lists them); with --only SCENARIO,… the comparison is
# left out. Raw figures go to target/bench.json.
#
# The comparison runs on one processor, for both exporters: waking another, idle
# processor costs a virtual machine more than a whole IPMI request, and whether
# that happens is up to the scheduler. PIN= (empty) leaves it to the scheduler;
# PIN=3 chooses processor 3. The fleet benchmark sees to that itself.
set -eu
cd "$(dirname "$0")/.."

cargo build --release --locked -p fleet-bench -p ipmi-exporter -p bmc-sim
built=${CARGO_TARGET_DIR:-target}/release
"$built/fleet_bench" fleet --exporter "$built/ipmi_exporter" --simulator "$built/bmc_sim" \
    --json "${CARGO_TARGET_DIR:-target}/bench.json" "$@"
case " $*" in *" --only"*) exit 0 ;; esac

pin=${PIN-$(($(nproc) - 1))}
set -- "$built/fleet_bench" comparison --exporter "$built/ipmi_exporter"
if [ -n "$pin" ]; then
    echo "bench: on processor $pin alone (PIN= for all)"
    set -- taskset -c "$pin" "$@"
fi
exec "$@"
