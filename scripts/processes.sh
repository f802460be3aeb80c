# Sourced by scripts/run.sh: ports, and programs that run until the script ends.
# Logs go to $run/log.
# shellcheck shell=bash disable=SC2154  # $run is the caller's

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
