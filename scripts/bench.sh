#!/bin/sh
# The comparison with the stock exporter, both in the same run on the same
# simulated BMC. Arguments go to the program (--help lists them).
#
# Everything runs on one processor, for both exporters: waking another, idle
# processor costs a virtual machine more than a whole IPMI request, and whether
# that happens is up to the scheduler. PIN= (empty) leaves it to the scheduler;
# PIN=3 chooses processor 3.
set -eu
cd "$(dirname "$0")/.."

cargo build --release --workspace --locked
last_processor=$(($(nproc) - 1))
pin=${PIN-$last_processor}
if [ -n "$pin" ]; then
    echo "bench: on processor $pin alone (PIN= for all)"
    set -- taskset -c "$pin" target/release/stock_comparison \
        --exporter target/release/ipmi_exporter "$@"
else
    set -- target/release/stock_comparison --exporter target/release/ipmi_exporter "$@"
fi
exec "$@"
