"""A proxy of HTTP between a client and its server that counts requests, refuses some, and cuts connections.

::

    with FaultProxy(server_url) as proxy:
        proxy.answer(503, body=b"<Error><Code>SlowDown</Code></Error>", times=3)
        ...  # the client talks to `proxy.url`
        assert proxy.count("PUT") == 4
"""

from __future__ import annotations

import socket
import struct
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, Self
from urllib.parse import urlsplit

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade"})
_NONE: Mapping[str, str] = MappingProxyType({})
_ANSWERS = 60
"""For how many seconds the server behind may be silent."""


class Request(NamedTuple):
    """What a client asked: `target` is path and query, `headers` have names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]


class Answer(NamedTuple):
    """What a client is told."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Fault:
    """What happens to the next `times` requests that `hits`; `happened` counts them.

    `status` is answered without asking the server. Otherwise the connection is cut: before the server hears
    of the request, or, with `sent`, after so many bytes of its answer (0: the server has done its work and
    nobody learns of it).
    """

    times: int
    hits: Callable[[Request], bool]
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    sent: int | None = None
    happened: int = field(default=0, init=False)


class FaultProxy:
    """Passes requests to the server at `target` (`http://127.0.0.1:80`) and plays the faults it is told."""

    def __init__(self, target: str) -> None:
        self.target = urlsplit(target)
        self.requests: list[Request] = []
        """Everything that was asked, refused or not, in the order of arrival."""
        self.busiest = 0
        """How many requests were on their way at one time, at most."""
        self.rewritten: Mapping[str, str] = _NONE
        """Headers that every answer of the server gets, in place of its own."""
        self._faults: list[Fault] = []
        self._busy = 0
        self._guard = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), type("_Bound", (_Handler,), {"proxy": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Return where clients reach the proxy."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(
        self,
        status: int,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] = _NONE,
        times: int = 1,
        when: Callable[[Request], bool] = lambda _: True,
    ) -> Fault:
        """Answer the next `times` requests for which `when` holds by this, in the server's place."""
        return self._plan(Fault(times, when, status, headers, body))

    def cut(
        self, *, sent: int | None = None, times: int = 1, when: Callable[[Request], bool] = lambda _: True
    ) -> Fault:
        """Cut the connections of the next `times` requests for which `when` holds; `sent` as in `Fault`."""
        return self._plan(Fault(times, when, sent=sent))

    def mend(self) -> None:
        """Forget all faults, and the requests so far."""
        with self._guard:
            self._faults.clear()
            self.requests.clear()
            self.busiest = self._busy

    def count(self, method: str = "", part: str = "") -> int:
        """Return how many requests of a method had `part` in path or query."""
        return sum(each.method.startswith(method) and part in each.target for each in self.requests)

    def arrived(self, request: Request) -> Fault | None:
        """Note a request and return what is to happen to it."""
        with self._guard:
            self.requests.append(request)
            self._busy += 1
            self.busiest = max(self.busiest, self._busy)
            for fault in self._faults:
                if fault.happened < fault.times and fault.hits(request):
                    fault.happened += 1
                    return fault
        return None

    def left(self) -> None:
        """Note that a request was dealt with."""
        with self._guard:
            self._busy -= 1

    def _plan(self, fault: Fault) -> Fault:
        with self._guard:
            self._faults.append(fault)
        return fault

    def __enter__(self) -> Self:
        """Begin to listen."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening; requests that are under way are left to end."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    """Says nothing of clients that leave."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as the library has it
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """Passes on the requests of one connection."""

    protocol_version = "HTTP/1.1"
    # Heads and bodies are written apart; together with delayed acknowledgements that costs 40 ms each.
    disable_nagle_algorithm = True
    proxy: ClassVar[FaultProxy]

    def _pass(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self._body(headers)
        fault = self.proxy.arrived(Request(self.command, self.path, headers))
        try:
            answer = self._answered(fault, body)
        finally:  # before the client can know: what it asks next is not beside this
            self.proxy.left()
        try:
            if answer is None:
                self._cut()
            else:
                self._reply(answer, None if fault is None else fault.sent)
        except ConnectionError:  # the client has left
            self.close_connection = True

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = do_OPTIONS = _pass  # noqa: N815 - the library's names

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() != "chunked":
            body = self.rfile.read(wanted := int(headers.get("content-length", 0)))
            if len(body) < wanted:  # a server that heard of this would wait for the rest
                raise ConnectionResetError("the client has left")
            return body
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(pieces)

    def _answered(self, fault: Fault | None, body: bytes) -> Answer | None:
        """Return the answer to this request, None where the connection is to be cut."""
        if fault is not None and fault.status is not None:
            return Answer(fault.status, fault.headers, fault.body)
        if fault is not None and fault.sent is None:
            return None
        return self._relay(body)

    def _relay(self, body: bytes) -> Answer:
        asked = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
        asked = {name: value for name, value in asked.items() if name.lower() != "expect"}
        if body:
            asked["Content-Length"] = str(len(body))
        target = self.proxy.target
        server = HTTPConnection(target.hostname or "", target.port, timeout=_ANSWERS)
        try:
            server.request(self.command, self.path, body or None, asked)
            answer = server.getresponse()
            return Answer(answer.status, self._headers(answer), answer.read())
        finally:
            server.close()

    def _headers(self, answer: HTTPResponse) -> dict[str, str]:
        given = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP}
        replaced = {name.lower() for name in self.proxy.rewritten}
        return {n: v for n, v in given.items() if n.lower() not in replaced} | dict(self.proxy.rewritten)

    def _reply(self, answer: Answer, sent: int | None) -> None:
        if sent == 0:
            self._cut()
            return
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if "content-length" not in {name.lower() for name in answer.headers}:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body if sent is None else answer.body[:sent])
        if sent is not None:
            self._cut()

    def _cut(self) -> None:
        """Close in such a way that the client meets a reset, as when a machine goes away."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Say nothing."""
