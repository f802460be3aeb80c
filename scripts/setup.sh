#!/bin/sh
# Installs the Debian packages that building, testing and the demonstration
# need, if any is missing, and Python packages that Debian has not got in a
# fitting version. Starts and enables none of the services in them.
set -eu
cd "$(dirname "$0")/.."

# Package, and the reason for it.
needed() {
    cat <<'LIST'
gcc                       linker for Rust; compiles the simulator's plug-in
libc6-dev                 linker for Rust
openipmi                  ipmi_sim, the simulated BMC
libopenipmi-dev           headers for the simulator's plug-in
freeipmi-tools            what the stock exporter calls
ipmitool                  an independent IPMI client for the tests
prometheus-ipmi-exporter  the stock exporter, to compare with
prometheus                scrapes the exporter in the tests and in make run
prometheus-alertmanager   notifies the controller in its tests and in make run
postgresql-15             the controller's other database, for its tests
curl                      asks the servers whether they are ready
jq                        writes and reads the JSON of make run
victoria-metrics          a long-term store, for the tests of deploy/
procps                    kill, with which tests stop servers
openssl                   makes certificates, in deploy/init
iproute2                  addresses in network namespaces of tests
valgrind                  counts the instructions of a scrape
strace                    counts the system calls of a scrape, in make bench
python3-venv              a place for Python packages of the tests: pyghmi, schemathesis
python3-cryptography      what pyghmi is made with
python3-dateutil          what pyghmi is made with
chromium                  shows the page, in its tests
fonts-noto-cjk            Chinese in the screenshots of the page
LIST
}

installed() {
    test "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed
}

all_installed() {
    dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p'
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

if ! command -v dpkg-query >/dev/null; then
    echo "setup: this is no Debian system; please see to these programs yourself:" >&2
    needed | sed 's/^/    /' >&2
    exit 0
fi

missing=
for package in $(needed | cut -d ' ' -f 1); do
    installed "$package" || missing="$missing $package"
done

if [ -n "$missing" ]; then
    echo "setup: installing$missing"
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        echo "setup: neither root nor sudo; as root, please run: apt-get install$missing" >&2
        exit 1
    fi
    # The packages bring services that would take our ports, now and at the next boot.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap 'as_root rm -f "$policy"' EXIT
        trap 'exit 130' INT TERM
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
    fi
    as_root apt-get update -qq
    before=$(all_installed)
    # shellcheck disable=SC2086  # one word per package
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
    # Also what the packages brought along: the service of PostgreSQL does.
    for package in $(all_installed); do
        case "
$before
" in *"
$package
"*) continue ;; esac
        units=$(dpkg-query -L "$package" | sed -n 's|.*/systemd/system/\([^/@]*\.service\)$|\1|p')
        for unit in $units; do
            echo "setup: leaving $unit of $package disabled"
            as_root systemctl disable "$unit" >/dev/null 2>&1 || true
        done
    done
else
    echo "setup: nothing to install"
fi

# Where the tests look for them, with the lists that were installed; a change of
# a list makes all anew.
python=${CARGO_TARGET_DIR:-target}/python
of_exporter=exporter/tests/pyghmi/requirements.txt
of_controller=controller/tests/python/requirements.txt
of_deploy=deploy/tests/requirements.txt
if ! cmp -s "$of_exporter" "$python/requirements.txt" ||
    ! cmp -s "$of_controller" "$python/controller.txt" ||
    ! cmp -s "$of_deploy" "$python/deploy.txt"; then
    echo "setup: installing what the tests need of Python"
    rm -rf "$python"
    /usr/bin/python3 -m venv --system-site-packages "$python"
    for list in "$of_exporter" "$of_controller" "$of_deploy"; do
        "$python/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes \
            --ignore-installed --only-binary :all: --requirement "$list"
    done
    cp "$of_exporter" "$python/requirements.txt"
    cp "$of_controller" "$python/controller.txt"
    cp "$of_deploy" "$python/deploy.txt"
fi

if ! command -v cargo >/dev/null; then
    echo "setup: cargo is missing; install Rust as https://rustup.rs says" >&2
    exit 1
fi
