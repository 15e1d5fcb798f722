from __future__ import annotations

import threading
from collections.abc import Iterator
from http.client import HTTPConnection, IncompleteRead
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from dovetail.testing.fault_proxy import FaultProxy

HEARD: list[tuple[str, str, bytes]] = []


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was sent."""

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        HEARD.append((self.command, self.path, body))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1234")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    HEARD.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    with FaultProxy(f"http://127.0.0.1:{server.server_address[1]}") as proxy:
        yield proxy
    server.shutdown()
    thread.join()
    server.server_close()


def asked(proxy: FaultProxy, method: str = "PUT", body: object = b"content") -> tuple[int, bytes]:
    connection = HTTPConnection(urlsplit(proxy.url).netloc, timeout=10)
    try:
        connection.request(method, "/a?x=1", body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_what_is_asked_is_passed_on_and_counted(proxy: FaultProxy) -> None:
    assert asked(proxy) == (200, b"content")
    assert asked(proxy, body=iter([b"in ", b"pieces"])) == (200, b"in pieces")
    assert asked(proxy, "HEAD", None) == (200, b"")
    assert HEARD == [("PUT", "/a?x=1", b"content"), ("PUT", "/a?x=1", b"in pieces")]
    assert (proxy.count(), proxy.count("PUT"), proxy.count("PUT", "x=2"), proxy.busiest) == (3, 2, 0, 1)


def test_the_first_requests_are_answered_in_the_servers_place(proxy: FaultProxy) -> None:
    fault = proxy.answer(503, body=b"slow down", times=2, when=lambda request: request.method == "PUT")
    assert [asked(proxy)[0] for _ in range(3)] == [503, 503, 200]
    assert (fault.happened, len(HEARD)) == (2, 1)


def test_a_connection_is_cut_before_the_server_hears(proxy: FaultProxy) -> None:
    proxy.cut()
    with pytest.raises(ConnectionError):
        asked(proxy)
    assert HEARD == []
    assert asked(proxy) == (200, b"content")


def test_a_connection_is_cut_after_the_server_has_done_its_work(proxy: FaultProxy) -> None:
    proxy.cut(sent=0)
    with pytest.raises(ConnectionError):
        asked(proxy)
    assert len(HEARD) == 1


def test_a_connection_is_cut_in_the_middle_of_an_answer(proxy: FaultProxy) -> None:
    proxy.cut(sent=3)
    with pytest.raises((ConnectionError, IncompleteRead)):
        asked(proxy)
    proxy.mend()
    assert asked(proxy) == (200, b"content")
    assert proxy.count() == 1


def test_headers_of_the_server_are_rewritten(proxy: FaultProxy) -> None:
    proxy.rewritten = {"Date": "Thu, 01 Jan 1970 00:00:00 GMT"}
    connection = HTTPConnection(urlsplit(proxy.url).netloc, timeout=10)
    connection.request("HEAD", "/")
    answer = connection.getresponse()
    assert answer.headers.get_all("Date") == ["Thu, 01 Jan 1970 00:00:00 GMT"]
    assert answer.headers["Content-Length"] == "1234"
    connection.close()
