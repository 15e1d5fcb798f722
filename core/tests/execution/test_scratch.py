"""A scratch directory that cannot be had is a message, and nothing is left of a file that does not fit."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest

from dovetail.errors import StoreError
from dovetail.execution.scratch import Scratch, write_scratch


def test_it_is_made_where_temporary_files_go_and_removed_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = Scratch()
    write_scratch(made.path / "job.json", b"{}")
    assert made.path.parent == tmp_path
    assert (made.path / "job.json").read_bytes() == b"{}"
    made.close()
    assert list(tmp_path.iterdir()) == []


def test_no_place_for_one_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(StoreError, match="a scratch directory cannot be made: No such file") as caught:
        Scratch()
    assert "TMPDIR" in (caught.value.hint or "")


def test_nothing_is_left_of_what_does_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, data: Any) -> int:
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(StoreError, match=r"cannot write 2 bytes to '.*job.json': No space left"):
        write_scratch(tmp_path / "job.json", b"{}")
    assert list(tmp_path.iterdir()) == []
