from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dovetail.errors import ConfigurationError, ConflictError, StoreError
from dovetail.stacks import document
from dovetail.stacks.document import change, lock, read_document, remove_document, write_document


def add_one(found: dict[str, Any] | None) -> dict[str, Any]:
    return {"count": (found or {}).get("count", 0) + 1}


def test_what_was_written_is_read_and_a_heading_is_a_comment(tmp_path: Path) -> None:
    write_document(tmp_path / "a.yaml", {"b": [1, None]}, "Made by hand.")
    assert (tmp_path / "a.yaml").read_text() == "# Made by hand.\nb:\n- 1\n- null\n"
    assert read_document(tmp_path / "a.yaml") == {"b": [1, None]}


def test_there_is_no_document_where_there_is_no_file(tmp_path: Path) -> None:
    assert read_document(tmp_path / "deep" / "a.yaml") is None


@pytest.mark.parametrize("text", ["- 1\n", "", "a: [\n", "\x00"])
def test_what_is_no_mapping_is_refused_and_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(ConfigurationError) as raised:
        read_document(tmp_path / "a.yaml")
    assert str(raised.value.where).startswith(str(tmp_path / "a.yaml"))


def test_bytes_that_are_no_text_are_refused_and_named(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"a: \xff")
    with pytest.raises(ConfigurationError, match=r"a\.yaml"):
        read_document(tmp_path / "a.yaml")


def test_an_edit_by_hand_counts_whatever_was_read_before(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    for text, value in (("a: 1\n", 1), ("a: 2\n", 2), ("a: 1\n", 1)):
        file.write_text(text)
        os.utime(file, (0, 0))
        assert [read_document(file), read_document(file)] == [{"a": value}] * 2


@pytest.mark.parametrize(
    "twin", ["", "[]", "{", '{"text": "a: 1\\n", "document": []}', '{"text": "a: 1\\n"}']
)
def test_a_broken_twin_is_no_hindrance(tmp_path: Path, twin: str) -> None:
    (tmp_path / "a.yaml").write_text("a: 1\n")
    (tmp_path / ".a.yaml.json").write_text(twin)
    assert read_document(tmp_path / "a.yaml") == {"a": 1}


def test_keys_that_json_lacks_come_back_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("1: x\nb: .nan\n")
    assert [list(read_document(tmp_path / "a.yaml") or {}) for _ in range(2)] == [[1, "b"]] * 2


def test_a_change_that_raises_leaves_the_file_and_nothing_else(tmp_path: Path) -> None:
    write_document(tmp_path / "a.yaml", {"a": 1})

    def refuse(_: dict[str, Any] | None) -> dict[str, Any]:
        raise ConflictError("no")

    with pytest.raises(ConflictError):
        change(tmp_path / "a.yaml", refuse)
    assert read_document(tmp_path / "a.yaml") == {"a": 1}
    assert {each.name for each in tmp_path.iterdir()} <= {"a.yaml", ".a.yaml.json", ".a.yaml.lock"}


@pytest.mark.parametrize("posix", [True, False])
def test_no_change_is_lost_when_many_change_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, posix: bool
) -> None:
    monkeypatch.setattr(document, "POSIX", posix and document.POSIX)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: change(tmp_path / "a.yaml", add_one), range(40)))
    assert read_document(tmp_path / "a.yaml") == {"count": 40}


@pytest.mark.parametrize("posix", [True, False])
def test_a_lock_that_is_held_too_long_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, posix: bool
) -> None:
    monkeypatch.setattr(document, "POSIX", posix and document.POSIX)
    monkeypatch.setattr(document, "PATIENCE", 0.05)
    with lock(tmp_path / "a.yaml"), pytest.raises(ConflictError, match="locked"), lock(tmp_path / "a.yaml"):
        pass
    with lock(tmp_path / "a.yaml"):
        pass


def test_a_portable_lock_left_by_a_killed_process_is_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document, "POSIX", False)
    left = tmp_path / ".a.yaml.lock"
    left.touch()
    os.utime(left, (time.time() - document.STALE - 1,) * 2)
    change(tmp_path / "a.yaml", add_one)
    assert not left.exists()


@pytest.mark.parametrize(
    "act",
    [
        lambda path: write_document(path, {}),
        lambda path: change(path, add_one),
    ],
)
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, act: Callable[[Path], None]) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be written"):
        act(tmp_path / "file" / "a.yaml")


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_document(tmp_path / "a.yaml", {"a": 1})

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left"):
        write_document(tmp_path / "a.yaml", {"a": 2})
    assert [each.name for each in tmp_path.iterdir()] == ["a.yaml"]
    assert (tmp_path / "a.yaml").read_text() == "a: 1\n"


def test_a_removed_document_leaves_no_twin(tmp_path: Path) -> None:
    write_document(tmp_path / "a.yaml", {"a": 1})
    read_document(tmp_path / "a.yaml")
    remove_document(tmp_path / "a.yaml")
    assert list(tmp_path.iterdir()) == []
