from __future__ import annotations

import ast
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail.cli import quickstart
from dovetail.discovery.integration import Integration, State
from dovetail.errors import ConflictError, IntegrationError, StoreError

Cli = Callable[..., Any]


class Index:
    """An index in which only these integrations stand, in these states."""

    def __init__(self, **states: str) -> None:
        self.integrations = [
            Integration(name, f"dovetail-{name}", "0.1", State(state), cause="it is torn", cure="mend it")
            for name, state in states.items()
        ]


def pretend(monkeypatch: pytest.MonkeyPatch, **states: str) -> None:
    monkeypatch.setattr(quickstart, "load_index", lambda: Index(**states))


def test_all_missing_wheels_are_named_in_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, numpy="ok", sklearn="available")
    with pytest.raises(IntegrationError, match="dovetail-sklearn, dovetail-tensorboard") as caught:
        quickstart.check_wheels()
    assert "dovetail integration install sklearn tensorboard" in str(caught.value.hint)
    assert "pip install dovetail-sklearn dovetail-tensorboard" in str(caught.value.hint)


def test_a_broken_wheel_is_told_with_its_cause_and_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, numpy="ok", sklearn="broken", tensorboard="ok")
    with pytest.raises(IntegrationError, match="'sklearn' is broken: it is torn") as caught:
        quickstart.check_wheels()
    assert (caught.value.hint, caught.value.where) == ("mend it", "dovetail-sklearn")


def test_what_is_installed_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, numpy="ok", sklearn="ok", tensorboard="degraded")
    quickstart.check_wheels()


def test_nothing_is_written_when_a_wheel_is_missing(
    dovetail: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pretend(monkeypatch)
    outcome = dovetail("quickstart here")
    assert (outcome.code, outcome.out) == (7, "")
    assert outcome.err.startswith("error: quickstart needs wheels that are not installed: dovetail-numpy")
    assert not (tmp_path / "here").exists()


def test_a_directory_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(ConflictError, match="is not empty"):
        quickstart.make_project(tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["mine"]


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises((StoreError, ConflictError)):
        quickstart.make_project(tmp_path / "file")


def test_the_project_is_a_workspace_with_modules_that_say_what_they_are(tmp_path: Path) -> None:
    root = quickstart.make_project(tmp_path / "new")
    modules = sorted(root.rglob("*.py"))
    assert {file.relative_to(root).as_posix() for file in modules} >= {
        "run.py",
        "pipelines/digits.py",
        "steps/load.py",
        "steps/train_network.py",
    }
    assert all(ast.get_docstring(ast.parse(file.read_text())) for file in modules)
    assert (root / ".dovetail").is_dir()
    assert (root / "README.md").read_text().startswith("# Handwritten digits")


def git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_project_is_a_clean_git_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    root = quickstart.make_project(tmp_path / "new")
    (root / "run.html").write_text("made by a run")
    assert git(root, "status", "--porcelain") == ""
    assert git(root, "log", "--format=%s").splitlines() == ["Dovetail quickstart"]


def test_inside_another_repository_no_second_one_is_made(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    root = quickstart.make_project(tmp_path / "new")
    assert not (root / ".git").exists()


def test_without_git_there_is_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    root = quickstart.make_project(tmp_path / "new")
    assert not (root / ".git").exists()
    assert (root / "run.py").exists()


def test_the_help_says_what_it_needs(dovetail: Cli) -> None:
    assert "dovetail-tensorboard" in dovetail("quickstart --help").out
