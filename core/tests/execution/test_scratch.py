"""Scratch directories go with their run; those of killed runs go when the next one begins."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from dovetail.execution.scratch import Scratch

HOLDER = """
from dovetail.execution.scratch import Scratch
(Scratch().path / "file").touch()
print("held", flush=True)
input()
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_directory_is_removed_with_what_is_in_it(place: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    scratch = Scratch()
    (scratch.path / "file").touch()
    scratch.close()
    scratch.close()
    assert list(place.iterdir()) == []
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_what_a_killed_run_left_goes_when_the_next_begins_and_what_a_live_one_has_stays(place: Path) -> None:
    other = place / "dovetail-other"
    other.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        env={**os.environ, "TMPDIR": str(place)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        Scratch().close()
        (held,) = place.glob("dovetail-scratch-*")
        assert (held / "file").exists()
        process.kill()
    Scratch().close()
    assert list(place.iterdir()) == [other]


def test_a_link_in_the_place_of_a_directory_is_not_followed(place: Path) -> None:
    target = place / "target"
    target.mkdir()
    (target / "file").touch()
    (place / "dovetail-scratch-link").symlink_to(target)
    Scratch().close()
    assert (target / "file").exists()
