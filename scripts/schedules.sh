#!/bin/sh
# Random schedules of the session machine on its virtual clock, N of them, from
# seed 0 on, with figures at the end; the code is optimised. A fixed small share
# runs with the other tests.
#
#   scripts/schedules.sh N
#
# A seed that fails is printed; replay it with
#   LINK_SEED=<seed> cargo test -p rmcp-ipmi --test lossy_link schedules
set -eu
cd "$(dirname "$0")/.."

case ${1:-} in
'' | *[!0-9]*)
    sed -n '6s/^# *//p' "$0" >&2
    exit 2
    ;;
esac

SCHEDULES=$1 exec cargo test --release --locked --quiet -p rmcp-ipmi --test lossy_link -- \
    --exact schedules::random_schedules --nocapture
