from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail.components.artifact_store import ArtifactStore
from dovetail.errors import MaterializerError
from dovetail.materializers.artifacts import load_artifact
from dovetail.materializers.path import PathMaterializer, _inside
from dovetail.materializers.registry import PATH
from dovetail.records.artifact import ArtifactRecord

Keep = Callable[..., ArtifactRecord]
Read = Callable[..., Any]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a directory with what directories hold."""
    top = tmp_path / "my model"
    (top / "empty" / "deep").mkdir(parents=True)
    (top / "sub").mkdir()
    (top / "sub" / "weights.bin").write_bytes(bytes(range(256)) * 8192)
    (top / "Zoë .txt").write_text("text")
    (top / "sub" / "run.sh").write_text("#!/bin/sh")
    (top / "sub" / "run.sh").chmod(0o755)
    return top


def content(top: Path) -> dict[str, Any]:
    return {
        each.relative_to(top).as_posix(): (each.read_bytes(), os.access(each, os.X_OK))
        if each.is_file()
        else None
        for each in top.rglob("*")
    }


def test_a_file_comes_back_with_name_and_content(keep: Keep, read: Read, tmp_path: Path) -> None:
    (tmp_path / "report.csv").write_bytes(b"a,b\r\n")
    record = keep(tmp_path / "report.csv", Path)
    back = read(record, Path)
    assert back.name == "report.csv"
    assert back.read_bytes() == b"a,b\r\n"
    assert record.summary == {"name": "report.csv", "bytes": 5}


def test_a_directory_comes_back_with_all_below_it(keep: Keep, read: Read, tree: Path) -> None:
    record = keep(tree, Path)
    back = read(record, Path)
    assert back.name == "my model"
    assert content(back) == content(tree)
    assert record.summary == {"name": "my model", "files": 3}


def test_equal_directories_give_equal_bytes(keep: Keep, read: Read, tree: Path) -> None:
    record = keep(tree, Path)
    os.utime(tree / "Zoë .txt", (1, 1))
    assert keep(read(record), Path).digest == record.digest


def test_what_is_loaded_may_be_changed(keep: Keep, read: Read, tree: Path) -> None:
    record = keep(tree, Path)
    (read(record) / "Zoë .txt").write_text("changed")
    assert (read(record) / "Zoë .txt").read_text() == "text"


def test_names_of_users_are_no_paths_of_the_store(keep: Keep, store: ArtifactStore, tree: Path) -> None:
    record = keep(tree, Path)
    assert {path[len(record.stored) :] for path, _ in store.entries(record.stored)} == {
        "/files/000001", "/files/000005", "/files/000006", "/index.json", "/manifest.json",
    }  # fmt: skip


def test_links_below_a_directory_are_refused_and_a_path_that_is_one_is_followed(
    keep: Keep, read: Read, store: ArtifactStore, tree: Path, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(tree)
    assert content(read(keep(tmp_path / "link", Path))) == content(tree)
    before = list(store.entries())
    (tree / "sub" / "outside").symlink_to("/etc")
    with pytest.raises(MaterializerError, match=r"'sub/outside'.*is a link to '/etc'"):
        keep(tree, Path)
    assert list(store.entries()) == before


def test_special_files_missing_paths_and_odd_names_are_refused(keep: Keep, tree: Path) -> None:
    with pytest.raises(MaterializerError, match="does not exist"):
        keep(tree / "nothing", Path)
    os.mkfifo(tree / "pipe")
    with pytest.raises(MaterializerError, match="neither file nor directory"):
        keep(tree, Path)
    (tree / "pipe").unlink()
    Path(os.fsdecode(os.fsencode(tree) + b"/\xff")).write_text("")
    with pytest.raises(MaterializerError, match="no text"):
        keep(tree, Path)


def test_a_directory_that_is_given_takes_the_value(
    keep: Keep, store: ArtifactStore, tree: Path, tmp_path: Path
) -> None:
    record = keep(tree, Path)
    (tmp_path / "attempt").mkdir()
    back = load_artifact(store, record, Path, PathMaterializer(), PATH, tmp_path / "attempt")
    assert back.is_relative_to(tmp_path / "attempt")
    assert content(back) == content(tree)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../b", "", "a\\b", "a\0b", "."])
def test_a_stored_name_that_leads_out_is_refused(name: str) -> None:
    with pytest.raises(MaterializerError, match="leads out"):
        _inside(name)


@pytest.mark.parametrize("entry", [{"path": "../escaped"}, {"path": "/tmp/escaped"}, {"path": ".."}, {}, 3])
def test_an_index_that_somebody_else_wrote_escapes_nowhere(tmp_path: Path, entry: Any) -> None:
    class Files:
        scratch = tmp_path / "scratch"

        def get(self, name: str) -> bytes:
            return json.dumps({"name": "x", "entries": [{"path": "."}, entry]}).encode()

    (tmp_path / "scratch").mkdir()
    with pytest.raises((MaterializerError, KeyError, TypeError)):
        PathMaterializer().load(Path, Files())  # type: ignore[arg-type] # all that it uses
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["scratch", "x"]
