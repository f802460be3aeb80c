"""Starts the services of a compose file without a container engine.

Each service gets what its container would give it: a root of its own in which only
its volumes are there, read-only where the file says so, its user, no capabilities,
its command line, its environment and an address under its name. The programs are
this machine's. Run it in namespaces of its own: `deploy/tests/run` sees to that.
"""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import yaml

# What an image's entry point is here. Debian calls Alertmanager otherwise.
PROGRAMS = {
    "controller-setup": "ipmi_controller",
    "demo-setup": "ipmi_controller",
    "controller": "ipmi_controller",
    "exporter": "ipmi_exporter",
    "bmcs": "bmc_sim",
    "prometheus": "prometheus",
    "alertmanager": "prometheus-alertmanager",
}
# Debian's promtool is too old for the health check of the image's.
CHECKS = {
    "prometheus": [
        "ipmi_exporter", "health", "--url=https://localhost:9090/-/ready",
        "--ca-file=/etc/prometheus/secrets/ca.crt",
    ],
}
# Of this machine's files, what every image has.
SHARED = ["usr", "bin", "sbin", "lib", "lib64", "dev", "proc"]
NETWORK = "10.89.0"


def run(*command):
    subprocess.run(command, check=True)


def interpolate(value, variables):
    """A compose file's ${NAME:-default}."""
    if isinstance(value, str):
        pattern = r"\$\{(\w+):-([^}]*)\}"
        return re.sub(pattern, lambda m: variables.get(m[1]) or m[2], value)
    if isinstance(value, list):
        return [interpolate(item, variables) for item in value]
    if isinstance(value, dict):
        return {key: interpolate(item, variables) for key, item in value.items()}
    return value


class Compose:
    """The services of a file, as far as they have one of the profiles."""

    def __init__(self, file, profiles, home, programs, variables=None):
        self.file = Path(file)
        self.home = Path(home)
        self.programs = programs
        with open(file) as text:
            tree = interpolate(yaml.safe_load(text), variables or {})
        self.services = {
            name: service
            for name, service in tree["services"].items()
            if set(service["profiles"]) & set(profiles)
        }
        self.running = {}
        self.addresses = {
            name: f"{NETWORK}.{number}" for number, name in enumerate(tree["services"], 10)
        }
        run("ip", "link", "set", "lo", "up")
        for address in self.addresses.values():
            run("ip", "address", "add", f"{address}/32", "dev", "lo")

    def root(self, name):
        """The service's file system, made at the first call."""
        service = self.services[name]
        root = self.home / "roots" / name
        if root.exists():
            return root
        root.mkdir(parents=True)
        run("mount", "-t", "tmpfs", "none", root)
        for folder in SHARED:
            source = Path("/") / folder
            if source.is_symlink():
                os.symlink(os.readlink(source), root / folder)
            elif source.exists():
                (root / folder).mkdir()
                run("mount", "--rbind", source, root / folder)
        for folder in ["etc/ssl", "opt/bin", "var/lib", "var/cache", "tmp"]:
            (root / folder).mkdir(parents=True)
        (root / "tmp").chmod(0o1777)
        names = "".join(f"{ip} {other}\n" for other, ip in self.addresses.items())
        (root / "etc/hosts").write_text(f"127.0.0.1 localhost\n{names}")
        (root / "etc/nsswitch.conf").write_text("hosts: files\n")
        (root / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\n")
        for program, path in self.programs.items():
            (root / "opt/bin" / program).touch()
            run("mount", "--bind", path, root / "opt/bin" / program)
        if name == "bmcs":
            (root / "opt/share").mkdir()
            run("mount", "--bind", self.file.parent.parent / "fixtures", root / "opt/share")
        user = int(service["user"].split(":")[0])
        for volume in service.get("volumes", []):
            self.mount(root, volume, user)
        for folder in service.get("tmpfs", []):
            (root / folder[1:]).mkdir(parents=True, exist_ok=True)
            run("mount", "-t", "tmpfs", "-o", "mode=1777", "none", root / folder[1:])
        if service["read_only"]:
            run("mount", "-o", "remount,ro", root)
        return root

    def mount(self, root, volume, user):
        if isinstance(volume, str):
            source, target, *mode = volume.split(":")
            read_only = mode == ["ro"]
            copies = True
        else:
            source, target = volume["source"], volume["target"]
            read_only, copies = volume["read_only"], not volume["volume"]["nocopy"]
        if source.startswith("./"):
            source = self.home / "deploy" / source[2:]
        else:
            folder = self.home / "volumes" / source
            if not folder.exists():
                folder.mkdir(parents=True)
                # As an engine does: an empty volume is given to whom the image's
                # folder belongs.
                if copies:
                    os.chown(folder, user, user)
            source = folder
        target = root / target[1:]
        if not target.exists():
            target.mkdir(parents=True)
        run("mount", "--bind", source, target)
        if read_only:
            run("mount", "-o", "remount,bind,ro", target)

    def command(self, name, arguments):
        """A command in the service's container, with nothing but its rights."""
        service = self.services[name]
        user, group = service["user"].split(":")
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        environment = dict(service.get("environment", {}))
        environment["PATH"] = "/opt/bin:/usr/bin:/bin"
        return {
            "args": [
                "/usr/sbin/chroot", self.root(name), "setpriv", f"--reuid={user}", f"--regid={group}",
                "--clear-groups", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all",
                "--pdeathsig", "KILL", "--", *arguments,
            ],
            "env": environment,
            "stdin": subprocess.DEVNULL,
        }

    def arguments(self, name):
        found = [PROGRAMS[name], *self.services[name]["command"]]
        return [item.replace("/usr/share/bmc_sim/", "/opt/share/") for item in found]

    def log(self, name):
        return (self.home / f"{name}.log").read_text(errors="replace")

    def once(self, name):
        """Runs a service that ends, and gives what it printed."""
        done = subprocess.run(
            **self.command(name, self.arguments(name)), text=True, timeout=60,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        assert done.returncode == 0, f"{name} failed:\n{done.stdout}"
        return done.stdout

    def start(self, name):
        with open(self.home / f"{name}.log", "a") as log:
            self.running[name] = subprocess.Popen(
                **self.command(name, self.arguments(name)), stdout=log, stderr=log
            )

    def check(self, name):
        """The health check; whether it found the service well, and what it said."""
        kind, *test = self.services[name]["healthcheck"]["test"]
        assert kind == "CMD", name
        test = CHECKS.get(name, test)
        done = subprocess.run(
            **self.command(name, test), text=True, timeout=20,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        return done.returncode == 0, done.stdout

    def healthy(self, name, seconds=60):
        end = time.monotonic() + seconds
        while True:
            assert self.running[name].poll() is None, f"{name} has ended:\n{self.log(name)}"
            is_well, said = self.check(name)
            if is_well:
                return
            assert time.monotonic() < end, f"{name} is not well: {said}\n{self.log(name)}"
            time.sleep(0.2)

    def stop(self, name):
        process = self.running.pop(name)
        process.terminate()
        try:
            assert process.wait(30) in (0, -15), f"{name} ended badly:\n{self.log(name)}"
        except subprocess.TimeoutExpired:
            process.kill()
            raise

    def show_logs(self):
        for name in self.running:
            print(f"--- {name}\n" + "\n".join(self.log(name).splitlines()[-15:]))

    def kill_all(self):
        for process in self.running.values():
            process.kill()
            process.wait()


def copy_configuration(deploy, home, timings):
    """The files that containers see, with other times so that a test ends soon."""
    shutil.copytree(deploy / "etc", home / "deploy/etc")
    for file in (home / "deploy/etc").rglob("*.yml"):
        text = file.read_text()
        for before, after in timings.get(str(file.relative_to(home / "deploy/etc")), []):
            assert before in text, f"{file.name} has no {before!r}"
            text = text.replace(before, after)
        file.write_text(text)
        file.chmod(0o644)
    for folder in [home / "deploy", *(home / "deploy/etc").rglob("*")]:
        if folder.is_dir():
            folder.chmod(0o755)
