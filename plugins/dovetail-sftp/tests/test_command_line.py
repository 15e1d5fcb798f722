from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dovetail_sftp
from dovetail.testing.command_line import CommandLine

_PIPELINE = """
from dovetail import pipeline, step

@step
def numbers() -> list[int]:
    return list(range(1000))

@step
def total(values: list[int]) -> int:
    return sum(values)

@pipeline
def adding():
    total(numbers())

if __name__ == "__main__":
    adding().run()
"""


def test_announcing_and_registering_import_neither_asyncssh_nor_fsspec() -> None:
    heavy = {"asyncssh", "sshfs", "fsspec", "cryptography"}
    for module in ("dovetail_sftp", "dovetail_sftp.settings"):
        program = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"
        child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert child.stdout.strip() == "[]"


def test_the_store_is_announced() -> None:
    (flavor,) = dovetail_sftp.dovetail_artifact_stores()
    assert (flavor.name, flavor.contract) == ("sftp", 1)


@pytest.mark.real
def test_a_pipeline_runs_is_cached_and_verified_from_the_command_line(
    server: Any, settings: Callable[..., Any], folder: Path, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    dovetail = CommandLine(project, tmp_path / "home")
    dovetail.write("adding.py", _PIPELINE)
    config = settings(folder)
    said = ("--url", config.url, "--private-key", str(config.private_key), "--host-key", server.fingerprint)
    for command in (
        ("init",),
        ("artifact-store", "register", "there", "--flavor", "sftp", *said),
        ("stack", "register", "far", "-o", "local", "-a", "there", "-m", "sqlite"),
        ("stack", "set", "far"),
    ):
        answer = dovetail(*command)
        assert answer.code == 0, answer.err
    first = dovetail("run", "adding.py")
    assert first.code == 0, first.err
    assert any(each.is_file() for each in folder.rglob("*"))
    second = dovetail("run", "adding.py")
    assert second.code == 0, second.err
    shown = dovetail("run", "show", "last", "--json").json()
    assert {each["status"] for each in shown["steps"]} == {"cached"}
    verified = dovetail("artifact", "verify", "--all")
    assert verified.code == 0, verified.err
