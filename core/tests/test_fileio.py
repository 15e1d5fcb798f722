from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import fsspec
import pytest

from dovetail import fileio
from dovetail.errors import IntegrationError, UsageError
from dovetail.names import new_id


@pytest.fixture(params=["path", "file", "memory"])
def top(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return an empty directory, as a path and as URLs."""
    (tmp_path / "top").mkdir()
    place = {
        "path": str(tmp_path / "top"),
        "file": f"file://{tmp_path}/top",
        "memory": f"memory://{new_id()}",
    }
    fileio.makedirs(place[request.param])
    return place[request.param]


def write(place: str, text: str = "text") -> None:
    with fileio.open(place, "w") as stream:
        stream.write(text)


def read(place: str) -> str:
    with fileio.open(place) as stream:
        return str(stream.read())


def test_what_is_written_is_read(top: str) -> None:
    write(f"{top}/a.txt", "Zoë\n")
    assert read(f"{top}/a.txt") == "Zoë\n"
    with fileio.open(f"{top}/a.txt", "rb") as stream:
        assert stream.read() == "Zoë\n".encode()
    assert fileio.size(f"{top}/a.txt") == 5
    assert (fileio.exists(f"{top}/a.txt"), fileio.isfile(f"{top}/a.txt"), fileio.isdir(f"{top}/a.txt")) == (
        True,
        True,
        False,
    )


def test_directories_are_made_listed_and_removed(top: str) -> None:
    fileio.makedirs(f"{top}/a/b")
    fileio.makedirs(f"{top}/a/b")
    with pytest.raises(FileExistsError):
        fileio.makedirs(f"{top}/a/b", exist_ok=False)
    fileio.mkdir(f"{top}/c")
    write(f"{top}/a/b/x")
    write(f"{top}/y")
    assert fileio.listdir(top) == ["a", "c", "y"]
    assert fileio.isdir(f"{top}/a/b")
    fileio.rmtree(f"{top}/a")
    assert not fileio.exists(f"{top}/a/b/x")
    assert fileio.listdir(top) == ["c", "y"]


def test_a_tree_is_walked_and_matched(top: str) -> None:
    for name in ("b/2.csv", "a/1.csv", "a/deep/3.csv", "a/4.txt"):
        fileio.makedirs(f"{top}/{name.rpartition('/')[0]}")
        write(f"{top}/{name}")
    walked = {
        place.rstrip("/").rpartition("/")[2]: (folders, files) for place, folders, files in fileio.walk(top)
    }
    assert {
        "a": (["deep"], ["1.csv", "4.txt"]),
        "b": ([], ["2.csv"]),
        "deep": ([], ["3.csv"]),
    }.items() <= walked.items()
    found = fileio.glob(f"{top}/**/*.csv")
    assert [each.rpartition("/")[2] for each in found] == ["1.csv", "3.csv", "2.csv"]
    assert [read(each) for each in found] == ["text"] * 3


def test_a_file_is_copied_moved_and_removed(top: str) -> None:
    write(f"{top}/a", "one")
    fileio.copy(f"{top}/a", f"{top}/b")
    fileio.rename(f"{top}/b", f"{top}/c")
    assert fileio.listdir(top) == ["a", "c"]
    write(f"{top}/b", "two")
    for change in (fileio.copy, fileio.rename):
        with pytest.raises(FileExistsError, match="overwrite=True"):
            change(f"{top}/b", f"{top}/a")
        assert read(f"{top}/a") == "one"
    fileio.rename(f"{top}/b", f"{top}/a", overwrite=True)
    assert read(f"{top}/a") == "two"
    fileio.remove(f"{top}/a")
    assert fileio.listdir(top) == ["c"]


def test_files_travel_between_systems(top: str, tmp_path: Path) -> None:
    elsewhere = f"memory://{new_id()}/x"
    write(f"{top}/a", "content")
    fileio.copy(f"{top}/a", elsewhere)
    fileio.rename(elsewhere, tmp_path / "back")
    assert (tmp_path / "back").read_text() == "content"
    assert not fileio.exists(elsewhere)


def test_a_copy_that_fails_leaves_nothing(top: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        fileio.copy(f"{top}/nothing", tmp_path / "target")
    assert [each.name for each in tmp_path.iterdir()] == ["top"]


@pytest.mark.parametrize("call", [fileio.open, fileio.remove, fileio.rmtree, fileio.listdir, fileio.size])
def test_what_is_not_there_is_the_error_that_python_raises(top: str, call: object) -> None:
    assert callable(call)
    with pytest.raises(FileNotFoundError):
        call(f"{top}/nothing")
    assert not fileio.exists(f"{top}/nothing")


def test_a_directory_is_no_file_and_a_file_no_directory(top: str) -> None:
    fileio.makedirs(f"{top}/folder")
    write(f"{top}/file")
    with pytest.raises(IsADirectoryError):
        fileio.remove(f"{top}/folder")
    for call in (fileio.rmtree, fileio.listdir):
        with pytest.raises(NotADirectoryError):
            call(f"{top}/file")
    assert fileio.listdir(top) == ["file", "folder"]


def test_a_url_without_its_file_system_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(IntegrationError, match="'gopher://'"):
        fileio.exists("gopher://host/x")

    def refuse(*_: object) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", refuse)
    with pytest.raises(IntegrationError, match="Install s3fs") as caught:
        fileio.open("s3://bucket/x")
    assert "integration install s3" in (caught.value.hint or "")


def test_bytes_are_no_place() -> None:
    with pytest.raises(UsageError):
        fileio.exists(b"x")  # type: ignore[arg-type] # what is tested


def test_local_places_do_without_fsspec(tmp_path: Path) -> None:
    code = f"""
import sys
from dovetail import fileio
place = {str(tmp_path)!r} + "/a"
fileio.open(place, "w").close()
fileio.copy("file://" + place, place + "2")
assert fileio.glob({str(tmp_path)!r} + "/*") == [place, place + "2"]
assert "fsspec" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
