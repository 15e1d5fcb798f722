from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dovetail.discovery import index as kept_index
from dovetail.discovery import keeping
from dovetail.discovery.index import load_index
from dovetail.errors import StoreError

COUNTS = """
import pathlib
pathlib.Path({log!r}).open("a").write("asked ")
"""
LISTS = """
from dovetail.discovery.index import load_index
print([each.name for each in load_index().integrations])
"""


@pytest.fixture
def log(site: Any, tmp_path: Path) -> Path:
    """Return a file that tells how often the one wheel was asked."""
    file = tmp_path / "log"
    site.wheel("dovetail-shelf", COUNTS.replace("{log!r}", repr(str(file))))
    return file


def again() -> list[str]:
    """Load the index as a new process would."""
    kept_index._last[:] = [None, None]
    return [each.name for each in load_index().integrations if each.wheel == "dovetail-shelf"]


def kept_file(home: Path) -> Path:
    (found,) = (home / "cache").glob("index-*.json")
    return found


def test_what_is_kept_is_not_asked_for_again(log: Path) -> None:
    assert [again(), again()] == [["shelf"], ["shelf"]]
    assert log.read_text() == "asked "


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\x00",
        b'{"format": 1}\n{}',
        b'{"format": 99, "crc32": "00000000"}\n{}',
    ],
)
def test_a_damaged_file_is_made_anew(log: Path, home: Path, content: bytes) -> None:
    again()
    kept_file(home).write_bytes(content)
    assert again() == ["shelf"]
    assert log.read_text() == "asked asked "
    assert [again(), log.read_text()] == [["shelf"], "asked asked "]


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6, 0.99])
def test_a_flipped_bit_is_noticed(log: Path, home: Path, share: float) -> None:
    again()
    damaged = bytearray(kept_file(home).read_bytes())
    damaged[int(share * len(damaged))] ^= 1
    kept_file(home).write_bytes(damaged)
    assert again() == ["shelf"]
    assert log.read_text() == "asked asked "


@pytest.mark.parametrize("document", [[], {}, {"fingerprint": 3}, None, "x"])
def test_a_whole_file_of_another_content_is_made_anew(log: Path, home: Path, document: object) -> None:
    again()
    lines = json.loads(kept_file(home).read_bytes().splitlines()[1])["fingerprint"]
    damaged = (
        {"fingerprint": lines, "watched": {}, "integrations": [{"name": 1}]} if document is None else document
    )
    content = json.dumps(damaged).encode()
    kept_file(home).write_bytes(keeping._head(content) + content)
    assert again() == ["shelf"]


@pytest.mark.parametrize("place", ["/dev/null/home", "/proc/home"])
def test_a_home_that_cannot_be_written_costs_only_time(
    log: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], place: str
) -> None:
    monkeypatch.setenv("DOVETAIL_HOME", place)
    assert again() == ["shelf"]
    assert capfd.readouterr() == ("", "")


def test_a_kept_index_is_read_from_a_home_that_cannot_be_written(log: Path, home: Path) -> None:
    again()
    for path in (home / "cache", *home.glob("cache/*")):
        path.chmod(0o500 if path.is_dir() else 0o400)
    assert again() == ["shelf"]
    assert log.read_text() == "asked "


def test_eight_processes_at_once_ask_once(log: Path) -> None:
    children = [subprocess.Popen([sys.executable, "-c", LISTS], stdout=subprocess.PIPE) for _ in range(8)]
    answers = {child.communicate()[0] for child in children}
    assert [child.returncode for child in children] == [0] * 8
    assert len(answers) == 1
    assert log.read_text() == "asked "


def test_nothing_is_left_beside_the_kept_file(log: Path, home: Path) -> None:
    again()
    assert sorted(each.suffix for each in (home / "cache").iterdir()) == [".json", ".lock"]


def test_indexes_that_nobody_uses_any_more_are_forgotten(log: Path, home: Path) -> None:
    old, other = home / "cache" / "index-old.json", home / "cache" / "other"
    old.parent.mkdir()
    for path in (old, other):
        path.touch()
        os.utime(path, (0, 0))
    again()
    assert not old.exists()
    assert other.exists()


def test_what_is_disabled_is_kept_in_the_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keeping.disable(["shelf", "rack", "shelf"])
    assert keeping.disabled() == ["rack", "shelf"]
    monkeypatch.setenv("DOVETAIL_DISABLED_INTEGRATIONS", "oven, shelf")
    assert keeping.disabled() == ["oven", "rack", "shelf"]
    assert [each.name for each in home.iterdir()] == ["disabled-integrations"]


def test_what_is_disabled_cannot_be_kept_where_nothing_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOVETAIL_HOME", "/dev/null/home")
    assert keeping.disabled() == []
    with pytest.raises(StoreError, match="/dev/null/home"):
        keeping.disable(["shelf"])
