"""What a store of the network is measured by: one artifact of 256 MB, or 1,000 small ones by 8 threads."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dovetail.components.artifact_store import ArtifactStore
from dovetail.materializers.artifacts import load_artifact, save_artifact
from dovetail.materializers.bytes_value import BytesMaterializer
from dovetail.names import new_id
from dovetail.records.artifact import ArtifactRecord
from dovetail.records.plan import MaterializerRef

SIZE = 256 << 20
SMALL, WORKERS = 1000, 8
REF = MaterializerRef(name="builtin/bytes", reference="dovetail.materializers.bytes_value:BytesMaterializer")


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


def seconds(
    task: str,
    write: Callable[[str, Any], object],
    read: Callable[[str], object],
    kind: type[bytes | bytearray] = bytes,
) -> float:
    """Return the seconds of `write`, `read` or `small`; the functions move one artifact of a name."""
    value = kind(SIZE if task in {"write", "read"} else 100)
    write("warm", b"1")
    if task == "read":
        write("one", value)
    begin = time.perf_counter()
    if task == "write":
        write("one", value)
    elif task == "read":
        read("one")
    else:
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(lambda number: write(f"small-{number}", value), range(SMALL)))
    return time.perf_counter() - begin


def store_seconds(store: ArtifactStore, task: str) -> float:
    """Return the seconds of a task with a store of ours."""
    records: dict[str, ArtifactRecord] = {}

    def write(name: str, value: bytes | bytearray) -> None:
        records[name] = save(store, value)

    def read(name: str) -> None:
        load_artifact(store, records[name], bytearray, BytesMaterializer())

    return seconds(task, write, read, bytearray)
