#!/usr/bin/env bash
# The way from the stock exporter, as docs/migrating.md has it: Debian's own module
# files load unchanged, Debian's flags are taken, and a machine's metrics that
# dashboards and rules may name are all there, with the same labels.
set -euo pipefail
cd "$(dirname "$0")/../.."
built=${1:-target/debug}

home=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$home"' EXIT
fail() {
    printf 'migrate.sh: %s\n' "$*" >&2
    tail -n 20 "$home"/*.log >&2
    exit 1
}

for file in /etc/prometheus/ipmi_remote.yml /etc/prometheus/ipmi_local.yml; do
    "$built/ipmi_exporter" check-config "$file" >"$home/checked" || fail "$file is not taken: $(cat "$home/checked")"
done

cat >"$home/ipmi.yml" <<'YAML'
modules:
  default:
    user: "monitor"
    pass: "secret"
    driver: "LAN_2_0"
    privilege: "user"
    timeout: 20000
    collectors: [bmc, ipmi, chassis, sel]
YAML
# ARGS of Debian's service, and what an operator may have added to them.
flags=("--config.file=$home/ipmi.yml" --freeipmi.path=/usr/sbin --log.level=error)

BMC_SIM_PASSWORD=secret "$built/bmc_sim" --recordings fixtures/bmcs/dell-poweredge-c6320 --listen 127.0.0.1:0 \
    --user monitor --privilege user >"$home/bmc.log" 2>&1 &
pids+=($!)
wait_for() { # SECONDS COMMAND...
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || fail "waited in vain for: $*"
        sleep 0.1
    done
}
wait_for 20 grep -q 'UDP 127' "$home/bmc.log"
bmc=127.0.0.1:$(sed -n 's/.*UDP 127.0.0.1:\([0-9]*\).*/\1/p' "$home/bmc.log" | head -n 1)

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
stock=127.0.0.1:$(free_port)
native=127.0.0.1:$(free_port)
prometheus-ipmi-exporter "${flags[@]}" --web.listen-address="$stock" >"$home/stock.log" 2>&1 &
pids+=($!)
"$built/ipmi_exporter" "${flags[@]}" --web.listen-address="$native" >"$home/native.log" 2>&1 &
pids+=($!)

scrape() { # ADDRESS FILE: whether all collectors are up
    curl --silent --fail --max-time 30 "http://$1/ipmi?target=$bmc" >"$2.text" || return 1
    [ "$(grep -c '^ipmi_up{.*} 1$' "$2.text")" = 4 ] || return 1
    # Names and labels, without values. What a BMC is called in words may differ.
    grep -v '^#' "$2.text" | grep -v '^ipmi_bmc_info' | sed 's/ [^ ]*$//' | sort >"$2"
}
wait_for 40 scrape "$stock" "$home/stock"
wait_for 40 scrape "$native" "$home/native"
lost=$(comm -23 "$home/stock" "$home/native")
[ -z "$lost" ] || fail "these series are lost: $lost"
echo "migrate.sh: $(wc -l <"$home/stock") series of the stock exporter are there, and $(comm -13 "$home/stock" "$home/native" | wc -l) more"
