#!/bin/sh
# Installs the Debian packages into a clean root, starts what their units start,
# and removes them again. As root:
#
#   debootstrap --variant=minbase --include=systemd,adduser,iproute2 bookworm ROOT
#   deploy/tests/packages.sh ROOT target/debian
set -eu

if [ "${INSIDE:-}" = "" ]; then
    clean=$(readlink -f "$1")
    packages=$(readlink -f "$2")
    tests=$(readlink -f "$(dirname "$0")")
    export clean packages tests INSIDE=outer
    exec unshare --mount --net --pid --fork --kill-child -- timeout 200 "$tests/packages.sh"
fi

fail() {
    printf 'packages.sh: %s\n' "$*" >&2
    exit 1
}

if [ "$INSIDE" = outer ]; then
    home=$(mktemp -d)
    mount -t tmpfs none "$home"
    mkdir "$home/upper" "$home/work" "$home/root"
    mount -t overlay overlay -o "lowerdir=$clean,upperdir=$home/upper,workdir=$home/work" "$home/root"
    mount -t proc proc "$home/root/proc"
    mount -t tmpfs none "$home/root/tmp"
    cp "$packages"/*.deb "$tests/packages.sh" "$home/root/tmp/"
    INSIDE=root exec chroot "$home/root" /tmp/packages.sh
fi

# --- in the clean root
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
ip link set lo up
# Nothing may be started: there is no systemd that runs.
dpkg --install /tmp/*.deb || fail "cannot be installed"

for file in /etc/ipmi_exporter/ipmi.yml:640:ipmi-exporter /etc/ipmi_controller/master.key:640:ipmi-controller \
    /etc/ipmi_controller/controller.yml:640:ipmi-controller; do
    path=${file%%:*}
    [ "$(stat -c %a:%G "$path")" = "${file#*:}" ] || fail "$path: $(stat -c %a:%G "$path")"
done
for unit in ipmi-exporter ipmi-controller; do
    systemd-analyze verify --man=no "/lib/systemd/system/$unit.service" || fail "$unit.service is not good"
    [ -L "/etc/systemd/system/multi-user.target.wants/$unit.service" ] || fail "$unit is not enabled"
    exposure=$(systemd-analyze security --offline=true "$unit.service" | sed -n 's/.*exposure level for .*: \([0-9.]*\).*/\1/p')
    echo "$unit.service: exposure $exposure"
    [ "${exposure%.*}" -lt 2 ] || fail "$unit.service is exposed by $exposure"
done
for program in ipmi_exporter ipmi_controller bmc_sim; do
    "$program" --version >/dev/null || fail "$program does not run"
    [ -n "$(find /usr/share/man /usr/share/doc -name "$program*" -o -path "*/completions/$program" | head -n 1)" ] ||
        grep -q path-exclude /etc/dpkg/dpkg.cfg.d/* 2>/dev/null || fail "$program has no manual page"
    bash -n "/usr/share/bash-completion/completions/$program" || fail "$program: completion"
done

# What the units start, as their users.
start() { # UNIT
    user=$(sed -n 's/^User=//p' "/lib/systemd/system/$1.service")
    line=$(sed -n 's/^ExecStart=//p' "/lib/systemd/system/$1.service")
    for kind in Cache State; do
        # shellcheck disable=SC2013  # words
        for folder in $(sed -n "s/^${kind}Directory=//p" "/lib/systemd/system/$1.service"); do
            [ "$kind" = Cache ] && folder=/var/cache/$folder || folder=/var/lib/$folder
            install -d -o "$user" -g "$user" "$folder"
        done
    done
    # shellcheck disable=SC2086,SC1090  # words of a command line, a file of the package
    (
        umask 077
        [ ! -e "/etc/default/$1" ] || . "/etc/default/$1"
        eval "set -- $line"
        exec setpriv --reuid="$user" --regid="$user" --clear-groups --no-new-privs --bounding-set=-all -- "$@"
    ) >"/tmp/$1.log" 2>&1 &
}
answers() { # PROGRAM URL
    for _ in $(seq 100); do
        "$1" health --url "$2" >/dev/null 2>&1 && return
        sleep 0.2
    done
    cat /tmp/*.log >&2
    fail "$2 does not answer"
}
runuser -u ipmi-controller -- ipmi_controller admin --config /etc/ipmi_controller/controller.yml init |
    grep -q '^admin:' || fail "makes no administrator"
start ipmi-exporter
start ipmi-controller
answers ipmi_exporter http://127.0.0.1:9290/-/ready
answers ipmi_controller http://127.0.0.1:8080/-/ready
runuser -u ipmi-controller -- ipmi_controller check --config /etc/ipmi_controller/controller.yml >/tmp/check ||
    true
grep -E '^error' /tmp/check | grep -v 'listen' && fail "check finds these"
kill %1 %2 2>/dev/null || kill "$(pgrep -f /usr/bin/ipmi_exporter)" "$(pgrep -f /usr/bin/ipmi_controller)" || true
wait || true

dpkg --purge ipmi-exporter ipmi-controller bmc-sim >/tmp/purge || fail "cannot be removed"
[ -e /etc/ipmi_controller/master.key ] || fail "the key is gone"
[ ! -e /etc/ipmi_exporter/ipmi.yml ] || fail "the module file is left"
[ ! -e /usr/bin/ipmi_exporter ] || fail "the program is left"
echo "packages.sh: passed"
