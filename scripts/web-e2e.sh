#!/usr/bin/env bash
# The page in a browser against the whole system, as `make run` starts it: simulated
# BMCs, exporter, Prometheus, Alertmanager, controller.
#
#   web-e2e.sh               the tests
#   web-e2e.sh screenshots   pictures into controller/web/screenshots
#
#   E2E_BMC_COUNT=12   machines that are simulated
set -euo pipefail
cd "$(dirname "$0")/.."

count=${E2E_BMC_COUNT:-12}
run=$(mktemp -d)
system=

stop() {
    trap - EXIT
    if [ -n "$system" ]; then
        kill -s TERM "$system" 2>/dev/null || true
        wait "$system" 2>/dev/null || true
    fi
    rm -rf "$run"
}
trap stop EXIT
trap 'exit 130' INT TERM

# Ports that nobody has now: the kernel's own choice for four of TCP, and a place
# for the BMCs with nobody in it.
ports() {
    /usr/bin/python3 - "$count" <<'PYTHON'
import random, socket, sys

count = int(sys.argv[1])

def free(kind, port):
    with socket.socket(socket.AF_INET, kind) as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True

held = [socket.socket() for _ in range(5)]
for one in held:
    one.bind(("127.0.0.1", 0))
while True:
    first = random.randrange(20000, 30000)
    if all(free(socket.SOCK_DGRAM, first + index) for index in range(count)):
        break
print(*(one.getsockname()[1] for one in held), first)
PYTHON
}

read -r controller prometheus alertmanager exporter control bmc <<<"$(ports)"
scripts/web.sh build
printf 'web-e2e: starting the system; its log is %s\n' "$run/system.log"
CONTROLLER_PORT=$controller PROMETHEUS_PORT=$prometheus ALERTMANAGER_PORT=$alertmanager \
    EXPORTER_PORT=$exporter BMC_CONTROL_PORT=$control BMC_PORT=$bmc BMC_COUNT=$count \
    RUN_DIRECTORY=$run/data setsid scripts/run.sh >"$run/system.log" 2>&1 &
system=$!

end=$((SECONDS + 900))
until grep -q '^Everything runs' "$run/system.log"; do
    if ! kill -0 "$system" 2>/dev/null || [ "$SECONDS" -ge "$end" ]; then
        tail -n 40 "$run/system.log" >&2
        echo 'web-e2e: the system did not start' >&2
        exit 1
    fi
    sleep 0.5
done

export E2E_URL=http://127.0.0.1:$controller E2E_LOGIN=$run/data/admin-login E2E_BMC_COUNT=$count
case ${1-tests} in
tests) scripts/web.sh exec npm run --silent e2e ;;
screenshots) SCREENSHOTS=screenshots scripts/web.sh exec npm run --silent e2e ;;
*)
    echo "web-e2e: $1 is none of tests, screenshots" >&2
    exit 2
    ;;
esac
