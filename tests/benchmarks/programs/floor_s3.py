"""The floor of a bucket: s3fs alone writes and reads the same objects, with their digests; print seconds.

`floor_s3.py ADDRESS write|read|small`.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import s3fs
from blake3 import blake3

ADDRESS, TASK = sys.argv[1:]
SIZE, PART, SIDE_BY_SIDE = 256 << 20, 8 << 20, 8
SMALL, WORKERS = 1000, 8


def client() -> Any:
    """Return the plain client, as a user would make it for large files."""
    return s3fs.S3FileSystem(
        endpoint_url=ADDRESS,
        key="key",
        secret="secret",
        client_kwargs={"region_name": "us-east-1"},
        default_block_size=PART,
        max_concurrency=SIDE_BY_SIDE,
        use_listings_cache=False,
    )


def write(system: Any, name: str, data: bytes) -> None:
    """Take the digest of an artifact's file and send it, then what stands for its manifest."""
    digest = blake3(data).hexdigest()
    system.pipe_file(f"bench/{name}/value", data, chunksize=PART)
    system.pipe_file(f"bench/{name}/manifest", digest.encode() * 8)


def read(system: Any, name: str) -> bytes:
    """Fetch both and take the digest of what came."""
    digest = bytes(system.cat_file(f"bench/{name}/manifest"))[:64].decode()
    data = bytes(system.cat_file(f"bench/{name}/value"))
    if blake3(data).hexdigest() != digest:
        raise SystemExit("not the same")
    return data


def main() -> float:
    """Return the seconds of the task."""
    system = client()
    large = TASK in {"write", "read"}
    value = bytes(SIZE if large else 100)
    write(system, "warm", b"1")
    if TASK == "read":
        write(system, "one", value)
    begin = time.perf_counter()
    if TASK == "write":
        write(system, "one", value)
    elif TASK == "read":
        read(system, "one")
    else:
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(lambda number: write(system, f"small-{number}", value), range(SMALL)))
    took = time.perf_counter() - begin
    for name in system.ls("bench", detail=False):  # the emulator keeps them in memory
        system.rm(name, recursive=True)
    return took


if __name__ == "__main__":
    print(main())
