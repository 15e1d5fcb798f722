"""Large files are sent while they are being written; whatever their writer does, they are what he wrote."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dovetail.plugin import ArtifactError, StoreError
from dovetail_sftp.artifact_store import SftpArtifactStore

pytestmark = pytest.mark.real

PIECE = 1 << 20
CONTENT = os.urandom(5 * PIECE + 7)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SftpArtifactStore, "piece", PIECE)


def under_way(folder: Path, size: int) -> Path:
    """Return the hidden file there, once it has as many bytes."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for each in folder.rglob(".*.partial"):
            if each.stat().st_size >= size:
                return each
        time.sleep(0.01)
    raise AssertionError("nothing is sent")


def left(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.rglob("*") if each.is_file())


def test_it_is_on_its_way_before_it_is_complete(store: SftpArtifactStore, folder: Path) -> None:
    with store.create("a/b") as stream:
        stream.write(CONTENT)
        under_way(folder, 5 * PIECE)
        assert store.size("a/b") is None
    assert store.get("a/b") == CONTENT
    assert left(folder) == ["b"]


def test_what_is_altered_after_it_was_sent_is_sent_again(store: SftpArtifactStore, folder: Path) -> None:
    with store.create("a/b") as stream:
        stream.write(CONTENT)
        under_way(folder, 5 * PIECE)
        stream.seek(PIECE - 3)
        stream.write(b"altered")
        stream.seek(4 * PIECE)
        stream.truncate()
    assert store.get("a/b") == CONTENT[: PIECE - 3] + b"altered" + CONTENT[PIECE + 4 : 4 * PIECE]


def test_what_is_given_up_leaves_nothing(store: SftpArtifactStore, folder: Path) -> None:
    with pytest.raises(ZeroDivisionError), store.create("a/b") as stream:
        fail_in(stream.write, folder)
    assert left(folder) == []
    store.put("a/b", b"1")


def fail_in(write: Callable[[bytes], object], folder: Path) -> None:
    write(CONTENT)
    under_way(folder, 5 * PIECE)
    raise ZeroDivisionError


def test_a_taken_path_is_refused_at_the_end(store: SftpArtifactStore, folder: Path) -> None:
    store.put("a/b", b"1")
    with pytest.raises(ArtifactError, match="exists already"), store.create("a/b") as stream:
        stream.write(CONTENT)
    assert store.get("a/b") == b"1"
    assert left(folder) == ["b"]


def test_a_disk_that_is_full_meanwhile_is_told_at_the_end(
    make: Callable[..., SftpArtifactStore], disk: Path
) -> None:
    store = make(disk / "artifacts")
    with pytest.raises(StoreError, match="no space left"), store.create("a/b") as stream:
        stream.write(CONTENT * 2)
    assert left(disk) == []


def test_a_server_that_hangs_up_meanwhile_gets_it_whole(
    server: object, store: SftpArtifactStore, folder: Path
) -> None:
    with store.create("a/b") as stream:
        stream.write(CONTENT)
        under_way(folder, 5 * PIECE)
        server.hang_up()  # type: ignore[attr-defined]
        stream.write(CONTENT)
    assert store.get("a/b") == CONTENT + CONTENT
    assert left(folder) == ["b"]
