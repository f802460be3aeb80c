#!/bin/sh
# deploy/init makes everything once, makes anew only what is missing, and keeps
# secrets from others.
set -eu
cd "$(dirname "$0")/../.."

home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
fail() {
    printf 'init.sh: %s\n' "$*" >&2
    exit 1
}
init() { deploy/init --directory "$home/secrets" --host monitor.example.org --host 192.0.2.7 "$@"; }
state() { (cd "$home/secrets" && find . -type f -exec sha256sum {} + | sort -k 2); }

umask 022
init >"$home/out"
grep -q '^made  authority/ca.key' "$home/out" || fail "does not say what it made"
secrets=$home/secrets

# Nobody else looks in, and each service's folder is its own.
[ "$(stat -c %a "$secrets")" = 700 ] || fail "others can look in"
if [ "$(id -u)" = 0 ]; then
    find "$secrets" -mindepth 2 -type f ! -perm 400 | grep . && fail "others can read these"
    for pair in exporter:65532 controller:65532 prometheus:65534 grafana:472 authority:0; do
        wrong=$(find "$secrets/${pair%:*}" ! -user "${pair#*:}")
        [ -z "$wrong" ] || fail "these do not belong to ${pair#*:}: $wrong"
    done
fi

# Every certificate is the authority's, for its service's name and ours.
for file in "$secrets"/*/tls.crt; do
    service=$(basename "$(dirname "$file")")
    for check in "-verify_hostname $service" "-verify_hostname monitor.example.org" "-verify_ip 192.0.2.7"; do
        # shellcheck disable=SC2086  # option and value
        openssl verify -x509_strict -purpose sslserver $check -CAfile "$secrets/authority/ca.crt" "$file" >/dev/null ||
            fail "$file is not good: $check"
    done
done
for file in "$secrets"/*/client.crt; do
    openssl verify -x509_strict -purpose sslclient -CAfile "$secrets/authority/ca.crt" "$file" >/dev/null ||
        fail "$file is no client's"
done

# Again: nothing happens.
state >"$home/before"
[ "$(init)" = "init: everything is there already" ] || fail "a second run makes something"
state >"$home/after"
cmp -s "$home/before" "$home/after" || fail "a second run changes something"

# What is missing is made, and nothing else.
rm -f "$secrets/exporter/tls.crt" "$secrets/prometheus/web.yml"
init >"$home/out"
[ "$(grep -c '^made' "$home/out")" = 2 ] || fail "makes more than is missing: $(cat "$home/out")"
state >"$home/after"
[ "$(diff "$home/before" "$home/after" | grep -c '^>')" = 2 ] || fail "changes more than is missing"

# What cannot be right is refused.
rm -f "$secrets/authority/ca.key" "$secrets/grafana/tls.crt"
init >"$home/out" 2>&1 && fail "signs without the authority's key"
grep -q 'ca.key is missing' "$home/out" || fail "does not say that the key is missing: $(cat "$home/out")"
init --days x >/dev/null 2>&1 && fail "takes x for a number"
init --host 'a b' >/dev/null 2>&1 && fail "takes a name with a space"
echo "init.sh: passed"
