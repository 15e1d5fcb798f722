"""Artifacts to a bucket and back with Dovetail; print seconds, or what a listing costs.

`s3_store.py ADDRESS write|read|small`: one artifact of 256 MB, or 1,000 small ones by 8 threads.
`s3_store.py ADDRESS requests|entries`: how many requests list 3,000 files, and how many entries one brings.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from store_tasks import WORKERS, store_seconds

from dovetail.components.artifact_store import ArtifactStore
from dovetail.testing.fault_proxy import FaultProxy
from dovetail_s3.settings import S3ArtifactStoreConfig
from dovetail_s3.store import S3ArtifactStore

ADDRESS, TASK = sys.argv[1:]
LISTED = 3000


def made(address: str) -> S3ArtifactStore:
    """Return a store in the emulator's bucket."""
    config = S3ArtifactStoreConfig.model_validate(
        {
            "url": "s3://bench/ours",
            "endpoint_url": address,
            "region": "us-east-1",
            "access_key_id": "key",
            "secret_access_key": "secret",
        }
    )
    return S3ArtifactStore("bench", config, home=Path("unused"))


def listed(store: ArtifactStore) -> float:
    """Return how many requests a listing takes, or how many entries at most came with one."""
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda number: store.put(f"listed/{number}", b"1"), range(LISTED)))
    brought: dict[int, int] = {}
    with FaultProxy(ADDRESS) as proxy:
        for _ in made(proxy.url).entries("listed"):
            brought[proxy.count()] = brought.get(proxy.count(), 0) + 1
    return float(len(brought) if TASK == "requests" else max(brought.values()))


if __name__ == "__main__":
    bucket = made(ADDRESS)
    print(listed(bucket) if TASK in {"requests", "entries"} else store_seconds(bucket, TASK))
    for directory in ("artifacts", "listed"):  # the emulator keeps them in memory
        bucket.delete(directory)
    bucket.close()
