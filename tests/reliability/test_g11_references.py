"""Data that names code: plans, stacks, profiles and rows are read, shown and refused without an import."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dovetail.testing.command_line import Answer, CommandLine

PIPELINE = """
import os
from dovetail import BaseMaterializer, pipeline, step

class Note(str):
    pass

class NoteMaterializer(BaseMaterializer):
    types = (Note,)

    def save(self, value, files):
        files.put("note", str(value).encode())

    def load(self, type_, files):
        return Note(files.get("note").decode())

@step(materializers=NoteMaterializer)
def write() -> Note:
    return Note("hello")

@step
def read(note: Note) -> int:
    if os.environ.get("FAILS"):
        raise ValueError("as asked")
    return len(note)

@pipeline
def notes():
    read(write())

if __name__ == "__main__":
    notes.run()
"""
EVIL = """
import os, pathlib
pathlib.Path(os.environ["WITNESS"]).write_text("was imported")

class Evil:
    pass
"""
READING = (
    "run list --json",
    "run show last --json",
    "run show last",
    "run logs last",
    "run explain last read",
    "run page last -o page.html",
    "pipeline list --json",
    "pipeline show notes --json",
    "artifact list --json",
    "stack list --json",
    "stack show",
    "profile show",
    "integration list --json",
    "visualizer list --json",
)

# One process for all of them: starting one for each is most of their cost.
COMMANDS = """
import sys
from dovetail.cli.main import run

for line in sys.argv[1:]:
    if code := run(line.split()):
        sys.stderr.write(f"{line}: exit code {code}\\n")
"""


@pytest.fixture
def evil(cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project, and a module on the path that leaves a witness when anybody imports it."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "evil_module.py").write_text(EVIL)
    witness = tmp_path / "witness"
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setenv("WITNESS", str(witness))
    cli.write("run.py", PIPELINE)
    assert cli.python("-c", "import evil_module").code == 0
    assert witness.exists()
    witness.unlink()
    yield witness
    assert not witness.exists()


def refused(answer: Answer, *said: str) -> None:
    assert answer.code not in {0, 70}, answer
    assert answer.err.startswith("error: ")
    assert "Traceback" not in answer.err
    assert [each for each in said if each not in answer.err] == []


EDITS: dict[str, tuple[str, str, str]] = {
    "a custom materializer": ("run:NoteMaterializer", "evil_module:Evil", "'evil_module:Evil'"),
    "an installed materializer": (
        "dovetail.materializers.json_value:JsonMaterializer",
        "evil_module:Evil",
        "'evil_module:Evil'",
    ),
    "a materializer that nobody has": (
        "name: builtin/json",
        "name: evil/json",
        "'evil/json' is not installed",
    ),
    "the module of a step": ("module: run", "module: evil_module", "'evil_module'"),
    "a module below another": ("module: run", "module: evil_module.deeper", "'evil_module.deeper'"),
    "a module of the standard library": ("module: run", "module: antigravity", "'antigravity'"),
    "code that runs on success": (
        "- name: read\n",
        "- name: read\n  options: {on_success: 'evil_module:Evil'}\n",
        "on_success",
    ),
    "a tag": ("pipeline: notes", "pipeline: !!python/name:evil_module.Evil notes", "is refused"),
    "a tag that calls": (
        "flavors:\n",
        "settings: !!python/object/apply:evil_module.Evil []\nflavors:\n",
        "is refused",
    ),
}


@pytest.mark.timeout(600)
def test_g11_a_plan_that_names_foreign_code_is_refused_before_an_import(
    cli: CommandLine, evil: Path, tell: Callable[[str], None]
) -> None:
    assert cli("pipeline", "compile", "run.py", "-o", "plan.yaml").code == 0
    plan = (cli.directory / "plan.yaml").read_text()
    for old, new, said in EDITS.values():
        assert old in plan
        cli.write("edited.yaml", plan.replace(old, new))
        refused(cli("run", "edited.yaml"), said)
    assert cli("run", "list", "--json").json() == []
    assert cli("run", "plan.yaml", "--json").json()["status"] == "completed"
    tell(f"{len(EDITS)} plans that name foreign code: all refused, nothing imported")


def damage(cli: CommandLine, statements: Iterator[tuple[str, tuple[str, ...]]]) -> None:
    """Write into the store behind Dovetail's back."""
    (database,) = [*cli.home.rglob("metadata.db"), *cli.directory.rglob("metadata.db")]
    with sqlite3.connect(database) as connection:
        for statement, values in statements:
            assert connection.execute(statement, values).rowcount > 0
    connection.close()


def foreign_rows() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Put the evil module wherever a row names code, a flavor, a type or a version."""
    for ours in ("run:NoteMaterializer", "dovetail.materializers.json_value:JsonMaterializer"):
        yield "UPDATE plans SET content = replace(content, ?, 'evil_module:Evil')", (ours,)
    yield 'UPDATE plans SET content = replace(content, \'"module":"run"\', \'"module":"evil_module"\')', ()
    yield "UPDATE runs SET stack = replace(stack, 'dovetail/local', 'evil_module:Evil')", ()
    yield "UPDATE runs SET stack = replace(stack, 'dovetail/html', 'evil_module/Evil')", ()
    yield "UPDATE artifacts SET type = 'evil_module.Evil', type_prefix = 'evil_module.Evil'", ()


@pytest.mark.timeout(600)
def test_g11_rows_that_name_foreign_code_are_shown_and_never_run(
    cli: CommandLine, evil: Path, tell: Callable[[str], None]
) -> None:
    assert cli("run", "run.py", env={"FAILS": "1"}).code == 1
    damage(cli, foreign_rows())
    answer = cli.python("-c", COMMANDS, *READING)
    assert answer.code == 0, answer.err
    assert "Traceback" not in answer.err, answer.err
    assert re.findall(r".*: exit code (?!4|7|8).*", answer.err) == []
    assert "evil_module.Evil" in json.dumps(cli("artifact", "list", "--json").json())
    refused(cli("run", "resume", "last"), "evil_module")
    tell(f"{len(READING) + 2} commands on rows that name foreign code: nothing imported")


@pytest.mark.timeout(600)
def test_g11_a_run_whose_plan_names_foreign_code_is_not_resumed(cli: CommandLine, evil: Path) -> None:
    assert cli("run", "run.py", env={"FAILS": "1"}).code == 1
    edit = "UPDATE plans SET content = replace(content, ?, ?)"
    for ours, foreign in (
        ("run:NoteMaterializer", "evil_module:Evil"),
        ("run:Note", "evil_module:Evil"),
        ('"module":"run"', '"module":"evil_module"'),
    ):
        damage(cli, iter([(edit, (ours, foreign))]))
        refused(cli("run", "resume", "last"), "evil_module")
        refused(cli("run", "resume", "last", "--in-process"), "evil_module")
        damage(cli, iter([(edit, (foreign, ours))]))
    assert cli("run", "resume", "last", "--json").json()["status"] == "completed"


FOREIGN_PROFILE = """
format: 1
components:
  orchestrator:
    local: {flavor: evil_module:Evil}
  artifact_store:
    local: {flavor: evil_module/Evil, config: {path: "evil_module:Evil"}}
  metadata_store:
    sqlite: {flavor: dovetail/sqlite}
  visualizer:
    html: {flavor: dovetail/evil_module:Evil}
stacks:
  default: {orchestrator: local, artifact_store: local, metadata_store: sqlite, visualizer: html}
"""
FOREIGN_STACK = """
format: 1
stack: foreign
components:
  orchestrator: {name: o, flavor: "evil_module:Evil"}
  artifact_store: {name: a, flavor: dovetail/local}
"""


def test_g11_a_profile_that_names_foreign_code_is_shown_and_refused(cli: CommandLine, evil: Path) -> None:
    profile = cli.home / "profiles" / "default.yaml"
    profile.parent.mkdir(parents=True)
    profile.write_text(FOREIGN_PROFILE)
    for line in ("stack list --json", "stack describe --json", "profile show --json"):
        assert cli(*line.split()).code == 0, line
    for line in ("stack show --json", "orchestrator list --json", "visualizer show html --json"):
        assert "evil_module:Evil" in cli(*line.split()).out
    refused(cli("run", "run.py"), "evil_module")
    profile.write_text(
        FOREIGN_PROFILE.replace("flavor: dovetail/sqlite", "flavor: !!python/name:evil_module.Evil x")
    )
    for line in ("stack list --json", "stack show", "run list", "run run.py"):
        refused(cli(*line.split()), "is refused")


@pytest.mark.parametrize("tag", ["", "!!python/object/new:evil_module.Evil ", "!evil "])
def test_g11_a_stack_that_names_foreign_code_is_not_imported(cli: CommandLine, evil: Path, tag: str) -> None:
    cli.write("stack.yaml", FOREIGN_STACK.replace('"evil_module:Evil"', f'{tag}"evil_module:Evil"'))
    refused(cli("stack", "import", "stack.yaml"), "refused" if tag else "evil_module:Evil")
    assert "foreign" not in cli("stack", "list", "--json").out


def test_g11_settings_with_tags_or_references_run_nothing(cli: CommandLine, evil: Path) -> None:
    cli.write("settings.yaml", "path: !!python/name:evil_module.Evil x\n")
    refused(
        cli("artifact-store", "register", "a", "--flavor", "local", "--config", "settings.yaml"), "refused"
    )
    refused(cli("artifact-store", "register", "a", "--flavor", "evil_module:Evil"), "evil_module:Evil")
    refused(cli("run", "run.py", "--param", "read.note=!!python/name:evil_module.Evil"))
    cli.write("config.yaml", "steps: {read: {retry: !!python/name:evil_module.Evil 3}}\n")
    refused(cli("run", "run.py", "--config", "config.yaml"), "refused")


def test_g11_a_damaged_index_names_no_code_that_is_imported(cli: CommandLine, evil: Path) -> None:
    assert cli("integration", "list").code == 0
    (kept,) = (cli.home / "cache").glob("index-*.json")
    kept.write_bytes(kept.read_bytes().replace(b"dovetail.builtin.local_orchestrator", b"evil_module"))
    assert cli("run", "run.py", "--json").json()["status"] == "completed"
