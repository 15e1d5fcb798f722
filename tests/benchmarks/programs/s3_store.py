"""Artifacts to a bucket and back with Dovetail; print seconds, or what a listing costs.

`s3_store.py ADDRESS write|read|small`: one artifact of 256 MB, or 1,000 small ones by 8 threads.
`s3_store.py ADDRESS requests|entries`: how many requests list 3,000 files, and how many entries one brings.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dovetail.components.artifact_store import ArtifactStore
from dovetail.materializers.artifacts import load_artifact, save_artifact
from dovetail.materializers.bytes_value import BytesMaterializer
from dovetail.names import new_id
from dovetail.records.artifact import ArtifactRecord
from dovetail.records.plan import MaterializerRef
from dovetail.testing.fault_proxy import FaultProxy
from dovetail_s3.settings import S3ArtifactStoreConfig
from dovetail_s3.store import S3ArtifactStore

ADDRESS, TASK = sys.argv[1:]
SIZE = 256 << 20
SMALL, WORKERS, LISTED = 1000, 8, 3000
REF = MaterializerRef(name="builtin/bytes", reference="dovetail.materializers.bytes_value:BytesMaterializer")


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


def save(store: ArtifactStore, value: bytes | bytearray) -> ArtifactRecord:
    """Store a value as a step does."""
    name = new_id()
    manifest, _ = save_artifact(store, name, BytesMaterializer(), REF, "bytes", value)
    return ArtifactRecord(
        id=name,
        run_id="bench",
        step="bench",
        output="bench",
        type="bytes",
        materializer=REF,
        digest=manifest.content_digest(),
        size=len(value),
        files=manifest.files,
        created=0,
    )


def seconds(store: ArtifactStore) -> float:
    """Return the seconds of the task."""
    value = bytearray(SIZE if TASK in {"write", "read"} else 100)
    save(store, b"1")
    record = save(store, value) if TASK == "read" else None
    begin = time.perf_counter()
    if record is not None:
        load_artifact(store, record, bytearray, BytesMaterializer())
    elif TASK == "write":
        save(store, value)
    else:
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(lambda _: save(store, value), range(SMALL)))
    return time.perf_counter() - begin


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
    print(listed(bucket) if TASK in {"requests", "entries"} else seconds(bucket))
    for directory in ("artifacts", "listed"):  # the emulator keeps them in memory
        bucket.delete(directory)
    bucket.close()
