from __future__ import annotations

import platform
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dovetail as face

Cli = Callable[..., Any]


def complete(dovetail: Cli, monkeypatch: pytest.MonkeyPatch, line: str) -> list[str]:
    """Return what is offered for the last word of `line`."""
    words = line.split(" ")
    monkeypatch.setenv("_DOVETAIL_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    outcome = dovetail("")
    assert (outcome.code, outcome.err) == (0, "")
    return [each.partition(",")[2] for each in outcome.out.split()]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("dovetail run run.py --sta", ["--stack"]),
        ("dovetail sta", ["stack"]),
        ("dovetail stack re", ["register", "rename"]),
        ("dovetail stack show d", ["default"]),
        ("dovetail stack register x -o l", ["local"]),
        ("dovetail stack register x --metadata-store s", ["sqlite"]),
        ("dovetail artifact-store show ", ["local"]),
        ("dovetail artifact-store register x --flavor m", ["memory"]),
        ("dovetail profile set d", ["default"]),
        ("dovetail nonsense x", []),
        ("dovetail stack nonsense x", []),
    ],
)
def test_a_shell_is_offered_what_fits(
    dovetail: Cli, monkeypatch: pytest.MonkeyPatch, line: str, offered: list[str]
) -> None:
    assert complete(dovetail, monkeypatch, line) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_is_one_that_the_shell_understands(dovetail: Cli, shell: str) -> None:
    script = dovetail(f"completion {shell}").out
    assert "_DOVETAIL_COMPLETE" in script
    if (program := shutil.which(shell)) is None:
        pytest.skip(f"no {shell} here")
    subprocess.run([program, "-n", "-c", script], check=True)


def test_the_shell_in_use_is_the_default(dovetail: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    assert dovetail("completion").out == dovetail("completion fish").out
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    assert (dovetail("completion").code, dovetail("completion tcsh").code) == (2, 2)


def test_the_version_is_that_of_the_wheel(dovetail: Cli) -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert face.__version__ == project["project"]["version"]
    assert dovetail("version --json").json == {
        "dovetail": face.__version__, "python": platform.python_version(),
    }  # fmt: skip
    assert face.__version__ in dovetail("--version").out
