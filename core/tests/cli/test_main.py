from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from dovetail.cli import main
from dovetail.cli.main import PARTS
from dovetail.components.flavor import CORE_TYPES
from dovetail.errors import DovetailError, StoreError

EVERYTHING = [*(name for part in PARTS.values() for name in part), *(kind.command for kind in CORE_TYPES)]
TYPE = """
from dovetail.plugin import ComponentType, Flavor, hookimpl

@hookimpl
def dovetail_component_types():
    yield ComponentType("kitchen_sink", "kitchen sink", "kitchen sinks", "{module}_sink:Sink", flag="-o")

@hookimpl
def dovetail_flavors(component_type):
    if component_type == "kitchen_sink":
        yield Flavor("steel", contract=1, config="{module}_sink:Config", implementation="{module}_sink:Sink")
"""
SINK = """
from typing import ClassVar
from dovetail.plugin import Component, ComponentConfig

class Config(ComponentConfig):
    depth: int = 1

class Sink(Component):
    type: ClassVar[str] = "kitchen_sink"
    config_class = Config
"""


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException | None) -> None:
    """Let `dovetail boom` raise."""

    @click.command("boom")
    def boom() -> None:
        if error is not None:
            raise error

    monkeypatch.setitem(PARTS["Program"], "boom", ("x:y", "Raise."))
    monkeypatch.setattr(main, "_load_command", lambda *_: boom)


def test_the_help_lists_every_command(dovetail: Callable[..., Any]) -> None:
    help_ = dovetail("--help")
    assert help_.code == 0
    assert [name for name in EVERYTHING if f"\n  {name} " not in help_.out] == []


def test_a_command_that_is_not_there_is_told_with_what_is_near(dovetail: Callable[..., Any]) -> None:
    outcome = dovetail("stak list")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("error: there is no command 'stak'\nhint: did you mean 'stack'")
    verb = dovetail("stack lst")
    assert verb.err.startswith("error: dovetail stack has no command 'lst'\nhint: did you mean 'list'")


def test_a_wrong_option_is_told_with_the_help_of_its_command(dovetail: Callable[..., Any]) -> None:
    outcome = dovetail("stack list --jsn")
    assert outcome.code == 2
    assert outcome.err.startswith("error: no such option")
    assert outcome.err.endswith("hint: see dovetail stack list --help\n")


def test_a_command_of_another_release_does_not_break_the_help(
    dovetail: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PARTS["Program"], "later", ("dovetail.cli.later:command", "Not there."))
    assert "later" in dovetail("--help").out
    assert dovetail("later").err == "error: the command 'later' is not part of this program\n"


def test_an_error_of_ours_is_a_message_a_hint_and_its_exit_code(
    dovetail: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    raising(monkeypatch, StoreError("disk\x1b[31m full\nat /x", hint="free some", where="store"))
    outcome = dovetail("boom")
    assert (outcome.code, outcome.out) == (8, "")
    assert outcome.err == "error: store: disk\\x1b[31m full\n  at /x\nhint: free some\n"


def test_an_unexpected_error_is_one_line_and_exit_code_70(
    dovetail: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    raising(monkeypatch, ZeroDivisionError("by zero"))
    outcome = dovetail("boom")
    assert outcome.code == 70
    assert outcome.err.startswith("error: unexpected ZeroDivisionError: by zero\nhint: run with --debug")


@pytest.mark.parametrize("line", ["boom --debug", "--debug boom"])
@pytest.mark.parametrize("error", [DovetailError("no"), ZeroDivisionError("no"), KeyboardInterrupt()])
def test_debug_anywhere_shows_the_traceback(
    dovetail: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, line: str, error: BaseException
) -> None:
    raising(monkeypatch, error)
    assert "Traceback" not in dovetail("boom").err
    assert "Traceback" in dovetail(line).err


def test_the_environment_can_ask_for_the_traceback(
    dovetail: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    raising(monkeypatch, DovetailError("no"))
    monkeypatch.setenv("DOVETAIL_DEBUG", "1")
    assert "Traceback" in dovetail("boom").err
    monkeypatch.setenv("DOVETAIL_DEBUG", "0")
    assert "Traceback" not in dovetail("boom").err


@pytest.mark.parametrize(
    ("error", "code"),
    [(KeyboardInterrupt(), 130), (click.Abort(), 130), (SystemExit(3), 3), (SystemExit(None), 0),
     (SystemExit("bye"), 1), (click.exceptions.Exit(4), 4), (BrokenPipeError(), 141)],
)  # fmt: skip
def test_every_end_has_its_exit_code(
    dovetail: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    raising(monkeypatch, error)
    assert dovetail("boom").code == code


def test_a_reader_that_goes_away_is_no_error(indexed: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "dovetail", "completion", "bash"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout is not None
    child.stdout.close()
    assert (child.wait(), child.communicate()[1]) == (141, b"")


def test_ctrl_c_is_quiet(home: Path) -> None:
    code = (
        "import os, signal, dovetail.__main__ as m; import dovetail.cli.main as c\n"
        "c._invoke = lambda _: os.kill(os.getpid(), signal.SIGINT)\nraise SystemExit(m.main())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (128 + signal.SIGINT, "error: interrupted\n")


def test_a_type_of_a_third_party_has_its_group_and_option(dovetail: Callable[..., Any], site: Any) -> None:
    site.wheel("acme", TYPE, files={"acme_sink.py": SINK})
    assert "kitchen-sink" in dovetail("--help").out
    assert dovetail("kitchen-sink flavors").out.split()[2] == "acme/steel"
    assert dovetail("kitchen-sink register big --flavor steel --depth 3").code == 0
    assert dovetail("kitchen-sink show big --json").json["config"] == {"depth": 3}
    assert dovetail("stack register dev -o local -a local --kitchen-sink big").code == 0
    assert dovetail("stack show dev --json").json["components"]["kitchen_sink"]["flavor"] == "acme/steel"
    site.remove("acme")
    assert "kitchen_sink" in dovetail("stack show dev --json").json["components"]


@pytest.mark.parametrize("name", EVERYTHING)
def test_every_command_that_is_there_has_help(dovetail: Callable[..., Any], name: str) -> None:
    outcome = dovetail(f"{name} --help")
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith(f"Usage: dovetail {name}")


def shell(line: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which `dovetail` is this program."""
    script = f'dovetail() {{ "{sys.executable}" -m dovetail "$@"; }}\n{line}'
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=False, env={**os.environ, **env}
    )


@pytest.mark.usefixtures("indexed")
@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("dovetail version >&-", 0, ""),
        ("dovetail version 2>&-", 0, ""),
        ("dovetail version >/dev/full", 8, "standard output: No space left"),
        ("mkdir d && cd d && rmdir ../d && dovetail stack list", 4, "the current directory is gone"),
        ("DOVETAIL_HOME=/dev/null/x dovetail stack list", 0, ""),
        ("DOVETAIL_HOME=/dev/null/x dovetail stack copy default x", 8, "cannot be written: Not a directory"),
        ("dovetail stack show $'\\xff'", 5, "there is no stack"),
    ],
)
def test_a_hostile_place_is_a_message_and_no_traceback(line: str, code: int, says: str) -> None:
    done = shell(line)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert "unexpected" not in done.stderr


@pytest.mark.usefixtures("indexed")
def test_json_is_valid_where_the_output_is_no_utf_8(tmp_path: Path) -> None:
    folder = tmp_path / "wörk"
    folder.mkdir()
    done = shell("dovetail profile list --json", PYTHONIOENCODING="ascii", DOVETAIL_HOME=str(folder))
    assert json.loads(done.stdout)[0]["place"] == str(folder / "profiles" / "default.yaml")


def test_without_a_command_the_help_is_shown(dovetail: Callable[..., Any]) -> None:
    for line in ("", "stack", "artifact-store"):
        outcome = dovetail(line)
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err.startswith("Usage: dovetail")
