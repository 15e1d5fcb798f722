"""Artifact stores whose writers are killed and whose files vanish, and whether they are what they declare."""

# ruff: noqa: S101 - assert is what tests do

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from dovetail.components.artifact_store import ArtifactStore
from dovetail.errors import ArtifactError
from dovetail.failpoints import arm
from dovetail.testing.capability import report_undeclared

_WRITERS = 8
_ROUNDS = 6
_LARGE = (1 << 24) + 11

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
warned = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


def killed(work: Callable[[], None], temporary: Path) -> None:
    """Do `work` in a forked process that is killed at its end at the latest."""
    if (child := os.fork()) == 0:
        try:
            tempfile.tempdir = str(temporary)
            work()
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def told_to_have_written(store: ArtifactStore, path: str) -> list[bytes]:
    """Return what those wrote who were told that they had written, of several at one moment."""
    together = Barrier(_WRITERS)

    def write(number: int) -> bytes | None:
        content = bytes([number]) * 3000
        together.wait()
        try:
            store.put(path, content)
        except ArtifactError:
            return None
        return content

    with ThreadPoolExecutor(_WRITERS) as pool:
        return [each for each in pool.map(write, range(_WRITERS)) if each is not None]


class ArtifactStoreExtremes:
    """The behaviours 12 to 14. A part of `ArtifactStoreContract`, which is what is subclassed."""

    def everything(self, store: ArtifactStore) -> list[str]:
        """Return all that lies in the place of the store, also what the store itself would hide."""
        return [path for path, _ in store.entries()]

    @forks
    @warned
    def test_12_a_writer_killed_in_its_block_leaves_nothing_in_sight(
        self, store: ArtifactStore, tmp_path: Path
    ) -> None:
        def write() -> None:
            with store.create("a/b") as stream:
                stream.write(b"x" * 100_000)
                stream.flush()
                os.kill(os.getpid(), signal.SIGKILL)

        store.put("a/other", b"1")
        killed(write, tmp_path)
        assert store.size("a/b") is None
        assert list(store.entries()) == [("a/other", 1)]
        store.put("a/b", b"later")
        assert store.get("a/b") == b"later"

    @forks
    @warned
    def test_12_a_writer_killed_before_its_file_gets_its_name_leaves_nothing_in_sight(
        self, store: ArtifactStore, tmp_path: Path
    ) -> None:
        def write() -> None:
            arm("rename:kill")
            store.put("a/b", b"x" * 100_000)

        store.put("a/other", b"1")
        killed(write, tmp_path)
        assert ("a/other", 1) in list(store.entries())
        assert [size for path, size in store.entries() if path == "a/b"] in ([], [100_000])
        store.delete("a/b")
        store.put("a/b", b"later")
        assert sorted(store.entries()) == [("a/b", len(b"later")), ("a/other", 1)]

    def test_13_a_file_that_is_deleted_while_it_is_read_is_whole_or_an_error(
        self, store: ArtifactStore
    ) -> None:
        content = os.urandom(_LARGE)
        store.put("a/read", content)
        with store.open("a/read") as stream:
            begun = stream.read(10)
            store.delete("a/read")
            try:
                rest = stream.read()
            except ArtifactError as error:
                assert "a/read" in error.message  # noqa: PT017 - either is right
            else:
                assert begun + rest == content

    def test_13_files_that_are_deleted_while_they_are_listed_disturb_nobody(
        self, store: ArtifactStore
    ) -> None:
        for number in range(40):
            store.put(f"a/{number}/x", b"1")
        listing = store.entries("a")
        first = next(listing)[0]
        for number in range(20):
            store.delete(f"a/{number}")
        seen = {first, *(path for path, _ in listing)}
        assert {f"a/{number}/x" for number in range(20, 40)} <= seen
        assert seen <= {f"a/{number}/x" for number in range(40)}

    def test_14_exclusive_create_one_of_several_writers_is_told_that_it_has_written(
        self, store: ArtifactStore
    ) -> None:
        told = [told_to_have_written(store, f"a/raced/{number}") for number in range(_ROUNDS)]
        if store.exclusive_create:
            assert [len(each) for each in told] == [1] * _ROUNDS
            assert [store.get(f"a/raced/{number}") for number in range(_ROUNDS)] == [each[0] for each in told]
        elif all(len(each) == 1 for each in told):
            report_undeclared(store, "exclusive_create")

    def test_14_dates_changes_every_file_has_a_time_of_change(self, store: ArtifactStore) -> None:
        store.put("a/b", b"1")
        state = store.state("a/b")
        assert state is not None
        if store.dates_changes:
            assert state.changed is not None
        elif state.changed is not None:
            report_undeclared(store, "dates_changes")

    def test_14_local_paths_every_file_lies_on_this_machine(self, store: ArtifactStore) -> None:
        store.put("a/b", b"1")
        path = store.local_path("a/b")
        assert path is None or path.read_bytes() == b"1"
        if store.local_paths:
            assert path is not None
        elif path is not None:
            report_undeclared(store, "local_paths")

    def test_14_growing_logs_are_seen_while_they_grow(self, store: ArtifactStore) -> None:
        directory = store.log_directory("a/logs")
        assert (directory is not None) or not store.growing_logs
        if directory is None:
            return
        with (directory / "one.log").open("ab", buffering=0) as log:
            for size in (3, 6):
                log.write(b"abc")
                assert store.size("a/logs/one.log") == size
        if not store.growing_logs:
            report_undeclared(store, "growing_logs")

    @forks
    @warned
    def test_14_sweeps_nothing_of_killed_writers_stays(self, store: ArtifactStore, tmp_path: Path) -> None:
        def write() -> None:
            arm("rename:kill")
            with store.create("a/b") as stream:
                stream.write(b"x" * 100_000)

        killed(write, tmp_path)
        left = [path for path in self.everything(store) if path != "a/b"]
        swept = store.sweep()
        if store.sweeps:
            assert not [path for path in self.everything(store) if path != "a/b"]
        elif left and swept:
            report_undeclared(store, "sweeps")
