"""Real registries of Debian's `docker-registry` on free ports: with basic and with token authentication."""

from __future__ import annotations

import base64
import datetime as dt
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import bcrypt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from dovetail_oci.container_registry import OciRegistry
from dovetail_oci.settings import OciRegistryConfig

USER, PASSWORD = "ada", "canary-5wordf1sh"
_CONFIGURATION = """
version: 0.1
log: {{level: warn}}
storage:
  filesystem: {{rootdirectory: {folder}/data}}
  delete: {{enabled: true}}
http: {{addr: "127.0.0.1:{port}"}}
{auth}
"""


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        assert not os.environ.get("DOVETAIL_REQUIRE_REAL"), f"{name} is missing: apt-get install {name}"
        pytest.skip(f"{name} is missing: apt-get install {name}")
    return found


@contextmanager
def _serving(folder: Path, auth: str) -> Iterator[int]:
    binary, port = program("docker-registry"), _free_port()
    (folder / "conf.yml").write_text(_CONFIGURATION.format(folder=folder, port=port, auth=auth))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [binary, "serve", str(folder / "conf.yml")],
            stdout=log,
            stderr=log,
            env={"OTEL_TRACES_EXPORTER": "none"},
        )
    try:
        for _ in range(200):
            assert process.poll() is None, (folder / "log").read_text()
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="session")
def basic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a registry with one user."""
    folder = tmp_path_factory.mktemp("basic")
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    (folder / "htpasswd").write_text(f"{USER}:{hashed}\n")
    with _serving(folder, f"auth: {{htpasswd: {{realm: tests, path: {folder}/htpasswd}}}}") as port:
        yield port


class TokenService:
    """Gives tokens to one user: what a registry with `auth: token` sends its clients to."""

    def __init__(self, folder: Path) -> None:
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
        self._server.shutdown()
        self._server.server_close()

    def token(self, scopes: list[str]) -> str:
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


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenService]:
    service = TokenService(tmp_path_factory.mktemp("tokens"))
    yield service
    service.close()


@pytest.fixture(scope="session")
def bearer(tmp_path_factory: pytest.TempPathFactory, tokens: TokenService) -> Iterator[int]:
    """The port of a registry that wants tokens."""
    said = f"realm: {tokens.url}, service: registry, issuer: tests, rootcertbundle: {tokens.bundle}"
    with _serving(tmp_path_factory.mktemp("bearer"), f"auth: {{token: {{{said}}}}}") as port:
        yield port


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., OciRegistry]]:
    """Make the component of a registry on this machine; a user logs in unless it is said otherwise."""
    made: list[OciRegistry] = []

    def make_one(port: int, **settings: Any) -> OciRegistry:
        values = {"address": f"127.0.0.1:{port}", "username": USER, "password": PASSWORD, **settings}
        made.append(OciRegistry("images", OciRegistryConfig(**values), home=tmp_path))
        return made[-1]

    yield make_one
    for each in made:
        each.close()
