"""Free ports of this machine, and children that are waited for until they answer."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_PATIENCE = 60
_PAUSE = 0.05


class NotServingError(Exception):
    """A server has ended, or does not answer; the text is its log."""


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def greets(port: int, greeting: bytes = b"") -> bool:
    """Say whether somebody listens, and says this first."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as asked:
        return not greeting or asked.recv(len(greeting)) == greeting
    return False


def started(
    command: Sequence[str], log: Path, ready: Callable[[], bool], env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a server that writes to `log`, and wait until it is ready.

    Raises:
        NotServingError: it is not, after a minute or because it has ended.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env, cwd="/"
        )
    end = time.monotonic() + _PATIENCE
    while not ready():
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            process.wait()
            raise NotServingError(log.read_text(errors="replace"))
        time.sleep(_PAUSE)
    return process


def stop(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> None:
    """End a server, and wait until it has; one that takes a minute is killed."""
    process.send_signal(how)
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
