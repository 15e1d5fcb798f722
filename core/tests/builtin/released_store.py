"""A populated store of each released schema, as SQL, with what it says; made by running this file.

Running it writes `released/metadata_v<version>.sql` and `.json`. Do so once
when a schema version is released, never again for that version: later programs have to read it.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from dovetail.builtin.sqlite import SqliteMetadataStore, SqliteMetadataStoreConfig
from dovetail.components.metadata_store import ArtifactQuery, Facts, RunQuery
from dovetail.components.sql import SCHEMA
from dovetail.records.run import Status, StepRunRecord
from dovetail.testing.run_facts import chain, completed, ended, failed, metric, new_run

FOLDER = Path(__file__).parent / "released"
_PRAGMAS = ("user_version", "application_id")


def populate(store: SqliteMetadataStore) -> None:
    """Record a completed, a cached and failed, and an unfinished run."""
    plan = chain("load", "train")
    first = new_run(plan, name="first", parent=None, options={"max_workers": 2}, host="häst")
    lease = store.acquire(first.id)
    first = store.begin(first, plan.to_json(), lease)
    loaded = completed(first, "load", key="key of load")
    trained = completed(first, "train", key="key of train", reads=loaded.artifacts[0])
    values = (0.5, float("nan"), float("inf"))
    trained.metrics += [metric(first, "train", "loss", each, index) for index, each in enumerate(values)]
    store.record(loaded, lease)
    store.record(trained, lease)
    store.finish(ended(first, commit="abc", dirty=True), lease)
    lease.release()

    second = new_run(plan, name="second", started=first.started + 1)
    lease = store.acquire(second.id)
    second = store.begin(second, plan.to_json(), lease)
    cached = loaded.steps[0].model_copy(
        update={"run_id": second.id, "status": Status.CACHED, "cached_from": first.id, "attempts": 0}
    )
    store.record(Facts([cached]), lease)
    store.record(failed(second, "train"), lease)
    store.finish(ended(second, Status.FAILED, error="no"), lease)
    lease.release()

    third = new_run(chain("only", pipeline="other"), name="third", started=first.started + 2)
    lease = store.acquire(third.id)
    third = store.begin(third, chain("only", pipeline="other").to_json(), lease)
    store.record(Facts([StepRunRecord(run_id=third.id, step="only", status=Status.RUNNING)]), lease)
    lease.release()


def told(store: SqliteMetadataStore) -> dict[str, Any]:
    """Return everything the store says, as plain JSON values."""
    runs = store.runs(RunQuery(limit=100))
    return {
        "runs": [each.document() for each in runs],
        "plans": {each.plan_digest: (store.plan(each.plan_digest) or b"").decode() for each in runs},
        "steps": [step.document() for each in runs for step in store.steps(each.id)],
        "attempts": [attempt.document() for each in runs for attempt in store.attempts(each.id)],
        "metrics": [repr(item.value) for each in runs for item in store.metrics(each.id)],
        "artifacts": [each.document() for each in store.artifacts(ArtifactQuery(limit=100))],
        "consumers": {
            each.id: [step.step for step in store.consumers(each.id)]
            for each in store.artifacts(ArtifactQuery(limit=100))
        },
        "pipelines": [list(each) for each in store.pipelines()],
        "cached": [
            found[0].run_id if (found := store.cached(f"key of {step}")) else None for step in ("load", "x")
        ],
        "count": dict(store.count()),
    }


def dump(path: Path) -> str:
    """Return a database as SQL, with what SQLite's own dump leaves out."""
    with closing(sqlite3.connect(path)) as connection:
        pragmas = [
            f"PRAGMA {name}={connection.execute(f'PRAGMA {name}').fetchone()[0]};" for name in _PRAGMAS
        ]
        return "\n".join([*pragmas, *connection.iterdump()]) + "\n"


def restore(version: int, path: Path) -> dict[str, Any]:
    """Make the released store at `path`; return what it has to say."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((FOLDER / f"metadata_v{version}.sql").read_text(encoding="utf-8"))
        connection.execute("PRAGMA journal_mode=WAL")
    said: dict[str, Any] = json.loads((FOLDER / f"metadata_v{version}.json").read_text(encoding="utf-8"))
    return said


def main() -> None:
    """Write the store of this program's schema."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        with SqliteMetadataStore("released", SqliteMetadataStoreConfig(), home=Path(home)) as store:
            store.open()
            populate(store)
            said = json.dumps(told(store), indent=1, sort_keys=True, ensure_ascii=False)
        name = f"metadata_v{SCHEMA.version}"
        (FOLDER / f"{name}.sql").write_text(dump(Path(home) / "metadata.db"), encoding="utf-8")
        (FOLDER / f"{name}.json").write_text(f"{said}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
