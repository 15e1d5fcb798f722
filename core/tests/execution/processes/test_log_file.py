"""A log exists from its first byte on, has a limit, and never raises for a disk that refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from dovetail.execution.processes.log_file import LogFile


def test_there_is_no_file_before_the_first_byte(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path / "a/b.log"), 100)
    log.write(b"")
    log.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("pieces", [[b"x" * 10], [b"x" * 4, b"x" * 6], [b"x"] * 10])
def test_what_fits_is_kept_whole(tmp_path: Path, pieces: list[bytes]) -> None:
    log = LogFile(str(tmp_path / "a.log"), 10)
    for each in pieces:
        log.write(each)
    log.close()
    assert (tmp_path / "a.log").read_bytes() == b"x" * 10
    assert log.size == 10


@pytest.mark.parametrize("pieces", [[b"x" * 11], [b"x" * 10, b"x"], [b"x"] * 99])
def test_the_limit_is_told_once(tmp_path: Path, pieces: list[bytes]) -> None:
    log = LogFile(str(tmp_path / "a.log"), 10)
    for each in pieces:
        log.write(each)
    log.close()
    text = (tmp_path / "a.log").read_bytes()
    assert text == b"xxxxxxxxxx\n[more than 10 bytes: the rest of the output is left out]\n"
    assert log.size == len(text)


def test_a_full_disk_is_kept_as_a_problem(tmp_path: Path) -> None:
    log = LogFile("/dev/full", 10)
    log.write(b"x")
    log.write(b"y")
    log.close()
    assert log.problem == "/dev/full: No space left on device"
