#!/usr/bin/env bash
# Lets the readings of the demonstration machine (demo/server.emu) live, by
# writing the simulator's commands to its console until that ends.
# Argument: the console.
set -eu

exec >"$1"
# Nothing ever arrives here, so reading with a time limit is a pause without a child.
exec {never}<> <(:)

declare -A raw

# Moves a sensor's raw value by at most one: number, lowest, highest.
drift() {
    local value=$((${raw[$1]:-$((($2 + $3) / 2))} + RANDOM % 3 - 1))
    raw[$1]=$((value < $2 ? $2 : value > $3 ? $3 : value))
    printf 'sensor_set_value 0x20 0 0x%02x 0x%02x 0\n' "$1" "${raw[$1]}"
}

while true; do
    drift 1 55 70 # CPU1 Temp
    drift 2 57 73 # CPU2 Temp
    drift 3 22 27 # Inlet Temp
    drift 4 38 45 # Exhaust Temp
    for fan in 14 15 17 18 19; do
        drift "$fan" 72 84
    done
    drift 16 2 5   # Fan 3 dies
    drift 26 85 99 # PSU1 Input
    drift 30 80 95 # System Power
    drift 31 10 90 # CPU Utilisation
    read -r -t 3 -u "$never" || true
done
