#!/usr/bin/env bash
# Fuzzing with libFuzzer on stable Rust; needs nothing but cargo and g++.
#
#   scripts/fuzz.sh smoke                  each target: the kept inputs, then some seconds of search
#   scripts/fuzz.sh run SECONDS [TARGET]   search that long, in each target or in one
#   scripts/fuzz.sh SECONDS                the same in each target
#   scripts/fuzz.sh replay FILE [TARGET]   run one input, with a backtrace
#   scripts/fuzz.sh keep [TARGET]          add what earlier searches found to the kept inputs
#
# The kept inputs are in <package>/corpus/<target>. Searches collect theirs in
# <package>/artifacts, which git ignores; a finding is written there too, under
# the name of its target, and the search stops.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly SMOKE_SECONDS=${SMOKE_SECONDS:-8}
# Longer inputs find nothing that shorter ones don't: a datagram that a BMC has
# any reason to send is below this.
readonly LONGEST_INPUT=1024
# A BMC must not be able to make one answer cost seconds, or much memory.
readonly LONGEST_RUN_SECONDS=5
readonly MOST_MEMORY_MB=512

# Packages with fuzz targets, one folder each.
readonly PACKAGES=(ipmi-proto/fuzz exporter/fuzz)

# Shared, so that both build the protocol crate once.
readonly TARGET_DIR=target/fuzz

# What libFuzzer needs from the compiler. `cargo fuzz` passes the same, and a
# sanitizer for which it needs a nightly compiler; the code forbids `unsafe`.
readonly INSTRUMENT="-Cpasses=sancov-module \
-Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
-Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares \
--cfg fuzzing -Ccodegen-units=1 -Cdebug-assertions -Coverflow-checks"

usage() {
    sed -n '4,8s/^# *//p' "$0" >&2
    exit 2
}

say() { printf 'fuzz: %s\n' "$*"; }

die() {
    printf 'fuzz: %s\n' "$*" >&2
    exit 1
}

# With a target named, build scripts and macros are built without INSTRUMENT.
HOST=$(rustc -vV | sed -n 's/^host: //p')
readonly HOST

build() {
    local package=$1
    say "building $package (stable Rust, instrumented)"
    RUSTFLAGS="${RUSTFLAGS:-} $INSTRUMENT" cargo build --quiet --locked --bins \
        --manifest-path "$package/Cargo.toml" --target "$HOST" --target-dir "$TARGET_DIR"
}

# Names of a package's targets.
targets_of() {
    local source
    for source in "$1"/fuzz_targets/*.rs; do
        basename "$source" .rs
    done
}

# The package of a target.
package_of() {
    local package
    for package in "${PACKAGES[@]}"; do
        if [[ -f $package/fuzz_targets/$1.rs ]]; then
            printf '%s\n' "$package"
            return
        fi
    done
    die "there is no target '$1'; there are: $(for package in "${PACKAGES[@]}"; do targets_of "$package"; done | paste -sd ' ')"
}

program() { printf '%s/%s/debug/%s\n' "$TARGET_DIR" "$HOST" "$1"; }

# search PACKAGE TARGET SECONDS
search() {
    local package=$1 target=$2 seconds=$3
    local artifacts=$package/artifacts found=$package/artifacts/$target
    local log=$artifacts/$target.log
    mkdir -p "$found"
    if ! "$(program "$target")" \
        -max_total_time="$seconds" -max_len=$LONGEST_INPUT -timeout=$LONGEST_RUN_SECONDS \
        -rss_limit_mb=$MOST_MEMORY_MB -artifact_prefix="$artifacts/$target-" -print_final_stats=1 \
        "$found" "$package/corpus/$target" >"$log" 2>&1; then
        grep -E 'panicked|ERROR|SUMMARY|Test unit' -A 2 "$log" >&2 || tail -20 "$log" >&2
        die "$target: FOUND SOMETHING; see $log, then scripts/fuzz.sh replay FILE"
    fi
    local runs
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    say "$target: ok, $runs inputs in $seconds s, $(count "$package/corpus/$target") kept"
}

count() { find "$1" -type f | wc -l | tr -d ' '; }

# replay_kept PACKAGE TARGET
replay_kept() {
    local log=$1/artifacts/$2.log
    mkdir -p "$1/artifacts"
    "$(program "$2")" -runs=0 -timeout=$LONGEST_RUN_SECONDS -rss_limit_mb=$MOST_MEMORY_MB \
        -artifact_prefix="$1/artifacts/$2-" "$1/corpus/$2" >"$log" 2>&1 || {
        grep -E 'panicked|ERROR|SUMMARY|Test unit' -A 2 "$log" >&2 || true
        die "$2: a kept input fails; see $log"
    }
}

# each ACTION [ARGUMENT]...: builds, then ACTION PACKAGE TARGET ARGUMENT... for
# every target, or for ONE_TARGET alone.
each() {
    local action=$1 package target
    shift
    for package in "${PACKAGES[@]}"; do
        if [[ -n ${ONE_TARGET:-} && $(package_of "$ONE_TARGET") != "$package" ]]; then
            continue
        fi
        build "$package"
        for target in $(targets_of "$package"); do
            if [[ -z ${ONE_TARGET:-} || $ONE_TARGET == "$target" ]]; then
                "$action" "$package" "$target" "$@"
            fi
        done
    done
}

smoke() {
    replay_kept "$1" "$2"
    search "$1" "$2" "$SMOKE_SECONDS"
}

keep() {
    local package=$1 target=$2 found=$1/artifacts/$2
    mkdir -p "$found"
    "$(program "$target")" -merge=1 -max_len=$LONGEST_INPUT \
        "$package/corpus/$target" "$found" >"$package/artifacts/$target.log" 2>&1
    say "$target: $(count "$package/corpus/$target") kept"
}

replay() {
    local file=$1 target=${2:-}
    [[ -f $file ]] || die "$file: no such file"
    if [[ -z $target ]]; then
        # corpus/TARGET/NAME, or artifacts/TARGET-crash-NAME
        target=$(basename "$(dirname "$file")")
        case $(basename "$file") in
        *-crash-* | *-timeout-* | *-oom-* | *-slow-unit-*)
            target=$(basename "$file" | sed -E 's/-(crash|timeout|oom|slow-unit)-.*//')
            ;;
        esac
    fi
    local package
    package=$(package_of "$target")
    build "$package"
    RUST_BACKTRACE=1 "$(program "$target")" -timeout=$LONGEST_RUN_SECONDS "$file"
    say "$target: $file passes"
}

is_number() { [[ $1 =~ ^[0-9]+$ ]]; }

case ${1:-} in
smoke)
    each smoke
    ;;
run)
    is_number "${2:-}" || usage
    [[ -z ${3:-} ]] || package_of "$3" >/dev/null
    ONE_TARGET=${3:-} each search "$2"
    ;;
keep)
    [[ -z ${2:-} ]] || package_of "$2" >/dev/null
    ONE_TARGET=${2:-} each keep
    ;;
replay)
    [[ -n ${2:-} ]] || usage
    replay "$2" "${3:-}"
    ;;
*)
    is_number "${1:-}" || usage
    each search "$1"
    ;;
esac
