"""The floor of a chain: the same files, digests, row and flush per step, by hand; prints seconds per step.

`floor_chain.py in-process|cached|processes COUNT`. Per step a run writes a data file, a manifest and a
report (each under a temporary name, then renamed), takes a digest of the first two, and records one row in
its own transaction; in the end all files are flushed once. `cached` is a SELECT, an INSERT and a stat.
`processes` forks for each step a child that imports nothing and writes the files.
"""

from __future__ import annotations

import json
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path

from blake3 import blake3

MODE, COUNT = sys.argv[1], int(sys.argv[2])
RUNS = 5


def connect(path: Path) -> sqlite3.Connection:
    """Open the database with the settings of the store."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS step (run TEXT, step TEXT, key TEXT, body TEXT, PRIMARY KEY (run, step))"
    )
    connection.execute("CREATE INDEX IF NOT EXISTS by_key ON step (key)")
    return connection


def publish(path: Path, data: bytes) -> None:
    """Write a file under a temporary name, then give it its own."""
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("xb") as stream:
        stream.write(data)
    temporary.rename(path)


def write_step(root: Path, run: str, index: int, written: list[Path]) -> None:
    """Write the files of one step."""
    folder = root / "artifacts" / f"{index % 64:02}" / f"{run}-{index}"
    folder.mkdir(parents=True)
    data = json.dumps(index).encode()
    publish(folder / "value.json", data)
    entry = {"path": "value.json", "size": len(data), "digest": blake3(data).hexdigest()}
    manifest = json.dumps({"format": 1, "type": "int", "materializer": "json", "files": [entry]}).encode()
    publish(folder / "manifest.json", manifest)
    digest = blake3(manifest).hexdigest()
    report = root / "runs" / run
    report.mkdir(parents=True, exist_ok=True)
    body = {
        "run": run,
        "step": index,
        "status": "completed",
        "digest": digest,
        "time": time.time(),
        "file": entry,
    }
    publish(report / f"{index}.json", json.dumps(body).encode())
    written += [folder / "value.json", folder / "manifest.json", report / f"{index}.json"]


def record(connection: sqlite3.Connection, run: str, index: int) -> None:
    """Record one row in its own transaction."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO step VALUES (?, ?, ?, ?)", (run, str(index), f"key-{run}-{index}", "{}"))
    connection.execute("COMMIT")


def flush(written: list[Path]) -> None:
    """Make the files safe from a loss of power."""
    for path in [*written, *{each.parent for each in written}]:
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def plain(root: Path, connection: sqlite3.Connection, run: str) -> None:
    """Make every step here."""
    written: list[Path] = []
    for index in range(COUNT):
        write_step(root, run, index, written)
        record(connection, run, index)
    flush(written)


def cached(root: Path, connection: sqlite3.Connection, run: str) -> None:
    """Find every step of the first run, look whether its file is there, note it."""
    for index in range(COUNT):
        key = f"key-first-{index}"
        found = connection.execute("SELECT run, step, body FROM step WHERE key = ?", (key,)).fetchone()
        (root / "artifacts" / f"{index % 64:02}" / f"{found[0]}-{index}" / "manifest.json").stat()
        connection.execute("INSERT INTO step VALUES (?, ?, ?, ?)", (run, str(index), "", "{}"))


def processes(root: Path, connection: sqlite3.Connection, run: str) -> None:
    """Fork a child for each step."""
    written: list[Path] = []
    for index in range(COUNT):
        child = os.fork()
        if not child:
            write_step(root, run, index, [])
            os._exit(0)
        os.waitpid(child, 0)
        record(connection, run, index)
        folder = root / "artifacts" / f"{index % 64:02}" / f"{run}-{index}"
        written += [folder / "value.json", folder / "manifest.json", root / "runs" / run / f"{index}.json"]
    flush(written)


def main() -> None:
    """Print the middle of the runs after a warm-up."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        root = Path(folder)
        connection = connect(root / "floor.db")
        work = {"in-process": plain, "cached": cached, "processes": processes}[MODE]
        plain(root, connection, "first")
        took = []
        for number in range(RUNS):
            begin = time.perf_counter()
            work(root, connection, f"run-{number}")
            took.append(time.perf_counter() - begin)
        print(statistics.median(took) / COUNT)


if __name__ == "__main__":
    main()
