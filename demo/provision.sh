#!/usr/bin/env bash
# Tells a new controller about the demonstration: credentials, exporter, servers.
# What is there already stays. Everything goes through the interface that
# operators use.
#
#   provision.sh access URL DIRECTORY EXPORTER_URL   credentials, exporter, tokens, routes
#   provision.sh servers URL DIRECTORY               servers from DIRECTORY/servers.json
#
# DIRECTORY has `admin-login` (user:password) and gets the tokens.
set -euo pipefail
cd "$(dirname "$0")"

step=$1
url=$2
directory=$3

# Secrets go through files and pipes: argument lists are for everybody to see.
umask 077
authorization=$(mktemp)
trap 'rm -f "$authorization"' EXIT

api() { # METHOD PATH [BODY]
    local body=${3-}
    curl --silent --show-error --fail-with-body --request "$1" --header "@$authorization" \
        --header 'Content-Type: application/json' ${body:+--data-binary @-} "$url/api/v1/$2" <<<"$body" || {
        printf '\nprovision: %s %s failed\n' "$1" "$2" >&2
        return 1
    }
}

has() { # LIST NAME
    api GET "$1?limit=1000" | jq --exit-status --arg name "$2" 'any(.items[]; .name == $name)' >/dev/null
}

token_file() { # NAME BODY
    local file=$directory/$1-token
    [ -s "$file" ] || api POST tokens "$2" | jq --raw-output .token >"$file"
}

IFS=: read -r user password <"$directory/admin-login"
jq --null-input --arg user "$user" --arg password "$password" '{username: $user, password: $password}' |
    curl --silent --show-error --fail --header 'Content-Type: application/json' --data-binary @- \
        "$url/api/v1/auth/login" |
    jq --raw-output '"Authorization: Bearer " + .access_token' >"$authorization"

case $step in
access)
    exporter_url=$4
    has credentials demo || api POST credentials "$(cat credential.json)" >/dev/null
    has exporters local ||
        api POST exporters "$(jq --null-input --arg url "$exporter_url" '{name: "local", url: $url, site: "loopback"}')" >/dev/null
    exporter_id=$(api GET 'exporters?limit=1000' | jq '.items[] | select(.name == "local").id')
    token_file exporter "{\"name\": \"local\", \"kind\": \"exporter\", \"exporter_id\": $exporter_id}"
    has receivers on-call || api POST receivers "$(cat receiver.json)" >/dev/null
    [ "$(api GET routes | jq .version)" != 0 ] || api PUT routes "$(cat routes.json)" >/dev/null
    token_file inlet '{"name": "demonstration", "kind": "inlet"}'
    ;;
servers)
    api POST 'servers/import?mode=upsert' "$(cat "$directory/servers.json")" |
        jq --raw-output '"provision: servers: \(.created) created, \(.updated) updated, \(.unchanged) unchanged"'
    ;;
*)
    echo "provision: $step is not a step" >&2
    exit 2
    ;;
esac
