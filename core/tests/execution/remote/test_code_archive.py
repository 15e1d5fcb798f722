"""What belongs to a project's code, and the archive of it."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from dovetail.builtin.memory_artifact_store import MemoryArtifactStore, MemoryArtifactStoreConfig
from dovetail.errors import ArtifactError, ConflictError, PlanError, StoreError
from dovetail.execution.remote.code_archive import (
    check_size,
    store_archive,
    tree_digest,
    unpack_archive,
    write_archive,
)
from dovetail.execution.remote.code_files import IGNORE, code_files
from dovetail.records.report import code_path

TREE = {
    "run.py": "import steps\n",
    "steps/__init__.py": "",
    "steps/fit.py": "x = 1\n",
    "steps/table.csv": "1,2\n",
    "steps/.gitignore": "*.tmp\n!keep.tmp\n",
    "steps/a.tmp": "",
    "steps/keep.tmp": "",
    "big/data.bin": "0" * 1000,
    "made/out.txt": "",
    ".gitignore": "made/\n",
    ".dovetailignore": "# not needed there\nbig/\n",
    ".dovetail/store/x": "",
    "steps/__pycache__/fit.cpython-311.pyc": "",
    "own/pyvenv.cfg": "",
    "own/lib/module.py": "",
}
TRAVELS = [
    ".dovetailignore", ".gitignore", "run.py", "steps/.gitignore", "steps/__init__.py", "steps/fit.py",
    "steps/keep.tmp", "steps/table.csv",
]  # fmt: skip


def lay(root: Path) -> Path:
    for name, text in TREE.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def store(tmp_path: Path) -> MemoryArtifactStore:
    return MemoryArtifactStore("memory", MemoryArtifactStoreConfig(), home=tmp_path)


def test_without_git_all_travels_that_no_rule_names(tmp_path: Path) -> None:
    assert code_files(lay(tmp_path / "p")) == TRAVELS


def test_with_git_what_git_knows_or_would_add(tmp_path: Path) -> None:
    root = lay(tmp_path / "p")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    subprocess.run(["git", "-C", str(root), "add", "-f", "run.py", "made/out.txt", "big"], check=True)
    added = {"made/out.txt", "own/lib/module.py", "own/pyvenv.cfg"}
    assert code_files(root) == sorted({*TRAVELS, *added})


def test_a_file_that_git_knows_and_nobody_has_any_more_stays_away(tmp_path: Path) -> None:
    root = lay(tmp_path / "p")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    subprocess.run(["git", "-C", str(root), "add", "run.py"], check=True)
    (root / "run.py").unlink()
    assert "run.py" not in code_files(root)


def test_a_project_that_a_git_around_it_ignores_is_one_without_git(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("tries/\n")
    root = tmp_path / "tries" / "p"
    root.mkdir(parents=True)
    assert code_files(lay(root)) == TRAVELS


def test_the_keys_of_this_user_stay_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("run.py", "own/keys/secrets.key", "owner.py", ".dovetail/store/secrets/db"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / IGNORE).write_text("!.dovetail/\n")
    monkeypatch.setenv("DOVETAIL_HOME", str(tmp_path / "own"))
    assert code_files(tmp_path) == [IGNORE, "owner.py", "run.py"]


def test_equal_trees_have_equal_digests_and_archives(tmp_path: Path) -> None:
    one, two = lay(tmp_path / "one"), lay(tmp_path / "two")
    os.utime(two / "run.py", (1, 1))
    archives = []
    for root in (one, two):
        stream = io.BytesIO()
        write_archive(root, reversed(TRAVELS), stream, tree_digest(root, TRAVELS))
        archives.append(stream.getvalue())
    assert archives[0] == archives[1]
    assert tree_digest(one, TRAVELS) == tree_digest(two, reversed(TRAVELS))


@pytest.mark.parametrize("change", ["content", "name", "mode"])
def test_another_tree_has_another_digest(tmp_path: Path, change: str) -> None:
    root = lay(tmp_path / "p")
    before = tree_digest(root, TRAVELS)
    names = list(TRAVELS)
    if change == "content":
        (root / "run.py").write_text("import step\n")
    elif change == "name":
        (root / "run.py").rename(root / "rum.py")
        names[names.index("run.py")] = "rum.py"
    else:
        (root / "run.py").chmod(0o755)
    assert tree_digest(root, names) != before


def test_it_is_stored_once_and_unpacked_as_it_was(tmp_path: Path, store: MemoryArtifactStore) -> None:
    root = lay(tmp_path / "p")
    (root / "run.py").chmod(0o755)
    digest, new = store_archive(root, TRAVELS, store)
    assert (new, store_archive(root, TRAVELS, store)) == (True, (digest, False))
    assert [path for path, _ in store.entries("code")] == [code_path(digest)]
    there = tmp_path / "there"
    there.mkdir()
    unpack_archive(store, digest, there)
    assert (there / "steps/fit.py").read_text() == "x = 1\n"
    assert os.access(there / "run.py", os.X_OK)
    assert not os.access(there / "steps/fit.py", os.X_OK)


def test_too_much_is_refused_with_the_biggest_files(tmp_path: Path) -> None:
    root = lay(tmp_path / "p")
    (root / "steps/table.csv").write_text("0" * 5000)
    assert check_size(root, TRAVELS, 10_000) > 5000
    with pytest.raises(PlanError, match=r"'steps/table.csv' \(5.0 kB\), ") as refused:
        check_size(root, TRAVELS, 1000)
    assert ".dovetailignore" in (refused.value.hint or "")


@pytest.mark.parametrize("harm", ["cut", "other", "outside"])
def test_a_damaged_archive_is_refused(tmp_path: Path, store: MemoryArtifactStore, harm: str) -> None:
    root = lay(tmp_path / "p")
    digest, _ = store_archive(root, TRAVELS, store)
    data = store.get(code_path(digest))
    store.delete(code_path(digest))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("../out.py" if harm == "outside" else "run.py", "import steps\n")
    store.put(code_path(digest), data[:-40] if harm == "cut" else stream.getvalue())
    there = tmp_path / "there"
    there.mkdir()
    with pytest.raises(ArtifactError, match="damaged"):
        unpack_archive(store, digest, there)
    assert not (tmp_path / "out.py").exists()


def test_an_archive_that_came_with_the_machine_is_taken_from_there(
    tmp_path: Path, store: MemoryArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = code_files(lay(tmp_path / "tree"))
    digest = tree_digest(tmp_path / "tree", files)
    archive = tmp_path / "image" / code_path(digest)
    archive.parent.mkdir(parents=True)
    with archive.open("wb") as stream:
        write_archive(tmp_path / "tree", files, stream, digest)
    monkeypatch.setenv("DOVETAIL_CODE", str(tmp_path / "image"))
    unpack_archive(store, digest, tmp_path / "into")
    assert tree_digest(tmp_path / "into", files) == digest
    archive.write_bytes(b"torn")
    with pytest.raises(ArtifactError, match="is damaged"):
        unpack_archive(store, digest, tmp_path / "again")


def test_hidden_folders_travel_without_git(tmp_path: Path) -> None:
    for name in (".settings/a.yaml", ".settings/.deep/b.yaml", ".settings/.gitignore"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("c.yaml\n")
    (tmp_path / ".settings/c.yaml").write_text("")
    assert code_files(tmp_path) == [".settings/.deep/b.yaml", ".settings/.gitignore", ".settings/a.yaml"]


def test_submodules_travel(tmp_path: Path) -> None:
    other, root = tmp_path / "other", tmp_path / "p"
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-c", "protocol.file.allow=always"]
    for place in (other, root):
        subprocess.run([*git, "init", "-q", str(place)], check=True)
    (other / "inner.py").write_text("x = 1\n")
    subprocess.run([*git, "-C", str(other), "add", "."], check=True)
    subprocess.run([*git, "-C", str(other), "commit", "-qm", "made"], check=True)
    subprocess.run([*git, "-C", str(root), "submodule", "--quiet", "add", str(other), "shared"], check=True)
    (root / "new.py").write_text("")
    assert code_files(root) == [".gitmodules", "new.py", "shared/inner.py"]


def test_a_link_travels_as_the_file_it_leads_to_if_that_is_one_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("canary")
    root = tmp_path / "p"
    root.mkdir()
    (root / "a.py").write_text("x = 1\n")
    (root / "b.py").symlink_to("a.py")
    (root / "credentials").symlink_to(tmp_path / "secret")
    assert code_files(root) == ["a.py", "b.py"]


def test_a_file_that_is_saved_while_it_is_packed_is_packed_as_it_is_named(
    tmp_path: Path, store: MemoryArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = lay(tmp_path / "p")
    saves = iter(["import other\n", "import third\n"])

    def digest(*arguments: Any) -> str:
        found = tree_digest(*arguments)
        (root / "run.py").write_text(next(saves, "import third\n"))
        return found

    monkeypatch.setattr("dovetail.execution.remote.code_archive.tree_digest", digest)
    stored, new = store_archive(root, TRAVELS, store)
    assert new
    monkeypatch.undo()
    unpack_archive(store, stored, tmp_path / "there")
    assert (tmp_path / "there/run.py").read_text() == "import third\n"
    assert len(list(store.entries())) == 1


def test_files_that_never_stay_as_they_are_are_refused(tmp_path: Path) -> None:
    root = lay(tmp_path / "p")
    with pytest.raises(ConflictError, match="changes while it is packed"):
        write_archive(root, TRAVELS, io.BytesIO(), "another digest")


def test_a_full_place_is_no_damage(
    tmp_path: Path, store: MemoryArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.py").write_text("1")
    digest, _ = store_archive(tmp_path, ["a.py"], store)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "extract", full)
    with pytest.raises(StoreError, match="the code archive cannot be written to") as raised:
        unpack_archive(store, digest, tmp_path / "there")
    assert "TMPDIR" in str(raised.value.hint)
    assert not isinstance(raised.value, ArtifactError)
