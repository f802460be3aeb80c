#!/bin/sh
# The comparison with the stock exporter, both in the same run on the same
# simulated BMC. Arguments go to the program (--help lists them).
set -eu
cd "$(dirname "$0")/.."

cargo build --release --workspace --locked
exec target/release/stock_comparison --exporter target/release/ipmi_exporter "$@"
