"""What artifacts cost on their way to a store of the network and back, over that of the plain client."""

from __future__ import annotations

import atexit
import subprocess
from functools import cache

from clock import paired
from installation import Installation, with_wheels
from row import Measurement, row

PAIRS = 3
EMULATOR = "moto[server]>=5.1.12"


@cache
def _s3() -> tuple[Installation, str]:
    """Make an installation with the wheel, and start the emulator in it; return both."""
    made = with_wheels("dovetail-s3")
    made.add(EMULATOR)
    made.compile()
    server = subprocess.Popen(
        [made.python, made.program("s3_server.py")],
        cwd=made.work,
        env=made.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    atexit.register(server.kill)
    if server.stdout is None or not (address := server.stdout.readline().strip()):
        raise SystemExit("the emulator of S3 did not start")
    return made, address


def _against_client(task: str) -> Measurement:
    made, address = _s3()
    return paired(
        lambda: 1000 * float(made.run(made.python, made.program("floor_s3.py"), address, task)),
        lambda: 1000 * float(made.run(made.python, made.program("s3_store.py"), address, task)),
        pairs=PAIRS,
        warm=0,
        of=min,
    )


def _counted(task: str) -> Measurement:
    made, address = _s3()
    return Measurement(ours=float(made.run(made.python, made.program("s3_store.py"), address, task)))


@row("S3: artifact of 256 MB written", unit="ms", bound=1.25)
def s3_write() -> Measurement:
    return _against_client("write")


@row("S3: artifact of 256 MB read", unit="ms", bound=1.25)
def s3_read() -> Measurement:
    return _against_client("read")


@row("S3: 1,000 small artifacts written by 8 threads", unit="ms", bound=1.5)
def s3_small() -> Measurement:
    return _against_client("small")


@row("S3: requests to list 3,000 files", unit="", bound=3)
def s3_requests() -> Measurement:
    return _counted("requests")


@row("S3: entries held while 3,000 are listed", unit="", bound=1000)
def s3_entries() -> Measurement:
    return _counted("entries")
