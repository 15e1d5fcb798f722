"""The floor of a chain: the same files, digests, row and flush per step, by hand; prints seconds per step.

`floor_chain.py in-process|cached|processes COUNT`. Per step a run writes a data file, a manifest and a
report, each published as the local store does it, takes a digest of the first two, and records one row in
its own transaction; at the end files and folders are flushed as the local store does it, and a last commit
is durable. `cached` is a SELECT, a stat and a row in its own transaction per step, and that last commit.
`processes` forks for each step a child that imports nothing and writes the files.
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from blake3 import blake3

MODE, COUNT = sys.argv[1], int(sys.argv[2])
RUNS = 10 if MODE == "processes" else 30
FOLDERS = 1024
SYNCS = 16


def connect(path: str) -> sqlite3.Connection:
    """Open the database with the settings of the store."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS step (run TEXT, step TEXT, key TEXT, body TEXT, PRIMARY KEY (run, step))"
    )
    connection.execute("CREATE INDEX IF NOT EXISTS by_key ON step (key)")
    return connection


def publish(folder: str, name: str, data: bytes) -> str:
    """Write a file that has no name before it is complete; return its path."""
    path = f"{folder}/{name}"
    try:
        descriptor = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o666)
    except FileNotFoundError:
        os.makedirs(folder)  # noqa: PTH103 - as the store
        descriptor = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o666)
    os.write(descriptor, data)
    os.link(f"/proc/self/fd/{descriptor}", path, src_dir_fd=descriptor, follow_symlinks=True)
    os.close(descriptor)
    return path


def artifact_folder(root: str, run: str, index: int) -> str:
    """Return the folder of a step's artifact, spread over as many as the store has."""
    return f"{root}/artifacts/{hash((run, index)) % FOLDERS:03x}/{run}-{index}"


def write_step(root: str, run: str, index: int) -> list[str]:
    """Write the files of one step; return their paths."""
    folder = artifact_folder(root, run, index)
    data = json.dumps(index).encode()
    value = publish(folder, "value.json", data)
    entry = {"path": "value.json", "size": len(data), "digest": blake3(data).hexdigest()}
    manifest = json.dumps({"format": 1, "type": "int", "materializer": "json", "files": [entry]}).encode()
    body = {
        "run": run,
        "step": index,
        "status": "completed",
        "digest": blake3(manifest).hexdigest(),
        "time": time.time(),
        "file": entry,
    }
    return [
        value,
        publish(folder, "manifest.json", manifest),
        publish(f"{root}/runs/{run[-2:]}/{run}/reports", f"{index}.json", json.dumps(body).encode()),
    ]


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write what the block does in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("COMMIT")


def finish(connection: sqlite3.Connection, run: str) -> None:
    """Record the end of the run in a commit that survives a loss of power."""
    connection.execute("PRAGMA synchronous=FULL")
    with transaction(connection):
        connection.execute("INSERT INTO step VALUES (?, 'run', '', '{}')", (run,))
    connection.execute("PRAGMA synchronous=NORMAL")


def sync(path: str) -> None:
    """Flush one file or folder to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def flush(root: str, written: list[str]) -> None:
    """Make files and their names safe from a loss of power: files side by side, then the folders."""
    with ThreadPoolExecutor(SYNCS) as pool:
        list(pool.map(sync, written))
    folders = set()
    for path in written:
        while (path := path.rpartition("/")[0]) not in folders and len(path) >= len(root):
            folders.add(path)
    for folder in sorted(folders, reverse=True):
        sync(folder)


def plain(root: str, connection: sqlite3.Connection, run: str) -> None:
    """Make every step here."""
    written: list[str] = []
    for index in range(COUNT):
        written += write_step(root, run, index)
        with transaction(connection):
            values = (run, str(index), f"key-{run}-{index}", "{}")
            connection.execute("INSERT INTO step VALUES (?, ?, ?, ?)", values)
    flush(root, written)
    finish(connection, run)


def cached(root: str, connection: sqlite3.Connection, run: str) -> None:
    """Find every step of the first run, look whether its file is there, note it."""
    for index in range(COUNT):
        key = f"key-first-{index}"
        row = connection.execute("SELECT run, step, body FROM step WHERE key = ?", (key,)).fetchone()
        os.stat(f"{artifact_folder(root, row[0], int(row[1]))}/manifest.json")  # noqa: PTH116 - as the store
        with transaction(connection):
            connection.execute("INSERT INTO step VALUES (?, ?, ?, ?)", (run, str(index), "", "{}"))
    finish(connection, run)


def processes(root: str, connection: sqlite3.Connection, run: str) -> None:
    """Fork a child for each step."""
    written: list[str] = []
    for index in range(COUNT):
        child = os.fork()
        if not child:
            write_step(root, run, index)
            os._exit(0)
        os.waitpid(child, 0)
        with transaction(connection):
            values = (run, str(index), f"key-{run}-{index}", "{}")
            connection.execute("INSERT INTO step VALUES (?, ?, ?, ?)", values)
        folder = artifact_folder(root, run, index)
        report = f"{root}/runs/{run[-2:]}/{run}/reports/{index}.json"
        written += [f"{folder}/value.json", f"{folder}/manifest.json", report]
    flush(root, written)
    finish(connection, run)


def main() -> None:
    """Print the best of the runs after a warm-up."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as root:
        connection = connect(f"{root}/floor.db")
        work = {"in-process": plain, "cached": cached, "processes": processes}[MODE]
        plain(root, connection, "first")
        took = []
        for _ in range(RUNS):
            run = secrets.token_hex(13)
            begin = time.perf_counter()
            work(root, connection, run)
            took.append(time.perf_counter() - begin)
        connection.close()
        print(min(took) / COUNT)


if __name__ == "__main__":
    main()
