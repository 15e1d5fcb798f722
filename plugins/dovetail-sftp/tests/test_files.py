from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import asyncssh
import pytest

from dovetail.plugin import ArtifactError, StoreError
from dovetail_sftp.artifact_store import SftpArtifactStore

pytestmark = pytest.mark.real

Make = Callable[..., SftpArtifactStore]


def test_a_full_disk_there_is_named_and_nothing_is_left(make: Make, disk: Path) -> None:
    store = make(disk / "artifacts")
    store.put("a/small", b"1")
    with pytest.raises(StoreError, match="no space left") as caught:
        store.put("a/large", bytes(5 << 20))
    assert "a/large" in caught.value.message
    assert "free space there" in (caught.value.hint or "")
    assert [each.name for each in disk.rglob("*") if each.is_file()] == ["small"]
    store.put("a/later", bytes(1 << 20))


def test_a_read_only_disk_there_is_named(make: Make, disk: Path) -> None:
    store = make(disk / "artifacts")
    store.put("a/b", b"1")
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    subprocess.run([*prefix, "mount", "-o", "remount,ro", str(disk)], check=True)
    for path in ("a/c", "new/c"):
        with pytest.raises(StoreError, match="read-only"):
            store.put(path, b"1")
    assert store.get("a/b") == b"1"


def test_links_and_pipes_in_the_place_of_files_are_no_files(store: SftpArtifactStore, folder: Path) -> None:
    store.put("a/b", b"1")
    (folder / "a/link").symlink_to(folder / "a/b")
    (folder / "a/away").symlink_to("/etc/hostname")
    os.mkfifo(folder / "a/pipe")
    for name in ("a/link", "a/away", "a/pipe"):
        assert store.state(name) is None
        for read in (store.open, store.get):
            with pytest.raises(ArtifactError, match=name):
                read(name)
        with pytest.raises(ArtifactError, match="exists already"):
            store.put(name, b"2")
    assert list(store.entries()) == [("a/b", 1)]
    store.delete("a/link")
    assert store.get("a/b") == b"1"


def test_a_deleted_folder_takes_no_link_s_target_with_it(
    store: SftpArtifactStore, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").write_text("1")
    store.put("a/b/c", b"1")
    (folder / "a/b/link").symlink_to(tmp_path / "kept")
    store.delete("a")
    assert list(folder.iterdir()) == []
    assert (tmp_path / "kept/file").read_text() == "1"


def test_a_server_without_hard_links_replaces_nothing_either(
    store: SftpArtifactStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise asyncssh.SFTPOpUnsupported("no links here")

    monkeypatch.setattr("asyncssh.SFTPClient.link", refuse)
    store.put("a/b", b"1")
    with pytest.raises(ArtifactError, match="exists already"):
        store.put("a/b", b"2")
    assert store.get("a/b") == b"1"
    assert [each.name for each in folder.rglob("*")] == ["a", "b"]


def test_a_large_file_is_read_from_any_place(store: SftpArtifactStore) -> None:
    content = os.urandom(20_000_003)
    store.put("a/b", content)
    with store.open("a/b") as stream:
        for place in (19_000_000, 5, 12_345_678, 0):
            stream.seek(place)
            assert stream.read(100_000) == content[place : place + 100_000]
        stream.seek(0)
        pieces = iter(lambda: stream.read(1 << 20), b"")
        assert b"".join(pieces) == content


def test_the_time_of_change_is_the_server_s(store: SftpArtifactStore, folder: Path) -> None:
    store.put("a/b", b"1")
    os.utime(folder / "a/b", (1, 1_700_000_000))
    state = store.state("a/b")
    assert state is not None
    assert state.changed == 1_700_000_000_000_000


@pytest.mark.parametrize("place", ["file", "file/below", "file/far/below"])
def test_a_file_in_the_place_of_a_folder_is_named(make: Make, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("1")
    for path in ("a", "a/b/c"):
        with pytest.raises(StoreError, match=f"'{tmp_path}/file' is a file and no folder") as caught:
            make(tmp_path / place).put(path, b"1")
        assert f"file {path!r}" in caught.value.message
        assert "'url'" in (caught.value.hint or "")
    assert (tmp_path / "file").read_text() == "1"


def test_links_in_the_place_of_a_folder_are_followed(make: Make, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there/taken").write_text("1")
    (tmp_path / "good").symlink_to(tmp_path / "there")
    (tmp_path / "bad").symlink_to(tmp_path / "nowhere")
    make(tmp_path / "good").put("a/b", b"1")
    with pytest.raises(StoreError, match="/good/taken' is a file and no folder"):
        make(tmp_path / "good").put("taken/b", b"1")
    with pytest.raises(StoreError, match="/bad' is a link that leads to no folder"):
        make(tmp_path / "bad").put("a/b", b"1")


@pytest.mark.parametrize("place", ["/proc/nothing", "/proc/no/such/place"])
def test_a_folder_that_the_server_does_not_make_is_one_error(make: Make, place: str) -> None:
    folder = "/".join(place.split("/")[:3])
    with pytest.raises(StoreError, match=f"folder '{folder}' cannot be made in '/proc'") as caught:
        make(Path(place)).put("a/b", b"1")
    assert "file 'a/b'" in caught.value.message
    assert "can write to" in (caught.value.hint or "")


def test_parents_are_looked_at_only_when_something_failed(
    store: SftpArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr("asyncssh.SFTPClient.lstat", lambda _, path: asked.append(path))
    store.put("a/b/c", b"1")
    assert asked == []
