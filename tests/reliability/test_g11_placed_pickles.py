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

artifact = sys.argv[1]
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
try:
    Client().artifact(artifact).load()
except DovetailError as error:
    print("refused:", error)
print("codes:", *codes)
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
        files = json.dumps([each.document() for each in entries])
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
    assert cli("run", "run.py").code == 0
    cases = ((JSON, JSON), (PICKLE, PICKLE), (POSING, POSING), (OWN, OWN), (JSON, PICKLE), (PICKLE, JSON))
    looks = 0
    for number, (manifest, record) in enumerate(cases):
        other = CommandLine(cli.directory, tmp_path / f"home-{number}")
        shutil.copytree(cli.home, other.home)
        artifact = place(other, tmp_path / "hacked", manifest, record)
        told = other.python("-c", LOOKS, artifact)
        (cli.directory / f"{artifact}.tar").unlink(missing_ok=True)
        assert "refused: " in told.out, told.err
        codes = [int(each) for each in told.out.rpartition("codes:")[2].split()]
        assert max(codes) < 70
        assert "Traceback" not in told.err
        assert not (tmp_path / "hacked").exists()
        looks += len(codes) + 1
    tell(f"G11: {looks} looks at {len(cases)} placed pickles, none ran one")
