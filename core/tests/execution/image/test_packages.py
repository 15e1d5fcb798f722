"""What an installer made is made the same on every machine."""

from __future__ import annotations

import ast
import stat
import sys
from pathlib import Path

import pytest

from dovetail.errors import IntegrationError
from dovetail.execution.image import packages
from dovetail.execution.image.distributions import Locked
from dovetail.execution.image.packages import install, tidy


def test_an_installer_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = (sys.executable, "-c", "import sys; print(sys.argv); print('no such wheel'); sys.exit(3)")
    monkeypatch.setattr(packages, "installer", lambda verb: (*program, verb))
    heard: list[str] = []
    with pytest.raises(
        IntegrationError, match="1 distributions of the image cannot be installed: no such wheel"
    ):
        install([Locked("a", "1", "a==1")], tmp_path / "into", heard.append, tmp_path)
    options = ["-c", "install", "--target", f"{tmp_path}/into", "--no-deps", "--no-compile"]
    assert ast.literal_eval(heard[0]) == [*options, "--find-links", str(tmp_path), "a==1"]


def test_what_an_installer_leaves_of_this_machine_is_removed(tmp_path: Path) -> None:
    files = [
        "bin/x",
        ".lock",
        "a/__init__.py",
        "a/__pycache__/b.pyc",
        "a-1.dist-info/direct_url.json",
        "a/tool",
    ]
    for each in files:
        (tmp_path / each).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / each).write_text("")
    (tmp_path / "a/tool").chmod(0o700)
    record = tmp_path / "a-1.dist-info/RECORD"
    record.write_text("bin/x,,\na/tool,,\na-1.dist-info/direct_url.json,,\na/__init__.py,,\n")
    tidy(tmp_path)
    left = {str(each.relative_to(tmp_path)): each.stat().st_mode for each in tmp_path.rglob("*.*")}
    assert sorted(left) == ["a-1.dist-info", "a/__init__.py"]
    assert record.read_text() == "a/__init__.py,,\na/tool,,\n"
    modes = [stat.S_IMODE((tmp_path / each).stat().st_mode) for each in ("a", "a/tool", "a/__init__.py")]
    assert modes == [0o755, 0o755, 0o644]
