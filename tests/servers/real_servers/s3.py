"""S3 as moto emulates it, with as many buckets as are asked for."""

from __future__ import annotations

import re
import ssl
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from urllib.parse import quote

from real_servers.certificates import Certificates
from real_servers.loopback import free_port, started, stop

_PROGRAM = """
import os, sys
os.environ["MOTO_S3_DEFAULT_KEY_BUFFER_SIZE"] = str(1 << 30)  # what is larger goes through a file
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
application = DomainDispatcherApplication(create_backend_app)
port, threaded, *certificates = sys.argv[1:]
encryption = tuple(certificates) or None
run_simple("127.0.0.1", int(port), application, threaded=threaded == "threaded", ssl_context=encryption)
"""
# What nobody owns up to asking for is not handed out; any signature will do.
_SOMEBODY = {"Authorization": "AWS anybody:any"}


@dataclass
class S3Server:
    """An emulator that accepts every key."""

    port: int
    certificates: Certificates | None = None
    made: int = field(default=0, init=False)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'https' if self.certificates else 'http'}://127.0.0.1:{self.port}"

    def answers(self) -> bool:
        """Say whether it does."""
        try:
            return self._asked("GET", "/")[0] < 500
        except OSError:
            return False

    def new_bucket(self, name: str | None = None) -> str:
        """Make a bucket and return its name."""
        self.made += 1
        name = name or f"bucket-{self.made}"
        self._done("PUT", f"/{name}")
        return name

    def objects(self, bucket: str) -> dict[str, bytes]:
        """Return the content of each object of a bucket; of the first thousand."""
        listed = self._done("GET", f"/{bucket}").decode()
        keys = [unescape(each) for each in re.findall(r"<Key>(.*?)</Key>", listed)]
        return {key: self._done("GET", f"/{bucket}/{quote(key)}") for key in keys}

    def _done(self, method: str, path: str) -> bytes:
        status, body = self._asked(method, path)
        if status != 200:
            raise OSError(f"{method} {path}: {status} {body.decode()}")
        return body

    def _asked(self, method: str, path: str) -> tuple[int, bytes]:
        connection = self._connection()
        try:
            connection.request(method, path, headers=_SOMEBODY)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _connection(self) -> HTTPConnection:
        if self.certificates is None:
            return HTTPConnection("127.0.0.1", self.port, timeout=10)
        trusted = ssl.create_default_context(cafile=self.certificates.authority)
        return HTTPSConnection("127.0.0.1", self.port, timeout=10, context=trusted)


@contextmanager
def s3_server(
    python: str = sys.executable, *, threaded: bool = False, certificates: Certificates | None = None
) -> Iterator[S3Server]:
    """Serve S3 from the moto that `python` has.

    One request at a time unless it is told otherwise: S3 itself decides a condition at once, and moto looks
    and writes in two steps.
    """
    server = S3Server(free_port(), certificates)
    command = [python, "-c", _PROGRAM, str(server.port), "threaded" if threaded else "one by one"]
    if certificates is not None:
        command += [str(certificates.certificate), str(certificates.key)]
    with tempfile.TemporaryDirectory(prefix="dovetail-s3-") as folder:
        process = started(command, Path(folder) / "log", server.answers)
        try:
            yield server
        finally:
            stop(process)
