"""What artifacts cost on their way to a store of the network and back, over that of the plain client."""

from __future__ import annotations

import atexit
from contextlib import ExitStack
from functools import cache

from clock import paired
from installation import Installation, with_wheels
from row import Measurement, row

from real_servers.s3 import s3_server
from real_servers.sshd import SshServer, ssh_server

PAIRS = 3
SSH_PAIRS = 6  # client, sshd and its own process share the cores: the best of three is not yet steady
EMULATOR = "moto[server]>=5.1.12"
BUCKET = "bench"
_SERVERS = ExitStack()
atexit.register(_SERVERS.close)


@cache
def _s3() -> tuple[Installation, str]:
    """Make an installation with the wheel, and start the emulator in it; return both."""
    made = with_wheels("dovetail-s3")
    made.add(EMULATOR)
    made.compile()
    # Several requests at a time: what is measured moves many artifacts at once.
    server = _SERVERS.enter_context(s3_server(made.python, threaded=True))
    server.new_bucket(BUCKET)
    return made, server.url


@cache
def _sftp() -> tuple[Installation, SshServer]:
    """Make an installation with the wheel, and start an sshd; return both."""
    return with_wheels("dovetail-sftp"), _SERVERS.enter_context(ssh_server())


def _against_client(made: Installation, name: str, *arguments: str, pairs: int = PAIRS) -> Measurement:
    """Compare what two programs print: that of the plain client, and ours."""

    def milliseconds(program: str) -> float:
        return 1000 * float(made.run(made.python, made.program(f"{program}.py"), *arguments))

    return paired(
        lambda: milliseconds(f"floor_{name}"),
        lambda: milliseconds(f"{name}_store"),
        pairs=pairs,
        warm=1,  # the first large object costs the emulator twice as much as those after it
        of=min,
    )


def _s3_against_client(task: str) -> Measurement:
    made, address = _s3()
    return _against_client(made, "s3", address, task)


def _sftp_against_client(task: str) -> Measurement:
    made, server = _sftp()
    place = made.work / "served"
    place.mkdir(exist_ok=True)
    arguments = (str(server.port), str(server.key), str(place), task)
    return _against_client(made, "sftp", *arguments, pairs=SSH_PAIRS)


def _counted(task: str) -> Measurement:
    made, address = _s3()
    return Measurement(ours=float(made.run(made.python, made.program("s3_store.py"), address, task)))


@row("S3: artifact of 256 MB written", unit="ms", bound=1.25)
def s3_write() -> Measurement:
    return _s3_against_client("write")


@row("S3: artifact of 256 MB read", unit="ms", bound=1.25)
def s3_read() -> Measurement:
    return _s3_against_client("read")


@row("S3: 1,000 small artifacts written by 8 threads", unit="ms", bound=1.5)
def s3_small() -> Measurement:
    return _s3_against_client("small")


@row("S3: requests to list 3,000 files", unit="", bound=3)
def s3_requests() -> Measurement:
    return _counted("requests")


@row("S3: entries held while 3,000 are listed", unit="", bound=1000)
def s3_entries() -> Measurement:
    return _counted("entries")


@row("SFTP: artifact of 256 MB written", unit="ms", bound=1.25)
def sftp_write() -> Measurement:
    return _sftp_against_client("write")


@row("SFTP: artifact of 256 MB read", unit="ms", bound=1.25)
def sftp_read() -> Measurement:
    return _sftp_against_client("read")


@row("SFTP: 1,000 small artifacts written by 8 threads", unit="ms", bound=1.5)
def sftp_small() -> Measurement:
    return _sftp_against_client("small")
