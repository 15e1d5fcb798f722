"""The floor of a bucket: s3fs alone writes and reads the same objects, with their digests; print seconds.

`floor_s3.py ADDRESS write|read|small`.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import s3fs
from blake3 import blake3
from store_tasks import seconds

ADDRESS, TASK = sys.argv[1:]
PART, SIDE_BY_SIDE = 8 << 20, 8


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
    took = seconds(TASK, partial(write, system), partial(read, system))
    for name in system.ls("bench", detail=False):  # the emulator keeps them in memory
        system.rm(name, recursive=True)
    return took


if __name__ == "__main__":
    print(main())
