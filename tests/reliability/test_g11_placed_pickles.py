"""G11: a pickle that somebody places as an artifact, with digests that fit, is never unpickled."""

from __future__ import annotations

import json
import pickle
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dovetail.hashing import digest_bytes
from dovetail.records.artifact import MANIFEST, FileEntry, Manifest
from dovetail.records.plan import MaterializerRef
from dovetail.testing.command_line import CommandLine

CHAIN = """
from dovetail import pipeline, step

@step
def load() -> list[int]:
    return [1, 2, 3]

@step
def total(values: list[int], more: int = 0) -> int:
    return sum(values) + more

@pipeline
def chain():
    total(load())

if __name__ == "__main__":
    chain.run()
"""
LOOKS = """
import sys
from dovetail import Client
from dovetail.cli.main import run
from dovetail.errors import DovetailError

artifact, first = sys.argv[1:]
codes = [
    run(command.split())
    for command in (
        "artifact list",
        f"artifact show {artifact} --json",
        "artifact verify --all",
        f"artifact export {artifact} -o {artifact}.tar",
        f"artifact import {artifact}.tar",
        "run show last --json",
        "run page last -o page.html",
        "run run.py --param total.more=1 --in-process --json",
        "run run.py --param total.more=2 --json",
    )
]


def load():
    try:
        Client().artifact(artifact).load()
    except DovetailError as error:
        print("refused:", error)


load()
codes.append(run(["run", "delete", first, "--yes"]))  # with it goes the plan: now only the record says
load()
print("codes:", *codes)
"""
# What all of it is about: the placed artifact as its own materializer reads it.
CONTROL = """
import sys
from typing import Any
from dovetail import Client
from dovetail.materializers.artifacts import load_artifact
from dovetail.materializers.pickle_value import PickleMaterializer

view = Client().artifact(sys.argv[1])
load_artifact(view._records.artifacts, view.record, Any, PickleMaterializer(), view.record.materializer)
"""
JSON = MaterializerRef(name="builtin/json", reference="dovetail.materializers.json_value:JsonMaterializer")
PICKLE = MaterializerRef(
    name="builtin/pickle", reference="dovetail.materializers.pickle_value:PickleMaterializer"
)
POSING = MaterializerRef(name="builtin/json", reference=PICKLE.reference)
OWN = MaterializerRef(name="custom/PickleMaterializer", reference=PICKLE.reference)


class Hostile:
    """Makes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.target,)


def place(cli: CommandLine, target: Path, manifest: MaterializerRef, record: MaterializerRef) -> str:
    """Put a hostile pickle in the place of what `load` stored, and make manifest and database fit it."""
    database = cli.home / "store" / "metadata.db"
    with closing(sqlite3.connect(database)) as connection:
        (artifact,) = connection.execute("SELECT id FROM artifacts WHERE step = 'load'").fetchone()
        directory = cli.home / "store" / "artifacts" / artifact[-2:] / artifact
        data = pickle.dumps(Hostile(target))
        entries = []
        for name in ("value.json", "value.pkl"):
            (directory / name).write_bytes(data)
            entries.append(FileEntry(path=name, size=len(data), digest=digest_bytes(data)))
        made = Manifest(format=1, type="list[int]", materializer=manifest, files=tuple(entries))
        (directory / MANIFEST).write_bytes(made.to_json())
        files = json.dumps([[each.path, each.size, each.digest] for each in entries])
        new = (made.content_digest(), 2 * len(data), files, json.dumps(record.document()), artifact)
        connection.execute(
            "UPDATE artifacts SET digest = ?, size = ?, files = ?, materializer = ? WHERE id = ?", new
        )
        connection.commit()
    return str(artifact)


@pytest.mark.timeout(600)
def test_g11_a_pickle_placed_with_a_fitting_digest_is_refused_and_nothing_of_it_is_executed(
    cli: CommandLine, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    cli.write("run.py", CHAIN)
    first = cli("run", "run.py", "--json").json()["id"]
    assert cli("run", "run.py").code == 0  # has the artifacts of the first from the cache
    cases = ((JSON, JSON), (PICKLE, PICKLE), (POSING, POSING), (OWN, OWN), (JSON, PICKLE), (PICKLE, JSON))
    looks = 0
    for number, (manifest, record) in enumerate(cases):
        other = CommandLine(cli.directory, tmp_path / f"home-{number}")
        shutil.copytree(cli.home, other.home)
        artifact = place(other, tmp_path / "hacked", manifest, record)
        told = other.python("-c", LOOKS, artifact, first)
        (cli.directory / f"{artifact}.tar").unlink(missing_ok=True)
        assert told.out.count("refused: ") == 2, told.err
        codes = [int(each) for each in told.out.rpartition("codes:")[2].split()]
        assert max(codes) < 70
        assert codes[-1] == 0
        assert "Traceback" not in told.err
        assert (codes[2] == 0) is (manifest == record), "verify finds what fits"
        assert not (tmp_path / "hacked").exists()
        if manifest == record == PICKLE:
            other.python("-c", CONTROL, artifact)
            (tmp_path / "hacked").unlink()
        looks += len(codes) + 2
    tell(f"G11: {looks} looks at {len(cases)} placed pickles, none ran one")
