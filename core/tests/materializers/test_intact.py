from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail.components.artifact_store import ArtifactStore, FileState
from dovetail.errors import ArtifactError
from dovetail.materializers.intact import damage, verify_artifact
from dovetail.records.artifact import MANIFEST, ArtifactRecord
from dovetail.records.record import now

Keep = Callable[..., ArtifactRecord]
Read = Callable[..., Any]
SECOND = 1_000_000


@pytest.fixture
def record(keep: Keep, tmp_path: Path) -> ArtifactRecord:
    """An artifact of two files below a directory, published and dated."""
    (tmp_path / "value").mkdir()
    (tmp_path / "value" / "one").write_bytes(b"1" * 100)
    (tmp_path / "value" / "two").write_bytes(b"2" * 100)
    return keep(tmp_path / "value", Path).model_copy(update={"created": now()})


def place(store: ArtifactStore, record: ArtifactRecord, name: str = "files/000001") -> Path:
    path = store.local_path(f"{record.stored}/{name}")
    assert path is not None
    return path


def flip(path: Path) -> None:
    time.sleep(0.02)  # the kernel dates files by its tick
    content = path.read_bytes()
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])


def forbid_reading(store: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be read but manifests."""
    get = type(store).get
    monkeypatch.setattr(type(store), "open", None)
    monkeypatch.setattr(type(store), "get", lambda self, path: get(self, path) if MANIFEST in path else None)


def test_what_nobody_touched_is_not_read(
    store: ArtifactStore, record: ArtifactRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid_reading(store, monkeypatch)
    assert damage(store, record) is None


def test_an_artifact_in_the_place_of_another_is_found(
    store: ArtifactStore, keep: Keep, record: ArtifactRecord, tmp_path: Path
) -> None:
    (tmp_path / "value" / "one").write_bytes(b"3" * 100)
    other = keep(tmp_path / "value", Path)
    here, there = (place(store, each, MANIFEST).parent for each in (record, other))
    here.rename(here.with_name("aside"))
    there.rename(here)
    assert MANIFEST in str(damage(store, record))


@pytest.mark.parametrize("name", ["files/000001", "index.json", MANIFEST])
def test_a_flipped_byte_is_found_by_the_time_of_its_change(
    store: ArtifactStore, record: ArtifactRecord, name: str
) -> None:
    path = place(store, record, name)
    flip(path)
    os.utime(path, (0, 0))  # what a program says of the time is not believed
    assert name in str(damage(store, record))


def test_what_was_touched_and_is_whole_is_no_damage(store: ArtifactStore, record: ArtifactRecord) -> None:
    time.sleep(0.02)
    for path in place(store, record).parent.iterdir():
        path.touch()
    assert damage(store, record) is None


def test_a_store_that_cannot_tell_times_is_read(
    store: ArtifactStore, record: ArtifactRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(store), "state", ArtifactStore.state)
    assert damage(store, record) is None
    flip(place(store, record))
    assert "files/000001" in str(damage(store, record))


def test_a_missing_or_shortened_file_is_seen_without_reading(
    store: ArtifactStore, record: ArtifactRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid_reading(store, monkeypatch)
    path = place(store, record)
    os.truncate(path, 99)
    assert damage(store, record) == "'files/000001' has 99 bytes instead of 100"
    path.unlink()
    assert damage(store, record) == "'files/000001' is missing"


def test_a_clock_that_was_set_back_costs_reading_and_nothing_else(
    store: ArtifactStore, record: ArtifactRecord
) -> None:
    before = record.model_copy(update={"created": record.created - 3600 * SECOND})
    assert damage(store, before) is None
    state = store.state(f"{record.stored}/{MANIFEST}")
    assert isinstance(state, FileState)
    assert state.changed is not None
    assert before.created < state.changed <= record.created


def test_a_directory_of_links_is_not_the_artifact(
    store: ArtifactStore, record: ArtifactRecord, tmp_path: Path
) -> None:
    files = place(store, record).parent
    files.rename(tmp_path / "elsewhere")
    files.symlink_to(tmp_path / "elsewhere")
    assert verify_artifact(store, record) == [f"'files/00000{n}' is reached through a link" for n in (1, 2)]


def test_an_artifact_that_is_a_link_is_not_the_artifact(
    store: ArtifactStore, record: ArtifactRecord, tmp_path: Path
) -> None:
    top = place(store, record).parent.parent
    top.rename(tmp_path / "elsewhere")
    top.symlink_to(tmp_path / "elsewhere")
    assert len(verify_artifact(store, record)) == 4


def test_a_file_that_cannot_be_read_is_a_problem_like_another(
    store: ArtifactStore, record: ArtifactRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str) -> None:
        raise store.refused(path, OSError(5, "Input/output error"), place="there", need="read it")

    monkeypatch.setattr(store, "open", refuse)
    problems = verify_artifact(store, record)
    assert len(problems) == 3
    assert all("Input/output error" in each for each in problems)


@pytest.mark.parametrize("name", ["files/000001", MANIFEST])
def test_a_file_that_has_grown_beyond_all_bounds_is_not_read(
    store: ArtifactStore, record: ArtifactRecord, read: Read, name: str
) -> None:
    os.truncate(place(store, record, name), 1 << 42)
    assert len(verify_artifact(store, record)) == 1
    with pytest.raises(ArtifactError, match="4398046511104 bytes instead of"):
        read(record, Path)
