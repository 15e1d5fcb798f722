"""Serve S3 as moto emulates it, with one empty bucket, until standard input ends; print the address."""

from __future__ import annotations

import sys
from http.client import HTTPConnection

from moto.server import ThreadedMotoServer

BUCKET = "bench"


def main() -> None:
    """Serve."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    connection = HTTPConnection(host, port)
    connection.request("PUT", f"/{BUCKET}")
    if connection.getresponse().status != 200:
        raise SystemExit("no bucket")
    connection.close()
    print(f"http://{host}:{port}", flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
