#!/usr/bin/env bash
# A whole monitoring system on loopback, in the foreground: a simulated server
# with a dying fan, the exporter, and a real Prometheus that scrapes it.
#
#   EXPORTER_PORT=9290  PROMETHEUS_PORT=9090  BMC_PORT=16230 (UDP)
#   RELEASE=1           optimised build
#   RUN_DIRECTORY=.run  data and logs
set -eu
cd "$(dirname "$0")/.."

exporter_port=${EXPORTER_PORT:-9290}
prometheus_port=${PROMETHEUS_PORT:-9090}
bmc_port=${BMC_PORT:-16230}
run=${RUN_DIRECTORY:-.run}
exporter=127.0.0.1:$exporter_port
prometheus=127.0.0.1:$prometheus_port
bmc=127.0.0.1:$bmc_port

say() { printf 'run: %s\n' "$*"; }
fail() {
    printf 'run: %s\n' "$*" >&2
    exit 1
}

# Whether a TCP listener or a UDP socket has the port, according to the kernel.
taken() { # tcp|udp PORT
    local hex state files=()
    hex=$(printf '%04X' "$2")
    # 0A is LISTEN; UDP sockets are 07.
    state=$([ "$1" = tcp ] && echo 0A || echo 07)
    for file in "/proc/net/$1" "/proc/net/${1}6"; do
        [ ! -r "$file" ] || files+=("$file")
    done
    awk -v port=":$hex" -v state="$state" \
        '$4 == state && substr($2, length($2) - 4) == port { found = 1 } END { exit !found }' "${files[@]}"
}

require_port() { # tcp|udp PORT VARIABLE WHAT
    case $2 in
    '' | *[!0-9]*) fail "$3=$2 is not a port number" ;;
    esac
    if taken "$1" "$2"; then
        fail "port $2/$1 for $4 is taken; choose another one, for example: $3=$(($2 + 10000)) make run"
    fi
}

require_port udp "$bmc_port" BMC_PORT "the simulated BMC"
require_port tcp "$exporter_port" EXPORTER_PORT "the exporter"
require_port tcp "$prometheus_port" PROMETHEUS_PORT "Prometheus"

say "building the exporter"
if [ -n "${RELEASE:-}" ]; then
    cargo build --workspace --locked --release
    binary=target/release/ipmi_exporter
else
    cargo build --workspace --locked
    binary=target/debug/ipmi_exporter
fi

mkdir -p "$run/log" "$run/prometheus" "$run/cache"
run=$(cd "$run" && pwd)
rm -rf "$run/bmc"
mkdir -p "$run/bmc/ipmi_sim/demo"

pids=()
names=()
stop() {
    trap '' INT TERM
    trap - EXIT
    if [ ${#pids[@]} -gt 0 ]; then
        say "stopping"
        kill -s TERM "${pids[@]}" 2>/dev/null || true
        # Ten seconds, then the last resort.
        for _ in {1..100}; do
            kill -s 0 "${pids[@]}" 2>/dev/null || break
            sleep 0.1
        done
        kill -s KILL "${pids[@]}" 2>/dev/null || true
        wait "${pids[@]}" 2>/dev/null || true
    fi
}
trap stop EXIT
trap 'exit 0' INT TERM

# Starts a program whose output goes to a log, and which cannot outlive this script.
start() { # NAME PROGRAM ARGUMENT...
    local name=$1
    shift
    setpriv --pdeathsig TERM -- "$@" >"$run/log/$name.log" 2>&1 &
    pids+=($!)
    names+=("$name")
}

check_running() {
    for index in "${!pids[@]}"; do
        kill -0 "${pids[$index]}" 2>/dev/null && continue
        tail -n 20 "$run/log/${names[$index]}.log" >&2
        fail "${names[$index]} has ended; its log is $run/log/${names[$index]}.log"
    done
}

wait_until() { # SECONDS WHAT COMMAND...
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        check_running
        [ "$SECONDS" -lt "$end" ] || fail "waited in vain for $what; logs are in $run/log"
        sleep 0.2
    done
}

# --- the simulated BMC
sim=exporter/tests/ipmi_sim
gcc -O1 -shared -fPIC -o "$run/bmc/extras.so" "$sim/extras.c"
cp "$sim/chassis.sh" demo/server.emu "$run/bmc/"
cp demo/server.sel "$run/bmc/ipmi_sim/demo/sel.20"
sed -e "s/@PORT@/$bmc_port/" -e "s|@PLUGIN@|$run/bmc/extras.so|" demo/lan.conf >"$run/bmc/lan.conf"
say "starting a simulated BMC on $bmc (UDP)"
# The simulator takes commands from its input: readings that live.
mkfifo "$run/bmc/console"
# shellcheck disable=SC2016 # for the shell that is started
start bmc bash -c 'cd "$0" && exec ipmi_sim -c lan.conf -f server.emu -s . <console' "$run/bmc"
start weather scripts/demo_readings.sh "$run/bmc/console"
wait_until 10 "the simulated BMC" taken udp "$bmc_port"

# --- the exporter
# As an operator should keep it: it holds a password.
install -m 640 demo/ipmi_exporter.yml "$run/ipmi_exporter.yml"
say "starting the exporter on $exporter"
start exporter "$binary" --config.file="$run/ipmi_exporter.yml" --web.listen-address="$exporter" \
    --cache.dir="$run/cache"
wait_until 20 "the exporter" curl -fsS "http://$exporter/-/healthy"

# --- Prometheus
sed "s/@EXPORTER@/$exporter/" demo/prometheus.yml >"$run/prometheus/prometheus.yml"
printf '[{"targets": ["%s"], "labels": {"server_id": "1", "server_name": "demo", "site": "loopback"}}]\n' \
    "$bmc" >"$run/prometheus/targets.json"
say "starting Prometheus on $prometheus"
start prometheus prometheus --config.file="$run/prometheus/prometheus.yml" \
    --storage.tsdb.path="$run/prometheus/data" --web.listen-address="$prometheus"
stored() {
    curl -fsS "http://$prometheus/api/v1/query" --data-urlencode 'query=ipmi_up{collector="ipmi"} == 1' |
        grep -q '"value"'
}
wait_until 60 "the first stored series" stored

cat <<TEXT

Everything runs. Ctrl-C stops it.

  Prometheus      http://$prometheus/
  the exporter    http://$exporter/
  one scrape      curl 'http://$exporter/ipmi?target=$bmc&module=demo'
  by hand         $binary probe $bmc --config.file $run/ipmi_exporter.yml --module demo
  logs and data   $run

Ask Prometheus, for example:

  ipmi_fan_speed_state == 2                    the dying fan
  ipmi_sensor_state > 0                        lost supply, failing drive
  topk(3, ipmi_temperature_celsius)            the hottest places
  ipmi_dcmi_power_consumption_watts            power
  ipmi_scrape_duration_seconds                 how long a scrape takes
  ipmi_up                                      which collectors work

TEXT

# Returns when one of them ends; a signal ends the waiting and runs the trap.
wait -n || true
check_running
