"""Fill a store with runs; print the seconds its first page takes at 1,000 and at 100,000, and table scans."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from dovetail.plugin import RunQuery, RunRecord, StackRecord, Status, new_id, now
from dovetail.references import load

FEW, MANY, PAGES = 1_000, 100_000, 51


def fill(store: object, count: int, plan: bytes, digest: str) -> None:
    """Record `count` ended runs through the store's own door."""
    for _ in range(count):
        run_id = new_id()
        lease = store.acquire(run_id)  # type: ignore[attr-defined]
        run = RunRecord(
            id=run_id, name=f"r-{run_id}", pipeline="p", plan_digest=digest, status=Status.RUNNING,
            stack=StackRecord(name="default"), started=now(),
        )  # fmt: skip
        run = store.begin(run, plan, lease)  # type: ignore[attr-defined]
        done = run.model_copy(update={"status": Status.COMPLETED, "finished": now(), "duration": 0.1})
        store.finish(done, lease)  # type: ignore[attr-defined]
        lease.release()


def page(store: object) -> float:
    """Return the seconds of the first page."""
    begin = time.perf_counter()
    found = store.runs(RunQuery())  # type: ignore[attr-defined]
    took = time.perf_counter() - begin
    if len(found) != RunQuery().limit:
        raise SystemExit("the page is not full")
    return took


def main() -> None:
    """Print the best of both."""
    with tempfile.TemporaryDirectory() as folder:
        made = load("dovetail.builtin.sqlite:SqliteMetadataStore")
        config = load("dovetail.builtin.sqlite:SqliteMetadataStoreConfig")()
        with made("bench", config, home=Path(folder)) as store:
            store.open()
            fill(store, FEW, b"{}", "blake3:0")
            page(store)
            few = min(page(store) for _ in range(PAGES))
            fill(store, MANY - FEW, b"{}", "blake3:0")
            page(store)
            many = min(page(store) for _ in range(PAGES))
    print(few, many)


if __name__ == "__main__":
    main()
