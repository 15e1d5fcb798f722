"""Scratch directories go with their run; those of killed runs go when the next one begins."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from dovetail.errors import StoreError
from dovetail.execution.scratch import Scratch, write_scratch

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


def test_no_place_for_one_is_told(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(place / "nowhere"))
    with pytest.raises(StoreError, match="a scratch directory cannot be made: No such file") as caught:
        Scratch()
    assert "TMPDIR" in (caught.value.hint or "")


def test_nothing_is_left_of_a_file_that_does_not_fit(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, _: bytes) -> int:
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(StoreError, match=r"cannot write 2 bytes to '.*job.json': No space left"):
        write_scratch(place / "job.json", b"{}")
    assert list(place.iterdir()) == []
