# Sourced by the others: says what is run, then runs it.
# shellcheck shell=sh
step() {
    printf '\n== %s\n' "$*"
    "$@"
}
