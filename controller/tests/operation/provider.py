"""A small OpenID Connect provider for the tests, on PyJWT and cryptography.

It signs in whoever comes, by the book, unless it is told to make one mistake:
POST /control with {"fault": NAME, "claims": {…}, "algorithm": "RS256"|"ES256"}.
It prints its address, and ends with its standard input.
"""

import base64
import hashlib
import hmac
import http.server
import json
import os
import secrets
import sys
import threading
import time
import urllib.parse

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CLIENT, SECRET = "controller", "zq7canaryOIDC:/+ 1"
KEYS = {
    "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
}
STRANGERS = {
    "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
}
control = {"fault": "", "claims": {}, "algorithm": "RS256"}
codes = {}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def by_hand(header, claims, sign):
    message = b64(json.dumps(header).encode()) + "." + b64(json.dumps(claims).encode())
    return message + "." + b64(sign(message.encode()))


def token(issuer, nonce):
    fault, algorithm = control["fault"], control["algorithm"]
    now = int(time.time())
    claims = {
        "iss": issuer, "sub": "subject-7", "aud": CLIENT, "iat": now, "exp": now + 300,
        "nonce": nonce, "preferred_username": "eve", "email": "eve@example.org",
        "groups": ["ops"], **control["claims"],
    }
    claims.update({
        "nonce": {"nonce": "another"}, "issuer": {"iss": "https://evil.example"},
        "audience": {"aud": "another"}, "expired": {"exp": now - 120, "iat": now - 400},
        "party": {"azp": "another"}, "future": {"iat": now + 600},
    }.get(fault, {}))
    if fault == "no_nonce":
        del claims["nonce"]
    public = KEYS[algorithm].public_key()
    if fault == "alg_none":
        return by_hand({"alg": "none", "kid": algorithm}, claims, lambda _: b"")
    if fault == "hs256":
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        sign = lambda message: hmac.new(pem, message, hashlib.sha256).digest()
        return by_hand({"alg": "HS256", "kid": algorithm}, claims, sign)
    key = STRANGERS[algorithm] if fault == "other_key" else KEYS[algorithm]
    kid = "unknown" if fault == "unknown_kid" else algorithm
    text = jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid})
    if fault == "changed":
        header, _, signature = text.split(".")
        claims["groups"] = ["root"]
        text = ".".join([header, b64(json.dumps(claims).encode()), signature])
    return text


class Provider(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    @property
    def issuer(self):
        return "http://127.0.0.1:%d" % self.server.server_address[1]

    def answer(self, status, value=None, location=None):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if url.path == "/.well-known/openid-configuration":
            self.answer(200, {
                "issuer": self.issuer, "authorization_endpoint": self.issuer + "/authorize?x=1",
                "token_endpoint": self.issuer + "/token", "jwks_uri": self.issuer + "/keys",
            })
        elif url.path == "/keys":
            keys = []
            for name, kind in (("RS256", jwt.algorithms.RSAAlgorithm),
                               ("ES256", jwt.algorithms.ECAlgorithm)):
                key = json.loads(kind.to_jwk(KEYS[name].public_key()))
                keys.append({**key, "kid": name, "use": "sig"})
            self.answer(200, {"keys": [{"kty": "OKP", "crv": "Ed25519"}, *keys]})
        elif url.path == "/authorize":
            good = (query.get("response_type") == "code" and query.get("client_id") == CLIENT
                    and query.get("code_challenge_method") == "S256" and query.get("x") == "1"
                    and "openid" in query.get("scope", "").split()
                    and len(query.get("state", "")) >= 32 and len(query.get("nonce", "")) >= 32)
            if not good:
                return self.answer(400, {"error": "invalid_request"})
            # As Keycloak does: RFC 9207, and its own.
            back = {"state": query["state"], "iss": self.issuer, "session_state": "7"}
            if control["fault"] == "denied":
                back["error"] = "access_denied"
            else:
                back["code"] = secrets.token_urlsafe(16)
                codes[back["code"]] = query
            target = query["redirect_uri"] + "?" + urllib.parse.urlencode(back)
            self.answer(302, None, target)
        else:
            self.answer(404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/control":
            control.update({"fault": "", "claims": {}, "algorithm": "RS256"}, **json.loads(body))
            return self.answer(200, {})
        form = dict(urllib.parse.parse_qsl(body))
        scheme, _, given = self.headers.get("Authorization", "").partition(" ")
        user, _, password = base64.b64decode(given).decode().partition(":")
        begun = codes.pop(form.get("code"), None)
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        good = (scheme == "Basic" and urllib.parse.unquote_plus(user) == CLIENT
                and urllib.parse.unquote_plus(password) == SECRET and begun
                and form.get("grant_type") == "authorization_code"
                and form.get("redirect_uri") == begun["redirect_uri"]
                and b64(verifier) == begun["code_challenge"])
        if not good or control["fault"] == "no_token":
            return self.answer(400, {"error": "invalid_grant"})
        self.answer(200, {"access_token": "x", "token_type": "Bearer",
                          "id_token": token(self.issuer, begun["nonce"])})


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
print("http://127.0.0.1:%d" % server.server_address[1], flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
server.serve_forever()
