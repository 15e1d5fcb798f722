from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail.cli.component import read_flags
from dovetail.components.flavor import CORE_TYPES
from dovetail.errors import UsageError

Cli = Callable[..., Any]


def test_a_component_is_registered_listed_shown_changed_and_deleted(dovetail: Cli) -> None:
    assert dovetail("artifact-store register shelf --flavor local --path /a").code == 0
    assert dovetail("artifact-store update shelf --path /b --durability=step").code == 0
    shown = dovetail("artifact-store show shelf --json").json
    assert shown == {
        "name": "shelf", "type": "artifact_store", "flavor": "dovetail/local",
        "config": {"path": "/b", "durability": "step"}, "stacks": [],
    }  # fmt: skip
    assert dovetail("artifact-store update shelf --unset durability").code == 0
    assert dovetail("artifact-store show shelf --json").json["config"] == {"path": "/b"}
    assert dovetail("artifact-store delete shelf").code == 0
    assert [each["name"] for each in dovetail("artifact-store list --json").json] == ["local"]


def test_settings_come_from_flags_pairs_and_a_file(dovetail: Cli, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("path: /file\ndurability: step\n")
    line = "artifact-store register shelf -f local --config c.yaml --setting path=/pair"
    assert dovetail(line).code == 0
    assert dovetail("artifact-store show shelf --json").json["config"] == {
        "path": "/pair",
        "durability": "step",
    }


@pytest.mark.parametrize(
    ("words", "says", "code"),
    [("--flavor loca", "did you mean 'local'?", 7),
     ("--flavor tape", "no artifact store flavor 'tape'", 7),
     ("--flavor local --pth x", "did you mean 'path'?", 4),
     ("--flavor local --durability later", "should be 'run' or 'step'", 4),
     ("--flavor local stray", "'stray' belongs to no setting", 2),
     ("--flavor local --setting path", "KEY=VALUE", 2),
     ("--flavor local --config gone.yaml", "no file 'gone.yaml'", 5),
     ("", "missing option '--flavor'", 2)],
)  # fmt: skip
def test_what_is_wrong_is_told_and_nothing_is_kept(
    dovetail: Cli, home: Path, words: str, says: str, code: int
) -> None:
    outcome = dovetail(f"artifact-store register shelf {words}")
    assert (outcome.code, outcome.out) == (code, "")
    assert says in outcome.err
    assert not (home / "profiles" / "default.yaml").exists()


@pytest.mark.parametrize("text", ["path: [", "- a", "path: 1\npath: 2", "path: !!python/name:os.system x"])
def test_a_broken_settings_file_is_told_with_its_place(dovetail: Cli, tmp_path: Path, text: str) -> None:
    (tmp_path / "c.yaml").write_text(text)
    outcome = dovetail("artifact-store register shelf -f local --config c.yaml")
    assert (outcome.code, "error: c.yaml" in outcome.err) == (4, True)


@pytest.mark.parametrize("name", ["a b", "../x", ""])
def test_an_illegal_name_is_refused(dovetail: Cli, name: str) -> None:
    assert dovetail("alerter show", name).code == 5
    assert dovetail("artifact-store register --flavor local", name).code == 4


def test_a_store_that_cannot_be_written_is_told(dovetail: Cli, home: Path) -> None:
    (home / "profiles").touch()
    outcome = dovetail("artifact-store register shelf --flavor local")
    assert (outcome.code, "cannot be written" in outcome.err) == (8, True)


@pytest.mark.parametrize(
    ("words", "settings"),
    [(["--a", "1"], {"a": ["1"]}), (["--a=1", "--b-c", "x y"], {"a": ["1"], "b_c": ["x y"]}),
     (["--a", "--b", "-1"], {"a": ["true"], "b": ["-1"]}), (["--a", "1", "--a", "2"], {"a": ["1", "2"]}),
     (["--a="], {"a": [""]}), (["--a=--b"], {"a": ["--b"]}), ([], {})],
)  # fmt: skip
def test_flags_are_read_as_settings(words: list[str], settings: dict[str, list[str]]) -> None:
    assert read_flags(words) == settings


@pytest.mark.parametrize("words", [["x"], ["--"], ["-a", "1"], ["--a", "1", "2"]])
def test_words_that_belong_to_no_setting_are_refused(words: list[str]) -> None:
    with pytest.raises(UsageError):
        read_flags(words)


@pytest.mark.parametrize("kind", CORE_TYPES, ids=lambda kind: kind.name)
def test_every_type_has_its_flavors_listed(dovetail: Cli, kind: Any) -> None:
    outcome = dovetail(f"{kind.command} flavors --json")
    assert outcome.code == 0
    assert all(each["flavor"].count("/") == 1 for each in outcome.json)
    assert dovetail(f"{kind.command} list").code == 0


def test_the_settings_of_a_flavor_are_listed(dovetail: Cli) -> None:
    outcome = dovetail("artifact-store flavors local")
    assert "--durability  'run' | 'step'  run" in outcome.out
    assert [each["name"] for each in dovetail("artifact-store flavors local --json").json["settings"]] == [
        "path", "durability",
    ]  # fmt: skip


def test_registering_imports_the_configuration_and_not_the_implementation(dovetail: Cli, site: Any) -> None:
    config = "from dovetail.plugin import ComponentConfig\nclass Config(ComponentConfig): depth: int = 1\n"
    announces = (
        "from dovetail.plugin import Flavor, hookimpl\n@hookimpl\ndef dovetail_artifact_stores():\n"
        "    yield Flavor('shelf', 1, 'acme_config:Config', 'acme_store:Store')\n"
    )
    files = {"acme_config.py": config, "acme_store.py": "raise SystemExit('imported')"}
    site.wheel("acme", announces, files=files)
    assert dovetail("artifact-store register x --flavor shelf --depth 2").code == 0
    assert "acme_store" not in sys.modules


@pytest.mark.parametrize(
    "source", ["raise SystemExit(3)", "raise ValueError('no')", "import nothing_like_this", "x ="]
)
def test_a_plugin_that_cannot_be_imported_harms_only_itself(dovetail: Cli, site: Any, source: str) -> None:
    site.wheel("acme", files={"acme_store.py": source})
    outcome = dovetail("artifact-store register x --flavor shelf")
    assert (outcome.code, "acme 1.0" in outcome.err, "Traceback" in outcome.err) == (7, True, False)
    assert dovetail("artifact-store register x --flavor local").code == 0


def test_eight_commands_that_register_at_once_lose_nothing(dovetail: Cli) -> None:
    command = [sys.executable, "-m", "dovetail", "artifact-store", "register", "--flavor", "local"]
    children = [subprocess.Popen([*command, f"shelf{each}"], stdout=subprocess.DEVNULL) for each in range(8)]
    assert [child.wait() for child in children] == [0] * 8
    assert len(dovetail("artifact-store list --json").json) == 1 + 8
