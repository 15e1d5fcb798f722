"""The container registry of Debian's `docker-registry`, with basic and with token authentication."""

from __future__ import annotations

import base64
import datetime as dt
import json
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import bcrypt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from real_servers.certificates import private_certificates
from real_servers.loopback import free_port, greets, started, stop
from real_servers.presence import program

USER, PASSWORD = "ada", "canary-5wordf1sh"
_CONFIGURATION = """
version: 0.1
log: {{level: warn}}
storage:
  filesystem: {{rootdirectory: {folder}/data}}
  delete: {{enabled: true}}
http: {{addr: "127.0.0.1:{port}"{encryption}}}
{auth}
"""


@contextmanager
def open_registry() -> Iterator[int]:
    """Run a registry that lets everybody in; yield its port."""
    with _folder() as folder, _serving(folder, "") as port:
        yield port


@contextmanager
def guarded_registry() -> Iterator[int]:
    """Run a registry with one user and a password; yield its port."""
    with _folder() as folder, _serving(folder, _one_user(folder)) as port:
        yield port


@contextmanager
def token_registry(tokens: TokenService) -> Iterator[int]:
    """Run a registry that wants tokens of this service; yield its port."""
    said = f"realm: {tokens.url}, service: registry, issuer: tests, rootcertbundle: {tokens.bundle}"
    with _folder() as folder, _serving(folder, f"auth: {{token: {{{said}}}}}") as port:
        yield port


@contextmanager
def encrypted_registry() -> Iterator[tuple[int, Path]]:
    """Run a registry with one user that speaks HTTPS; yield its port and the file of its own authority."""
    with _folder() as folder:
        made = private_certificates(folder)
        encryption = f", tls: {{certificate: {made.certificate}, key: {made.key}}}"
        with _serving(folder, _one_user(folder), encryption) as port:
            yield port, made.authority


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="dovetail-oci-") as folder:
        yield Path(folder)


def _one_user(folder: Path) -> str:
    """Write the file of the one user; return the setting."""
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    (folder / "htpasswd").write_text(f"{USER}:{hashed}\n")
    return f"auth: {{htpasswd: {{realm: tests, path: {folder}/htpasswd}}}}"


@contextmanager
def _serving(folder: Path, auth: str, encryption: str = "") -> Iterator[int]:
    binary, port = program("docker-registry", "apt-get install docker-registry"), free_port()
    said = _CONFIGURATION.format(folder=folder, port=port, auth=auth, encryption=encryption)
    (folder / "conf.yml").write_text(said)
    command = [binary, "serve", str(folder / "conf.yml")]
    env = {"OTEL_TRACES_EXPORTER": "none"}
    process = started(command, folder / "log", lambda: greets(port), env)
    try:
        yield port
    finally:
        stop(process)


class TokenService:
    """Gives tokens to one user: what a registry with `auth: token` sends its clients to."""

    def __init__(self, folder: Path) -> None:
        """Write the certificate that the registry trusts into `folder`, and listen."""
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.asked: list[dict[str, list[str]]] = []
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
        now = dt.datetime.now(dt.UTC)
        made = x509.CertificateBuilder(name, name, self._key.public_key(), x509.random_serial_number())
        made = made.not_valid_before(now - dt.timedelta(1)).not_valid_after(now + dt.timedelta(1))
        self._certificate = made.sign(self._key, hashes.SHA256())
        self.bundle = folder / "bundle.pem"
        self.bundle.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))
        handler = type("_Bound", (_TokenHandler,), {"service": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/token"

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()

    def token(self, scopes: list[str]) -> str:
        """Return a token for what was asked."""
        der = base64.b64encode(self._certificate.public_bytes(serialization.Encoding.DER)).decode()
        access = []
        for scope in scopes:
            kind, name, actions = scope.split(":")
            access.append({"type": kind, "name": name, "actions": actions.split(",")})
        claims = {"iss": "tests", "sub": USER, "aud": "registry", "access": access, "jti": "1"}
        span = {"nbf": int(time.time()) - 60, "iat": int(time.time()), "exp": int(time.time()) + 300}
        head = _encoded(json.dumps({"typ": "JWT", "alg": "RS256", "x5c": [der]}).encode())
        signed = f"{head}.{_encoded(json.dumps(claims | span).encode())}"
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_encoded(signature)}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class _TokenHandler(BaseHTTPRequestHandler):
    service: TokenService

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        self.service.asked.append(asked)
        pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        right = self.headers.get("Authorization") == f"Basic {pair}"
        body = json.dumps({"token": self.service.token(asked.get("scope", []))}) if right else "{}"
        self.send_response(200 if right else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass
