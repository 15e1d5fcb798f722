from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dovetail.builtin import draft
from dovetail.builtin.local_artifact_store import LocalArtifactStore, LocalArtifactStoreConfig
from dovetail.components.artifact_store import ArtifactStore
from dovetail.components.component import Reach
from dovetail.errors import ArtifactError, StoreError
from dovetail.testing.artifact_store import ArtifactStoreContract

CHILD = """
import sys
from pathlib import Path
from dovetail.builtin import draft
from dovetail.builtin.local_artifact_store import LocalArtifactStore, LocalArtifactStoreConfig

if "named" in sys.argv:
    draft._UNNAMED = 0
store = LocalArtifactStore("local", LocalArtifactStoreConfig(path=sys.argv[1]), home=Path("unused"))
"""


def made(folder: Path, **config: object) -> LocalArtifactStore:
    return LocalArtifactStore("local", LocalArtifactStoreConfig(path=str(folder), **config), home=folder)


def everything_below(folder: Path) -> list[str]:
    return sorted(each.relative_to(folder).as_posix() for each in folder.rglob("*") if not each.is_dir())


def run_child(code: str, folder: Path, *arguments: str, failpoint: str = "") -> int:
    command = [sys.executable, "-c", CHILD + code, str(folder), *arguments]
    return subprocess.run(
        command, env={**os.environ, "DOVETAIL_FAILPOINT": failpoint}, check=False
    ).returncode


class TestLocalArtifactStore(ArtifactStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> ArtifactStore:
        return made(tmp_path / "store")

    @pytest.fixture
    def broken(self, tmp_path: Path) -> ArtifactStore:
        (tmp_path / "taken").write_text("a file where the store should be")
        return made(tmp_path / "taken")

    def everything(self, store: ArtifactStore) -> list[str]:
        assert isinstance(store, LocalArtifactStore)
        return everything_below(Path(store.root))


class TestDurableSteps(TestLocalArtifactStore):
    @pytest.fixture
    def store(self, tmp_path: Path) -> ArtifactStore:
        return made(tmp_path / "store", durability="step")


class TestWithoutUnnamedFiles(TestLocalArtifactStore):
    """What older file systems and other systems than Linux get."""

    @pytest.fixture(autouse=True)
    def named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(draft, "_UNNAMED", 0)


class TestWithoutLinks(TestWithoutUnnamedFiles):
    """What file systems get that have no hard links, such as FAT."""

    @pytest.fixture(autouse=True)
    def linkless(self, named: None, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)


KILLED = [
    ("store.put('a/b', b'1')", "write:kill"),
    ("store.put('a/b', b'1')", "rename:kill"),
    ("with store.create('a/b') as stream: stream.write(b'1' * 99999)", "rename:kill"),
    ("m = store.create('a/b'); m.__enter__().write(b'1' * 99999); import os; os.kill(os.getpid(), 9)", ""),
]


@pytest.mark.parametrize("kind", ["unnamed", "named"])
@pytest.mark.parametrize(("code", "failpoint"), KILLED)
def test_a_writer_that_is_killed_leaves_nothing_that_is_seen(
    tmp_path: Path, kind: str, code: str, failpoint: str
) -> None:
    assert run_child(code, tmp_path, kind, failpoint=failpoint) == -9
    store = made(tmp_path)
    assert list(store.entries()) == []
    store.sweep()
    assert everything_below(tmp_path) == []
    store.put("a/b", b"2")
    assert store.get("a/b") == b"2"


def test_a_killed_staging_directory_is_swept_and_a_live_one_is_not(tmp_path: Path) -> None:
    code = "m = store.staging(); d = m.__enter__(); (d / 'x').write_text('x'); import os; os._exit(9)"
    assert run_child(code, tmp_path) == 9
    store = made(tmp_path)
    assert len(everything_below(tmp_path)) == 1
    with store.staging() as live:
        (live / "y").write_text("y")
        assert store.sweep() == 1
        assert (live / "y").exists()
    assert everything_below(tmp_path) == []


def test_a_delete_that_is_killed_leaves_no_half_of_an_artifact(tmp_path: Path) -> None:
    store = made(tmp_path)
    store.put("a/1/x", b"")
    store.put("a/1/y", b"")
    code = "import os, shutil\nshutil.rmtree = lambda *_, **__: os._exit(9)\nstore.delete('a/1')"
    assert run_child(code, tmp_path) == 9
    assert list(store.entries()) == []
    assert store.sweep() == 1
    assert everything_below(tmp_path) == []


@pytest.mark.parametrize("point", ["write", "rename"])
def test_an_error_of_the_system_names_path_and_remedy(tmp_path: Path, point: str) -> None:
    code = "from dovetail.errors import StoreError\ntry: store.put('a/b', b'1')\nexcept StoreError as e: "
    code += "assert 'a/b' in e.message and e.hint\nelse: raise SystemExit(5)"
    assert run_child(code, tmp_path, failpoint=f"{point}:raise") == 0
    assert everything_below(tmp_path) == []


@pytest.mark.parametrize(
    "code",
    ["store.put('a/b', b'1' * 99999)", "with store.create('a/b') as stream: stream.write(b'1' * 99999)"],
)
def test_where_no_more_bytes_fit_the_error_says_so_and_nothing_is_left(tmp_path: Path, code: str) -> None:
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\ntry:\n  "
    told = "\nexcept Exception as e: raise SystemExit(str(e)) from None"
    ended = subprocess.run(
        [sys.executable, "-c", CHILD + limited + code + told, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "file too large" in ended.stderr
    assert "'a/b'" in ended.stderr
    assert "ulimit -f" in ended.stderr
    assert everything_below(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "message"),
    [(errno.ENOSPC, "no space left"), (errno.EDQUOT, "the quota is used up"), (errno.EROFS, "read-only"),
     (errno.EACCES, "no permission"), (errno.EIO, "Input/output error")],
)  # fmt: skip
def test_each_refusal_of_a_system_has_a_meaning_and_a_remedy(
    tmp_path: Path, number: int, message: str
) -> None:
    error = made(tmp_path).refused("a/b", OSError(number, os.strerror(number)), place=str(tmp_path))
    assert message in error.message
    assert str(tmp_path) in error.message
    assert error.hint


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="no permission"):
        made(tmp_path / "store").put("a/b", b"")


def test_links_and_pipes_in_the_place_of_files_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "secret").write_text("x")
    (tmp_path / "a" / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "a" / "pipe")
    store = made(tmp_path)
    for path in ("a/link", "a/pipe"):
        assert store.size(path) is None
        with pytest.raises(ArtifactError, match="no file"):
            store.open(path)
    assert list(store.entries("a")) == []


def test_a_deleted_directory_takes_no_target_of_a_link_along(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "x").write_text("x")
    store = made(tmp_path / "store")
    store.put("a/b", b"")
    (tmp_path / "store" / "a" / "link").symlink_to(tmp_path / "kept")
    store.delete("a")
    assert (tmp_path / "kept" / "x").exists()
    assert list(store.entries()) == []


def test_a_home_that_is_shared_shows_only_what_the_store_wrote(tmp_path: Path) -> None:
    (tmp_path / "metadata.db").write_text("not ours")
    store = LocalArtifactStore("local", LocalArtifactStoreConfig(), home=tmp_path)
    store.put("artifacts/a", b"1")
    assert list(store.entries()) == [("artifacts/a", 1)]
    assert (tmp_path / "artifacts" / "a").read_bytes() == b"1"
    assert store.reach is Reach.HOST


def test_a_relative_path_is_one_of_the_folder_it_was_configured_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = LocalArtifactStoreConfig(path="here")
    monkeypatch.chdir("/")
    assert config.path == str(tmp_path / "here")


def test_a_log_grows_in_sight_of_readers(tmp_path: Path) -> None:
    store = made(tmp_path)
    directory = store.log_directory("runs/r/logs")
    assert directory is not None
    (directory / "attempt.log").write_text("so far")
    assert store.get("runs/r/logs/attempt.log") == b"so far"


def test_a_flush_reaches_every_file_and_every_directory_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = made(tmp_path)
    for path in ("a/1/x", "a/1/y", "a/2/z"):
        store.put(path, b"1")
    synced = set[str]()
    monkeypatch.setattr(os, "fsync", lambda fd: synced.add(str(Path(f"/proc/self/fd/{fd}").readlink())))
    store.flush(["a/1", "a/2/z"])
    assert synced == {str(tmp_path / each) for each in ("", "a", "a/1", "a/2", "a/1/x", "a/1/y", "a/2/z")}


def test_a_flush_passes_over_what_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = made(tmp_path)
    store.put("a/b", b"1")
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    store.flush(["a/none", "none", "a/b"])
    assert len(synced) == len(["a/b", "a", "the root"])


def test_durable_steps_are_flushed_before_they_are_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = made(tmp_path, durability="step")
    seen = []
    monkeypatch.setattr(os, "fsync", lambda fd: seen.append((os.fstat(fd).st_size, store.size("a/b"))))
    store.put("a/b", b"12345")
    assert seen[0] == (5, None)
    assert [size for _, size in seen[1:]] == [5, 5]


def test_files_of_others_at_the_top_of_a_home_are_no_artifacts(tmp_path: Path) -> None:
    at_home = LocalArtifactStore("files", LocalArtifactStoreConfig(), home=tmp_path)
    at_home.put("artifacts/a", b"1")
    top = Path(at_home.root)
    (top / "metadata.db").write_bytes(b"of another component")
    assert [path for path, _ in at_home.entries()] == ["artifacts/a"]
    assert sorted(path for path, _ in made(top).entries()) == ["artifacts/a", "metadata.db"]
