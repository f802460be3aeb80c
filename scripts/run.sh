#!/usr/bin/env bash
# A whole monitoring system on loopback, in the foreground: simulated servers
# that live, one of them with a dying fan; the exporter; and a real Prometheus
# that scrapes them.
#
#   EXPORTER_PORT=9290  PROMETHEUS_PORT=9090
#   BMC_PORT=16230      first UDP port of the simulated BMCs
#   BMC_COUNT=          how many of them; one for each recorded machine
#   BMC_CONTROL_PORT=9390
#   RELEASE=1           optimised build
#   RUN_DIRECTORY=.run  data and logs
set -eu
cd "$(dirname "$0")/.."
# The order of the recordings is the simulator's.
export LC_ALL=C

exporter_port=${EXPORTER_PORT:-9290}
prometheus_port=${PROMETHEUS_PORT:-9090}
bmc_port=${BMC_PORT:-16230}
control_port=${BMC_CONTROL_PORT:-9390}
run=${RUN_DIRECTORY:-.run}
exporter=127.0.0.1:$exporter_port
prometheus=127.0.0.1:$prometheus_port
bmc=127.0.0.1:$bmc_port
control=127.0.0.1:$control_port
recordings=fixtures/bmcs
machines=("$recordings"/*/recording.json)
bmc_count=${BMC_COUNT:-${#machines[@]}}

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

require_number() { # VALUE VARIABLE LOWEST HIGHEST WHAT
    case $1 in
    '' | *[!0-9]* | ??????*) fail "$2=$1 is not $5" ;;
    esac
    if [ "$1" -lt "$3" ] || [ "$1" -gt "$4" ]; then
        fail "$2=$1 is not $5 from $3 to $4"
    fi
}

require_port() { # tcp|udp PORT VARIABLE WHAT
    require_number "$2" "$3" 1 65535 "a port number"
    if taken "$1" "$2"; then
        fail "port $2/$1 for $4 is taken; choose another one, for example: $3=$(($2 % 50000 + 10000)) make run"
    fi
}

require_number "$bmc_port" BMC_PORT 1 65535 "a port number"
require_number "$bmc_count" BMC_COUNT 1 10000 "a number of BMCs"
last_bmc_port=$((bmc_port + bmc_count - 1))
[ "$last_bmc_port" -le 65535 ] ||
    fail "BMC_PORT=$bmc_port leaves no room for $bmc_count BMCs"
for ((port = bmc_port; port <= last_bmc_port && port < bmc_port + 100; port++)); do
    if taken udp "$port"; then
        fail "port $port/udp for a simulated BMC is taken; choose others, for example: BMC_PORT=$((bmc_port % 50000 + 10000)) make run"
    fi
done
require_port tcp "$control_port" BMC_CONTROL_PORT "the control endpoint of the simulated BMCs"
require_port tcp "$exporter_port" EXPORTER_PORT "the exporter"
require_port tcp "$prometheus_port" PROMETHEUS_PORT "Prometheus"

say "building"
if [ -n "${RELEASE:-}" ]; then
    cargo build --workspace --locked --release
    built=target/release
else
    cargo build --workspace --locked
    built=target/debug
fi
binary=$built/ipmi_exporter

mkdir -p "$run/log" "$run/prometheus" "$run/cache"
run=$(cd "$run" && pwd)

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

# --- the simulated BMCs
say "starting $bmc_count simulated BMCs on 127.0.0.1:$bmc_port to $last_bmc_port (UDP)"
# The password of demo/ipmi_exporter.yml, not in an argument list.
BMC_SIM_PASSWORD=demo start bmc_sim "$built/bmc_sim" --recordings "$recordings" --count "$bmc_count" \
    --listen "$bmc" --user monitor --behaviour moving --latency lognormal:2ms,12ms \
    --control "$control"
wait_until 20 "the simulated BMCs" curl -fsS "http://$control/-/healthy"
# A fan dies: of the first machine that has one.
dying=
for ((index = 0; index < bmc_count && index < 20; index++)); do
    if curl -fsS -o "$run/log/dying.json" -X POST "http://$control/bmcs/$index/fans/1/fail" 2>/dev/null; then
        dying=127.0.0.1:$((bmc_port + index))
        break
    fi
done

# --- the exporter
# As an operator should keep it: it holds a password.
install -m 640 demo/ipmi_exporter.yml "$run/ipmi_exporter.yml"
say "starting the exporter on $exporter"
start exporter "$binary" --config.file="$run/ipmi_exporter.yml" --web.listen-address="$exporter" \
    --cache.dir="$run/cache"
wait_until 20 "the exporter" curl -fsS "http://$exporter/-/healthy"

# --- Prometheus
sed -e "s/@EXPORTER@/$exporter/" -e "s/@CONTROL@/$control/" demo/prometheus.yml >"$run/prometheus/prometheus.yml"
{
    separator='['
    for ((index = 0; index < bmc_count; index++)); do
        machine=$(basename "$(dirname "${machines[$((index % ${#machines[@]}))]}")")
        printf '%s\n  {"targets": ["127.0.0.1:%d"], "labels": {"server_id": "%d", "server_name": "%s-%d", "manufacturer": "%s", "site": "loopback", "rack": "%d"}}' \
            "$separator" $((bmc_port + index)) $((index + 1)) "$machine" $((index + 1)) "${machine%%-*}" $((index / 10 + 1))
        separator=','
    done
    printf '\n]\n'
} >"$run/prometheus/targets.json"
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
  the BMCs        http://$control/    look at them, let parts die
  one scrape      curl 'http://$exporter/ipmi?target=$bmc&module=demo'
  by hand         $binary probe ${dying:-$bmc} --config.file $run/ipmi_exporter.yml --module demo
                  ipmitool -I lanplus -H 127.0.0.1 -p $bmc_port -U monitor -P demo sdr
  logs and data   $run

Ask Prometheus, for example:

  ipmi_fan_speed_state == 2                    the dying fan
  ipmi_sensor_state > 0                        lost redundancy, failed supplies
  topk(3, ipmi_temperature_celsius)            the hottest places
  ipmi_power_watts                             power
  ipmi_scrape_duration_seconds                 how long a scrape takes
  ipmi_up                                      which collectors work

Let something else die, and come back with recover:

  curl http://$control/bmcs
  curl -X POST http://$control/bmcs/0/fans/2/fail
  curl -X PUT  http://$control/bmcs/1/faults/silent

TEXT

# Returns when one of them ends; a signal ends the waiting and runs the trap.
wait -n || true
check_running
