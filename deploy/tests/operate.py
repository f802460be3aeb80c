"""The system of deploy/compose.yml in operation: series that go on to a long-term
store, from which the controller reads; and a rehearsal of the worst: a backup while
changes and alerts come in, everything destroyed, restored, and compared.

The store is Debian's VictoriaMetrics, where it is installed.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from containers import Compose, copy_configuration  # noqa: E402
from system import DEPLOY, JSON, Caller, Secrets, bearer, sign_in, wait_for  # noqa: E402

BUILT = Path(sys.argv[1] if len(sys.argv) > 1 else "target/debug").resolve()
STORE = "http://prometheus:8428"
TIMINGS = {
    "prometheus/prometheus.yml": [
        ("scrape_interval: 60s", "scrape_interval: 5s"),
        ("scrape_timeout: 30s", "scrape_timeout: 5s"),
        ("evaluation_interval: 30s", "evaluation_interval: 5s"),
    ],
}


def main():
    home = Path(os.environ["TEST_HOME"])
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", home], check=True)
    secrets = Secrets(home)
    copy_configuration(DEPLOY, home, TIMINGS)
    programs = {name: BUILT / name for name in ["ipmi_exporter", "ipmi_controller", "bmc_sim"]}
    compose = Compose(DEPLOY / "compose.yml", ["demo"], home, programs)
    store = shutil.which("victoria-metrics")
    started = None
    if store:
        # As docs/scaling.md says.
        with open(home / "deploy/etc/prometheus/prometheus.yml", "a") as file:
            file.write(f"\nremote_write:\n- url: {STORE}/api/v1/write\n")
        environment = compose.services["controller"]["environment"]
        environment["IPMI_CONTROLLER_QUERY__URL"] = STORE
        with open(home / "store.log", "w") as log:
            started = subprocess.Popen(
                [store, f"-storageDataPath={home}/store", "-retentionPeriod=10y",
                 f"-httpListenAddr={compose.addresses['prometheus']}:8428"], stdout=log, stderr=log,
            )
    try:
        compose.once("controller-setup")
        compose.once("demo-setup")
        for name in ["bmcs", "controller", "exporter", "prometheus"]:
            compose.start(name)
            compose.healthy(name)
        caller = Caller(compose, secrets)
        if started:
            long_term(compose, caller)
        else:
            print("operate: no VictoriaMetrics here: the long-term store is not tried")
        rehearsal(compose, caller)
    except BaseException:
        compose.show_logs()
        raise
    finally:
        compose.kill_all()
        if started:
            started.kill()
    print("operate: passed")


def long_term(compose, caller):
    """What Prometheus passed on is what the controller shows, also without Prometheus."""
    api = sign_in(caller)
    server = next(s for s in api("GET", "servers?sort=name&limit=5")["items"])
    path = f"monitoring/servers/{server['id']}/metrics"

    def shown():
        found = api("GET", path)
        return found if has_values(found) else None

    answer = wait_for("sensors from the store", 60, shown)
    compose.stop("prometheus")
    again = api("GET", path)
    assert has_values(again), again
    up = api("GET", "monitoring/prometheus/query?query=ipmi_up")
    assert has_values(up), up
    print(f"long-term store: {len(json.dumps(answer))} bytes of sensors of {server['name']}, also while Prometheus is down")
    compose.start("prometheus")
    compose.healthy("prometheus")


def has_values(answer):
    """Whether there is any number in an answer about metrics."""
    text = json.dumps(answer)
    return '"value"' in text or '"current_value"' in text


def facts(api):
    """What must be after a restoration as it was."""
    found = {}
    for name in ["servers", "groups", "credentials", "exporters", "rules", "users", "alerts", "tokens"]:
        page = api("GET", f"{name}?limit=1000")
        found[name] = {item["id"]: item for item in page["items"]}
    return found


# What goes on changing by itself.
MOVING = {"last_used_at", "last_login_at", "last_seen_at", "channel", "updated_at", "version"}


def still(item):
    return {key: value for key, value in item.items() if key not in MOVING}


def rehearsal(compose, caller):
    api = sign_in(caller)
    inlet = bearer(caller.secrets.text("prometheus/inlet.token"))
    stop = threading.Event()
    acknowledged = []

    def load():
        number = 0
        while not stop.is_set() and number < 2000:
            number += 1
            name = f"load-{number}"
            api("POST", "servers", {"name": name, "address": f"192.0.2.{number % 250 + 1}", "port": 1000 + number,
                                    "monitoring_enabled": False})
            alert = {"labels": {"alertname": name}, "startsAt": "2026-01-01T00:00:00Z"}
            status, _ = caller.ask("controller", 8080, "POST", "/api/v2/alerts", json.dumps([alert]), {**JSON, **inlet})
            assert status == 200, status
            acknowledged.append(name)

    def loaded():
        try:
            load()
        except BaseException as error:
            acknowledged.append(error)

    thread = threading.Thread(target=loaded)
    thread.start()
    wait_for("load", 30, lambda: len(acknowledged) >= 20)
    before = facts(api)
    told = set(acknowledged)
    backup = api("POST", "backups")
    wait_for("more load", 30, lambda: len(acknowledged) >= len(told) + 5)
    stop.set()
    thread.join(30)
    assert all(isinstance(name, str) for name in acknowledged), acknowledged[-1]
    name = backup["name"]
    api("POST", f"backups/{name}/verify")
    # Elsewhere, as it should be.
    data = compose.home / "volumes/controller-data"
    kept = compose.home / "kept"
    kept.mkdir()
    for file in (data / "backups").glob(f"{name}*"):
        shutil.copy2(file, kept)

    start = time.monotonic()
    process = compose.running.pop("controller")
    process.kill()
    process.wait()
    # `published` is where another volume is mounted.
    for item in [item for item in data.iterdir() if item.name != "published"]:
        shutil.rmtree(item) if item.is_dir() else item.unlink()
    # A new machine: the volume is empty, the secrets are there.
    restored = data / "restored"
    shutil.copytree(kept, restored)
    for item in [restored, *restored.iterdir()]:
        shutil.chown(item, 65532, 65532)
    command = ["ipmi_controller", "admin", "--config", "/etc/ipmi_controller/controller.yml",
               "restore", f"/var/lib/ipmi_controller/restored/{name}"]
    done = subprocess.run(**compose.command("controller", command), text=True, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    compose.start("controller")
    compose.healthy("controller")
    took = time.monotonic() - start
    api = sign_in(caller)
    after = facts(api)
    for kind, items in before.items():
        for number, item in items.items():
            found = after[kind].get(number)
            assert found, f"{kind} {number} is lost: {item}"
            if kind != "alerts":
                assert still(found) == still(item), f"{kind} {number}: {item} became {found}"
    # Each alert that was acknowledged before the backup began is there, once.
    names = [item["labels"]["alertname"] for item in after["alerts"].values()]
    missing = [name for name in told if names.count(name) != 1]
    assert not missing, missing
    assert api("POST", "audit/verify").get("broken") is None
    # The exporter's token and its modules, which are sealed, work again.
    status, module = caller.ask("controller", 8080, "GET", "/api/v1/exporters/-/config",
                                headers=bearer(caller.secrets.text("exporter/controller.token")))
    assert status == 200 and caller.secrets.text("bmcs/password").encode() in module, status

    print(f"rehearsal: {sum(len(items) for items in before.values())} objects are as they were, "
          f"{took:.1f} s after the loss")


main()
