from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail.components.flavor import CORE_TYPES
from dovetail.stacks.profile import Registered
from dovetail.stacks.profile_store import open_profile

Cli = Callable[..., Any]


def register_all() -> None:
    """Register a component `x_<type>` of each type, whatever is installed."""

    def add(profile: Any) -> None:
        for kind in CORE_TYPES:
            profile.add_component(Registered(kind.name, f"x_{kind.name}", "acme/x"))

    open_profile().edit(add)


def test_every_type_has_its_flags(dovetail: Cli) -> None:
    register_all()
    short = [f"{kind.flag or '--visualizer'} x_{kind.name}" for kind in CORE_TYPES]
    long = [f"--{kind.command} x_{kind.name}" for kind in CORE_TYPES]
    assert dovetail(f"stack register a {' '.join(short)}").code == 0
    assert dovetail(f"stack register b {' '.join(long)}").code == 0
    stacks = open_profile().read().stacks
    assert stacks["a"] == stacks["b"] == {kind.name: f"x_{kind.name}" for kind in CORE_TYPES}


@pytest.mark.parametrize(
    ("words", "parts"),
    [("-al n -an n", {"alerter": "n", "annotator": "n"}), ("-alx", {}), ("-dv=n", {"data_validator": "n"}),
     ("-a local -al n -d n", {"alerter": "n", "model_deployer": "n"})],
)  # fmt: skip
def test_flags_of_two_letters_are_no_flags_of_one(dovetail: Cli, words: str, parts: dict[str, str]) -> None:
    def add(profile: Any) -> None:
        for kind in CORE_TYPES:
            profile.add_component(Registered(kind.name, "n", "acme/x"))
        profile.add_component(Registered("artifact_store", "lx", "acme/x"))

    open_profile().edit(add)
    assert dovetail(f"stack register s -o local -a local {words}").code == 0
    found = open_profile().read().stack("s")
    assert {
        key: name for key, name in found.items() if key not in {"orchestrator", "artifact_store"}
    } == parts


def test_the_help_has_the_table_of_flags(dovetail: Cli) -> None:
    text = " ".join(dovetail("stack register --help").out.split())
    assert all(f"{kind.flag}, --{kind.command} NAME" in text for kind in CORE_TYPES if kind.flag)
    assert "--visualizer NAME" in text


def test_a_stack_is_registered_set_changed_copied_renamed_and_deleted(dovetail: Cli) -> None:
    for line in (
        "stack register dev -o local -a local",
        "stack set dev",
        "stack update -m sqlite --visualizer html",
        "stack update dev --remove visualizer",
        "stack copy dev prod",
        "stack rename dev test",
        "stack delete prod",
    ):
        assert dovetail(line).code == 0, line
    found = {each["name"]: each for each in dovetail("stack list --json").json}
    assert list(found) == ["default", "test"]
    assert found["test"] == {
        "name": "test", "active": True,
        "components": {"orchestrator": "local", "artifact_store": "local", "metadata_store": "sqlite"},
    }  # fmt: skip


def test_stacks_are_shown_to_people(dovetail: Cli) -> None:
    assert dovetail("stack list").out.splitlines()[1].split() == [
        "*", "default", "local", "local", "sqlite", "visualizer=html",
    ]  # fmt: skip
    assert "artifact store  local   dovetail/local" in dovetail("stack show").out
    assert "flavor: dovetail/sqlite" in dovetail("stack describe default").out


@pytest.mark.parametrize(
    ("line", "says", "code"),
    [("stack register s -o local", "no artifact store", 2),
     ("stack register s -o locl -a local", "did you mean 'local'?", 5),
     ("stack register default -o local -a local", "is there already", 6),
     ("stack register a/b -o local -a local", "cannot name a stack", 4),
     ("stack show gone", "no stack 'gone'", 5),
     ("stack set gone", "no stack 'gone'", 5),
     ("stack copy default default", "is there already", 6),
     ("stack rename gone x", "no stack 'gone'", 5),
     ("stack delete default", "is the active one", 6),
     ("stack delete gone", "no stack 'gone'", 5),
     ("stack update default", "nothing to change", 2),
     ("stack update default --remove alerter", "has no alerter", 5),
     ("stack import gone.yaml", "no file 'gone.yaml'", 5)],
)  # fmt: skip
def test_what_is_wrong_is_told_and_nothing_is_kept(
    dovetail: Cli, home: Path, line: str, says: str, code: int
) -> None:
    outcome = dovetail(line)
    assert (outcome.code, outcome.out) == (code, "")
    assert says in outcome.err
    assert not (home / "profiles" / "default.yaml").exists()


def test_a_broken_profile_is_told_with_line_and_column(dovetail: Cli, home: Path) -> None:
    (home / "profiles").mkdir()
    (home / "profiles" / "default.yaml").write_text("stacks:\n  a: [\n")
    outcome = dovetail("stack list")
    assert (outcome.code, "default.yaml:3:1: this is no YAML" in outcome.err) == (4, True)
    assert "Traceback" not in outcome.err


def test_the_environment_wins_and_set_says_so(dovetail: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    dovetail("stack copy default dev")
    monkeypatch.setenv("DOVETAIL_STACK", "default")
    assert "DOVETAIL_STACK says otherwise" in dovetail("stack set dev").out
    assert dovetail("stack show --json").json["name"] == "default"


def test_an_exported_stack_is_imported_elsewhere(
    dovetail: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dovetail("artifact-store register shelf -f local --path /a --durability step")
    dovetail("stack register dev -o local -a shelf")
    assert dovetail("stack export dev dev.yaml").code == 0
    assert dovetail("stack export dev").out == (tmp_path / "dev.yaml").read_text()
    monkeypatch.setenv("DOVETAIL_PROFILE", "team")
    dovetail("profile create team")
    outcome = dovetail("stack import dev.yaml")
    assert outcome.out == "registered artifact store 'shelf'\nregistered stack 'dev'\n"
    described = dovetail("stack describe dev --json").json
    assert described["components"]["artifact_store"]["config"] == {"path": "/a", "durability": "step"}


def test_an_import_overwrites_neither_stacks_nor_components(dovetail: Cli) -> None:
    dovetail("artifact-store register shelf -f local --path /a")
    dovetail("stack register dev -o local -a shelf")
    dovetail("stack export dev dev.yaml")
    assert dovetail("stack import dev.yaml").code == 6
    assert dovetail("stack import dev.yaml --name again").code == 0
    dovetail("artifact-store update shelf --path /b")
    outcome = dovetail("stack import dev.yaml --name third")
    assert (outcome.code, "with other settings" in outcome.err) == (6, True)
    assert dovetail("stack export dev dev.yaml").code == 6


@pytest.mark.parametrize(
    ("text", "code"),
    [("a: 1", 4), ("- a", 4), ("stack: s\ncomponents: {x: 1}", 4), ("format: 9", 4),
     ("stack: s\ncomponents: {artifact_store: {name: a, flavor: gone}}", 7),
     ("stack: s\ncomponents: {artifact_store: {name: a, flavor: local, config: {pth: x}}}", 4),
     ("stack: s\ncomponents: {kitchen_sink: {name: a, flavor: steel}}", 7)],
)  # fmt: skip
def test_a_file_that_is_no_exported_stack_is_refused(
    dovetail: Cli, tmp_path: Path, home: Path, text: str, code: int
) -> None:
    (tmp_path / "s.yaml").write_text(text)
    assert dovetail("stack import s.yaml").code == code
    assert not (home / "profiles" / "default.yaml").exists()
    assert [each.name for each in tmp_path.iterdir()] == ["s.yaml"]
