#!/usr/bin/env bash
# A whole monitoring system on loopback, in the foreground: simulated servers
# that live, one of them with a dying fan; the exporter; a real Prometheus and a
# real Alertmanager; and the controller, which tells all of them what to do.
#
#   CONTROLLER_PORT=8080  PROMETHEUS_PORT=9090  ALERTMANAGER_PORT=9093
#   EXPORTER_PORT=9290    BMC_CONTROL_PORT=9390
#   BMC_PORT=16230        first UDP port of the simulated BMCs
#   BMC_COUNT=            how many of them; one for each recorded machine
#   RELEASE=1             optimised build
#   RUN_DIRECTORY=.run    data and logs
set -eu
cd "$(dirname "$0")/.."
# The order of the recordings is the simulator's.
export LC_ALL=C

controller_port=${CONTROLLER_PORT:-8080}
prometheus_port=${PROMETHEUS_PORT:-9090}
alertmanager_port=${ALERTMANAGER_PORT:-9093}
exporter_port=${EXPORTER_PORT:-9290}
bmc_port=${BMC_PORT:-16230}
control_port=${BMC_CONTROL_PORT:-9390}
run=${RUN_DIRECTORY:-.run}
controller=127.0.0.1:$controller_port
prometheus=127.0.0.1:$prometheus_port
alertmanager=127.0.0.1:$alertmanager_port
exporter=127.0.0.1:$exporter_port
bmc=127.0.0.1:$bmc_port
control=127.0.0.1:$control_port
recordings=fixtures/bmcs
machines=("$recordings"/*/recording.json)
bmc_count=${BMC_COUNT:-${#machines[@]}}

. scripts/processes.sh

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
require_port tcp "$controller_port" CONTROLLER_PORT "the controller"
require_port tcp "$exporter_port" EXPORTER_PORT "the exporter"
require_port tcp "$prometheus_port" PROMETHEUS_PORT "Prometheus"
require_port tcp "$alertmanager_port" ALERTMANAGER_PORT "Alertmanager"

say "building"
if [ -n "${RELEASE:-}" ]; then
    cargo build --workspace --locked --release
    built=target/release
else
    cargo build --workspace --locked
    built=target/debug
fi

mkdir -p "$run"/{log,controller,exporter,prometheus,alertmanager}
run=$(cd "$run" && pwd)
login=$run/admin-login

# Puts addresses and folders into a file of the demonstration.
place() { # FILE DESTINATION
    sed -e "s|@RUN@|$run|" -e "s|@CONTROLLER@|$controller|" -e "s|@PROMETHEUS@|$prometheus|" \
        -e "s|@ALERTMANAGER@|$alertmanager|" -e "s|@EXPORTER@|$exporter|" -e "s|@CONTROL@|$control|" \
        "demo/$1" >"$2"
}

# --- the simulated BMCs
say "starting $bmc_count simulated BMCs on 127.0.0.1:$bmc_port to $last_bmc_port (UDP)"
# The password of demo/credential.json, not in an argument list.
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

# --- the controller, which writes Alertmanager's configuration: one from before it did
# would wait for a confirmation
if ! grep -qs '^# Written by ipmi_controller' "$run/alertmanager/alertmanager.yml"; then
    rm -f "$run/alertmanager/alertmanager.yml"
fi
place controller.yml "$run/controller/controller.yml"
controller_program=("$built/ipmi_controller")
controller_configuration=(--config "$run/controller/controller.yml")
if [ ! -s "$run/controller/master.key" ]; then
    (umask 077 && od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$run/controller/master.key")
fi
if [ ! -s "$login" ]; then
    (umask 077 && "${controller_program[@]}" admin "${controller_configuration[@]}" init >"$login")
fi
say "starting the controller on $controller"
IPMI_CONTROLLER_LISTEN=$controller start controller "${controller_program[@]}" serve "${controller_configuration[@]}"
wait_until 30 "the controller" curl -fsS "http://$controller/-/ready"
demo/provision.sh access "http://$controller" "$run" "http://$exporter"

# --- the exporter, which has its modules and its targets from the controller
say "starting the exporter on $exporter"
start exporter "$built/ipmi_exporter" --controller.url="http://$controller" \
    --controller.token-file="$run/exporter-token" \
    --web.listen-address="$exporter" --cache.dir="$run/exporter"
wait_until 30 "the exporter" curl -fsS "http://$exporter/-/ready"

# --- Alertmanager and Prometheus
install -m 600 "$run/inlet-token" "$run/prometheus/inlet-token"
place prometheus.yml "$run/prometheus/prometheus.yml"
wait_until 30 "Alertmanager's configuration" test -s "$run/alertmanager/alertmanager.yml"
say "starting Alertmanager on $alertmanager and Prometheus on $prometheus"
start alertmanager prometheus-alertmanager --config.file="$run/alertmanager/alertmanager.yml" \
    --storage.path="$run/alertmanager/data" --web.listen-address="$alertmanager" --cluster.listen-address=
start prometheus prometheus --config.file="$run/prometheus/prometheus.yml" \
    --storage.tsdb.path="$run/prometheus/data" --web.listen-address="$prometheus" \
    --web.enable-lifecycle --web.enable-admin-api
wait_until 30 "Prometheus" curl -fsS "http://$prometheus/-/ready"

# --- the servers
for ((index = 0; index < bmc_count; index++)); do
    machine=$(basename "$(dirname "${machines[$((index % ${#machines[@]}))]}")")
    jq --null-input --compact-output --arg machine "$machine" --argjson index "$index" --argjson port $((bmc_port + index)) '
        {name: "\($machine)-\($index + 1)", address: "127.0.0.1", port: $port, credential: "demo",
         manufacturer: ($machine | split("-")[0]), site: "loopback", rack: "\($index / 10 | floor + 1)"}'
done | jq --slurp . >"$run/servers.json"
demo/provision.sh servers "http://$controller" "$run"
stored() {
    curl -fsS "http://$prometheus/api/v1/query" --data-urlencode 'query=ipmi_up{collector="ipmi"} == 1' |
        grep -q '"value"'
}
wait_until 60 "the first stored series" stored

cat <<TEXT

Everything runs. Ctrl-C stops it.

  the controller  http://$controller/    log-in: $login
  Prometheus      http://$prometheus/
  Alertmanager    http://$alertmanager/
  the exporter    http://$exporter/
  the BMCs        http://$control/    look at them, let parts die
  one scrape      curl 'http://$exporter/ipmi?target=$bmc&module=demo'
  by hand         $built/ipmi_exporter probe ${dying:-$bmc} --config.file demo/ipmi_exporter.yml --module demo
                  ipmitool -I lanplus -H 127.0.0.1 -p $bmc_port -U monitor -P demo sdr
  logs and data   $run

Ask Prometheus, for example:

  ALERTS                                       what the default rules found
  ipmi_fan_speed_state == 2                    the dying fan
  ipmi_sensor_state > 0                        lost redundancy, failed supplies
  topk(3, ipmi_temperature_celsius)            the hottest places
  ipmi_power_watts                             power
  ipmi_scrape_duration_seconds                 how long a scrape takes
  ipmi_up                                      which collectors work

Ask the controller:

  token=\$(jq -R 'split(":") | {username: .[0], password: .[1]}' $login |
      curl -s http://$controller/api/v1/auth/login -H 'Content-Type: application/json' -d @- | jq -r .access_token)
  curl -s -H "Authorization: Bearer \$token" http://$controller/api/v1/alerts | jq
  curl -s -H "Authorization: Bearer \$token" http://$controller/api/v1/sync | jq

Let something else die, and come back with recover:

  curl http://$control/bmcs
  curl -X POST http://$control/bmcs/0/fans/2/fail
  curl -X PUT  http://$control/bmcs/1/faults/silent

TEXT

# Returns when one of them ends; a signal ends the waiting and runs the trap.
wait -n || true
check_running
