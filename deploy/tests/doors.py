"""The system of deploy/compose.yml with certificates of deploy/init: who is let in
at each door, and an alert on its way from a dying fan to a mailbox, over TLS.

Prometheus and Alertmanager are Debian's. Prints the table of doors.
"""

import email
import http.client
import json
import logging
import os
import re
import smtplib
import ssl
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

sys.path.insert(0, str(Path(__file__).parent))
from containers import Compose, copy_configuration  # noqa: E402
from system import DEPLOY, JSON, Caller, Secrets, basic, bearer, sign_in, wait_for  # noqa: E402

BUILT = Path(sys.argv[1] if len(sys.argv) > 1 else "target/debug").resolve()

# Other times than in production, nothing else.
TIMINGS = {
    "prometheus/prometheus.yml": [
        ("scrape_interval: 60s", "scrape_interval: 5s"),
        ("scrape_timeout: 30s", "scrape_timeout: 5s"),
        ("evaluation_interval: 30s", "evaluation_interval: 2s"),
    ],
    "alertmanager/alertmanager.yml": [("group_wait: 30s", "group_wait: 1s"), ("group_wait: 5s", "group_wait: 1s")],
}

def doors(caller, bmc):
    """Every door with every credential, and which of them opens it."""
    secrets = caller.secrets
    people = secrets.text("authority/people")
    ours = {name: secrets.made / name / "client" for name in ["prometheus", "controller"]}
    foreign = secrets.other / "prometheus/client"
    at = {
        ("prometheus", 9090): ("prometheus", secrets.text("prometheus/prometheus-password")),
        ("alertmanager", 9093): ("prometheus", secrets.text("prometheus/alertmanager-password")),
        ("exporter", 9290): ("prometheus", secrets.text("prometheus/exporter-password")),
    }
    # Door, method and path, whether a certificate is asked for, body.
    rows = [
        ("prometheus", 9090, "GET", "/api/v1/status/buildinfo", False),
        ("prometheus", 9090, "POST", "/-/reload", False),
        ("prometheus", 9090, "GET", "/metrics", False),
        ("alertmanager", 9093, "GET", "/api/v2/status", False),
        ("alertmanager", 9093, "POST", "/-/reload", False),
        ("exporter", 9290, "GET", "/metrics", True),
        ("exporter", 9290, "GET", f"/ipmi?target={bmc}&module=demo", True),
        ("exporter", 9290, "POST", "/-/reload", True),
    ]
    for service, port, method, path, needs_certificate in rows:
        user, right = at[service, port]
        # A certificate that is not needed is still welcome.
        own = ours["prometheus"]
        elsewhere = next(pair[1] for key, pair in at.items() if key != (service, port))
        tries = [
            ("nothing", {}, None, False),
            ("wrong password", basic(user, "wrong"), own, False),
            ("unknown user", basic("nobody", right), own, False),
            ("another service's password", basic(user, elsewhere), own, False),
            ("password of people", basic("admin", people), own, not needs_certificate),
            ("certificate alone", {}, own, False),
            ("right password", basic(user, right), None, not needs_certificate),
            ("right password, foreign certificate", basic(user, right), foreign, False),
            ("right password, right certificate", basic(user, right), own, True),
        ]
        for what, headers, certificate, opens in tries:
            status, _ = caller.ask(service, port, method, path, headers=headers, certificate=certificate)
            yield f"{service} {method} {path.split('?')[0]}", what, status, opens
    exporter, inlet = secrets.text("exporter/controller.token"), secrets.text("prometheus/inlet.token")
    alerts = json.dumps([])
    rows = [
        ("GET", "/api/v1/servers", None, None),
        ("GET", "/api/v1/exporters/-/config", exporter, inlet),
        ("POST", "/api/v2/alerts", inlet, exporter),
    ]
    for method, path, right, another in rows:
        tries = [
            ("nothing", {}, False),
            ("wrong token", bearer("ipmi_inlet_" + "0" * 64), False),
            ("password of people", basic("admin", people), False),
        ]
        if another:
            tries.append(("another service's token", bearer(another), False))
        for name, token in [("exporter's token", exporter), ("inlet's token", inlet)]:
            if not right:
                tries.append((name, bearer(token), False))
        if right:
            tries.append(("right token", bearer(right), True))
        for what, headers, opens in tries:
            body = alerts if method == "POST" else None
            status, _ = caller.ask("controller", 8080, method, path, body, {**JSON, **headers})
            yield f"controller {method} {path}", what, status, opens
    for login, opens in [("wrong", False), (people, True)]:
        what = "right password" if opens else "wrong password"
        body = json.dumps({"username": "admin", "password": login})
        status, _ = caller.ask("controller", 8080, "POST", "/api/v1/auth/login", body, JSON)
        yield "controller POST /api/v1/auth/login", what, status, opens


def mail_doors(address, password, foreign_authority, authority):
    """The same for the mail server that Alertmanager uses."""

    def attempt(tls, user, secret):
        smtp = smtplib.SMTP(address, 8587, timeout=10)
        smtp._host = "mail"  # the name that its certificate must have
        try:
            if tls:
                smtp.starttls(context=ssl.create_default_context(cafile=tls))
            smtp.login(user, secret)
            return True
        except (smtplib.SMTPException, ssl.SSLError):
            return False
        finally:
            smtp.close()

    yield "without TLS", attempt(None, "monitor", password), False
    yield "right password, foreign authority", attempt(foreign_authority, "monitor", password), False
    yield "wrong password", attempt(authority, "monitor", "wrong"), False
    yield "right password", attempt(authority, "monitor", password), True


class Mailbox:
    """Takes mail over STARTTLS from whoever signs in."""

    def __init__(self, address, secrets):
        self.received = []
        # A client that goes away in the middle of a handshake is no news here.
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        user, password = secrets.text("mail/users").split(":")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(secrets.made / "mail/tls.crt", secrets.made / "mail/tls.key")

        def authenticate(server, session, envelope, mechanism, data):
            is_right = (data.login.decode(), data.password.decode()) == (user, password)
            return AuthResult(success=is_right)

        self.server = Controller(
            self, hostname=address, port=8587, tls_context=context, require_starttls=True,
            auth_required=True, authenticator=authenticate,
            # Its LOGIN has a challenge that Alertmanager does not know.
            auth_exclude_mechanism=["LOGIN"],
        )
        self.server.start()

    async def handle_DATA(self, server, session, envelope):
        assert session.ssl is not None and session.authenticated
        self.received.append((session.ssl["cipher"][1], email.message_from_bytes(envelope.content)))
        return "250 OK"

    def about(self, word):
        for version, message in self.received:
            text = "".join(
                part.get_payload(decode=True).decode()
                for part in message.walk()
                if part.get_content_maintype() == "text"
            )
            if word in message["Subject"] + text:
                return version, message["Subject"], text
        return None


def nothing_shows_secrets(compose, secrets):
    """No secret is in a command line, an environment, or a log."""
    texts = {
        file: file.read_text().strip()
        for file in secrets.made.rglob("*")
        if re.search(r"password$|token$|people$|\.key$|secret-key$", file.name)
    }
    assert len(texts) > 20, texts
    places = {f"{name}.log": compose.log(name) for name in compose.running}
    for process in Path("/proc").glob("[0-9]*"):
        for file in ["cmdline", "environ"]:
            places[process / file] = (process / file).read_bytes().decode(errors="replace")
    for file, text in texts.items():
        shown = [place for place, content in places.items() if text in content]
        assert not shown, f"{file} is in {shown}"


def main():
    home = Path(os.environ["TEST_HOME"])
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", home], check=True)
    secrets = Secrets(home)
    copy_configuration(DEPLOY, home, TIMINGS)
    programs = {name: BUILT / name for name in ["ipmi_exporter", "ipmi_controller", "bmc_sim"]}
    compose = Compose(DEPLOY / "compose.yml", ["demo"], home, programs)
    mailbox = Mailbox(compose.addresses["mail"], secrets)
    try:
        proceed(compose, secrets, mailbox)
    except BaseException:
        compose.show_logs()
        raise
    finally:
        compose.kill_all()
        mailbox.server.stop()


def proceed(compose, secrets, mailbox):
    assert "made exporter main" in compose.once("controller-setup")
    assert "made 13 servers" in compose.once("demo-setup")
    assert compose.once("demo-setup") == "everything is there already\n"
    for name in ["bmcs", "alertmanager", "controller", "exporter", "prometheus"]:
        compose.start(name)
        compose.healthy(name)
    caller = Caller(compose, secrets)
    api = sign_in(caller)
    server = api("GET", "servers?sort=name&limit=1")["items"][0]
    bmc = f"bmcs:{server['port']}"
    password = basic("prometheus", secrets.text("prometheus/prometheus-password"))

    def query(expression):
        path = f"/api/v1/query?{urlencode({'query': expression})}"
        status, body = caller.ask("prometheus", 9090, "GET", path, headers=password)
        assert status == 200, body
        return json.loads(body)["data"]["result"]

    # Some of the recorded machines have no sensor records.
    wait_for("scrapes of 13 servers", 60, lambda: len(query("count by (server_id)(ipmi_up)")) == 13)
    wait_for("a server that answers", 20, lambda: query('ipmi_up{collector="ipmi"}==1'))
    for job in ["ipmi-exporter", "ipmi-controller", "prometheus", "alertmanager"]:
        wait_for(f"the job {job}", 20, lambda: query(f'up{{job="{job}"}} == 1'))

    wrong = []
    table = list(doors(caller, bmc))
    for what, came, opens in mail_doors(
        compose.addresses["mail"], secrets.text("alertmanager/smtp-password"),
        secrets.other / "authority/ca.crt", secrets.made / "authority/ca.crt",
    ):
        table.append(("mail AUTH", what, 200 if came else None, opens))
    for service, port in [("controller", 8080), ("prometheus", 9090), ("alertmanager", 9093), ("exporter", 9290)]:
        came = caller.plainly(service, port, "/")
        table.append((f"{service} without TLS", "nothing", 200 if came else None, False))
    print(f"{'door':<42} {'credential':<38} {'status':<7} verdict")
    for door, what, status, opens in table:
        is_open = status is not None and status < 400
        if is_open != opens:
            wrong.append((door, what, status))
        print(f"{door:<42} {what:<38} {status or 'no TLS':<7} {'accepted' if is_open else 'refused'}")
    assert not wrong, wrong
    # Servers prove who they are as well: nobody believes another authority.
    foreign = compose.home / "volumes/published/foreign.crt"
    foreign.write_bytes((secrets.other / "authority/ca.crt").read_bytes())
    foreign.chmod(0o644)
    for url in ["https://controller:8080/-/ready", "https://prometheus:9090/-/ready"]:
        believing = ["ipmi_controller", "health", "--url", url,
                     "--ca-file=/var/lib/ipmi_controller/published/foreign.crt"]
        command = compose.command("controller", believing)
        done = subprocess.run(**command, stderr=subprocess.PIPE, text=True, timeout=20)
        assert done.returncode == 1 and "TLS: invalid peer certificate" in done.stderr, done

    # A fan dies; people read of it in a mail that came over TLS.
    for number in range(13):
        connection = http.client.HTTPConnection("127.0.0.1", 9390, timeout=10)
        connection.request("POST", f"/bmcs/{number}/fans/1/fail")
        if connection.getresponse().status < 300:
            break
    # For seconds after a reload Prometheus knows no Alertmanager; what fires then is
    # told a minute later.
    api("POST", "rules", {
        "name": "doors", "interval": "2s",
        "rules": [{"alert": "FanDied", "expr": "ipmi_fan_speed_state == 2", "for": "8s",
                   "labels": {"severity": "critical"},
                   "annotations": {"summary": "{{ $labels.name }} of {{ $labels.server_name }}"}}],
    })
    version, subject, text = wait_for("the mail", 60, lambda: mailbox.about("FanDied"))
    assert re.search(r"\bof \S+", text), text
    print(f"mail over {version}: {subject}")

    def journal():
        return [e for e in api("GET", "alerts?alertname=FanDied")["items"] if e["state"] == "firing"]

    wait_for("the alert in the journal", 30, journal)
    # Prometheus tells of it, and Alertmanager that people were notified.
    wait_for("the notification in the journal", 30, lambda: api("GET", "alerts?alertname=FanDied&notified=true")["items"])
    collected = api("POST", f"monitoring/servers/{server['id']}/collect")
    assert collected["status"] == "success" and collected["collected_metrics"], collected
    nothing_shows_secrets(compose, secrets)
    for name in reversed(list(compose.running)):
        compose.stop(name)
    print("doors: everything is as it must be")


main()
