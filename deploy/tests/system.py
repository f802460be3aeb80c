"""The secrets of a system under test, and somebody who asks its services."""

import base64
import http.client
import json
import socket
import ssl
import subprocess
import time
from pathlib import Path

DEPLOY = Path(__file__).resolve().parent.parent
JSON = {"Content-Type": "application/json"}


def wait_for(what, seconds, condition):
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.2)


class Secrets:
    """What deploy/init made, and somebody else's."""

    def __init__(self, home):
        self.made = home / "deploy/secrets"
        self.other = home / "other"
        for folder in [self.made, self.other]:
            init = [DEPLOY / "init", "--directory", folder]
            subprocess.run(init, check=True, stdout=subprocess.DEVNULL)
        again = subprocess.run(init, check=True, stdout=subprocess.PIPE, text=True)
        assert again.stdout == "init: everything is there already\n", again.stdout

    def text(self, name):
        return (self.made / name).read_text().strip()


class Caller:
    """Asks services, as anybody in their network could."""

    def __init__(self, compose, secrets):
        self.compose = compose
        self.secrets = secrets

    def connect(self, service, port, certificate=None):
        context = ssl.create_default_context(cafile=self.secrets.made / "authority/ca.crt")
        if certificate:
            context.load_cert_chain(f"{certificate}.crt", f"{certificate}.key")
        raw = socket.create_connection((self.compose.addresses[service], port), 10)
        return context.wrap_socket(raw, server_hostname=service)

    def ask(self, service, port, method, path, body=None, headers=None, certificate=None):
        """Status and body; no status when there was no TLS connection."""
        connection = http.client.HTTPConnection(service, port, timeout=20)
        try:
            # With TLS 1.3 a certificate is refused at the first answer.
            connection.sock = self.connect(service, port, certificate)
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (ssl.SSLError, ConnectionResetError, http.client.RemoteDisconnected):
            return None, b""
        finally:
            connection.close()

    def plainly(self, service, port, path):
        """Whether plain HTTP gets anything but a refusal."""
        connection = http.client.HTTPConnection(self.compose.addresses[service], port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().status < 400
        except (http.client.HTTPException, OSError):
            return False
        finally:
            connection.close()


def basic(user, password):
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def sign_in(caller):
    login = {"username": "admin", "password": caller.secrets.text("authority/people")}
    status, body = caller.ask("controller", 8080, "POST", "/api/v1/auth/login", json.dumps(login), JSON)
    assert status == 200, (status, body)
    headers = {**JSON, **bearer(json.loads(body)["access_token"])}

    def api(method, path, body=None):
        body = None if body is None else json.dumps(body)
        status, answer = caller.ask("controller", 8080, method, f"/api/v1/{path}", body, headers)
        assert status and status < 300, (method, path, status, answer)
        return json.loads(answer) if answer else None

    return api
