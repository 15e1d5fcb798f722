"""The contract of artifact stores as tests; their numbers are those of docs/contracts/artifact-store.md.

::

    class TestMyStore(ArtifactStoreContract):
        @pytest.fixture
        def store(self, tmp_path):
            return MyArtifactStore("mine", MyConfig(...), home=tmp_path)

        @pytest.fixture
        def broken(self, tmp_path):
            return MyArtifactStore("mine", MyConfig(url="scheme://nobody.listens.here"), home=tmp_path)
"""

# ruff: noqa: S101 - assert is what tests do

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import pytest

from dovetail.components.artifact_store import ArtifactStore
from dovetail.errors import ArtifactError, StoreError
from dovetail.records.record import now
from dovetail.testing.artifact_store_extremes import ArtifactStoreExtremes
from dovetail.testing.not_given import not_given

_TICK = 1.1
"""After how many seconds a store has dated a change later, also one that counts in seconds."""

_HOUR = 3600 * 1_000_000

PATHS_OUTSIDE = (
    "",
    "/etc/passwd",
    "..",
    "../x",
    "a/../../x",
    "a//b",
    "a/",
    "./a",
    "a\\b",
    "a\nb",
    "file:///x",
    ".x",
)


class _MaterializerGaveUpError(Exception):
    """Stands for whatever user code raises while it writes."""


def _write_and_give_up(stream: BinaryIO) -> None:
    stream.write(b"x" * 100_000)
    raise _MaterializerGaveUpError


class ArtifactStoreContract(ArtifactStoreExtremes):
    """What every artifact store does. Give the fixtures `store` and `broken`; everything else is here.

    Capabilities are checked both ways: one that is declared and fails is an error, one that works and is
    not declared is reported by an `UndeclaredCapabilityWarning` of `dovetail.testing.capability`.
    """

    @pytest.fixture
    def store(self) -> ArtifactStore:
        """Return an empty store."""
        raise not_given("store")

    @pytest.fixture
    def broken(self) -> ArtifactStore:
        """Return a store that cannot be written to: full, read-only, or not to be reached."""
        raise not_given("broken")

    def test_1_a_file_is_seen_by_nobody_before_its_block_ends(self, store: ArtifactStore) -> None:
        with store.create("a/b") as stream:
            stream.write(b"12")
            stream.flush()
            assert store.size("a/b") is None
            assert list(store.entries()) == []
            with pytest.raises(ArtifactError):
                store.open("a/b")
        assert store.get("a/b") == b"12"

    @pytest.mark.parametrize("size", [0, 1, 1 << 16, (1 << 24) + 1])
    def test_1_a_file_has_all_bytes_that_were_written(self, store: ArtifactStore, size: int) -> None:
        content = bytes(range(256)) * (size // 256) + bytes(size % 256)
        with store.create("a/whole") as stream:
            stream.write(memoryview(content)[: size // 2])
            stream.write(memoryview(content)[size // 2 :])
        assert store.get("a/whole") == content
        assert store.size("a/whole") == size

    def test_1_put_and_get_are_the_short_form(self, store: ArtifactStore) -> None:
        store.put("a/short", b"some")
        assert store.get("a/short") == b"some"
        assert store.size("a/short") == len(b"some")

    def test_1_files_of_a_staging_directory_are_taken_in(self, store: ArtifactStore) -> None:
        with store.staging() as directory:
            for name in ("model", "words"):
                (directory / name).write_bytes(name.encode())
                store.take(f"a/{name}", directory / name)
        assert [store.get(f"a/{name}") for name in ("model", "words")] == [b"model", b"words"]
        assert not directory.exists()
        assert self.everything(store) == ["a/model", "a/words"]

    def test_2_an_existing_file_stays_as_it_is(self, store: ArtifactStore) -> None:
        store.put("a/b", b"first")
        with pytest.raises(ArtifactError, match="a/b"):
            store.put("a/b", b"second")
        with pytest.raises(ArtifactError, match="a/b"), store.create("a/b") as stream:
            stream.write(b"third")
        with store.staging() as directory:
            (directory / "x").write_bytes(b"fourth")
            with pytest.raises(ArtifactError, match="a/b"):
                store.take("a/b", directory / "x")
        assert store.get("a/b") == b"first"
        assert self.everything(store) == ["a/b"]

    def test_2_of_many_writers_of_one_path_nobody_mixes_with_another(self, store: ArtifactStore) -> None:
        def write(number: int) -> bytes | None:
            content = bytes([number]) * 5000
            try:
                store.put("a/raced", content)
            except ArtifactError:
                return None
            return content

        with ThreadPoolExecutor(8) as pool:
            written = [each for each in pool.map(write, range(8)) if each is not None]
        assert store.get("a/raced") in written
        assert self.everything(store) == ["a/raced"]

    def test_3_after_an_error_nothing_is_left(self, store: ArtifactStore) -> None:
        with pytest.raises(_MaterializerGaveUpError), store.create("a/b") as stream:
            _write_and_give_up(stream)
        with (
            pytest.raises(_MaterializerGaveUpError),
            store.staging() as directory,
            (directory / "x").open("wb") as stream,
        ):
            _write_and_give_up(stream)
        assert self.everything(store) == []
        store.put("a/b", b"later")
        assert store.get("a/b") == b"later"

    def test_4_what_is_not_there_is_named(self, store: ArtifactStore) -> None:
        store.put("a/b/c", b"")
        for path in ("a/no", "a/b", "no/a", "a/b/c/d"):
            with pytest.raises(ArtifactError, match=path):
                store.open(path)
            with pytest.raises(ArtifactError, match=path):
                store.get(path)
            assert store.size(path) is None
            assert store.local_path(path) is None

    def test_4_a_file_is_read_at_any_place(self, store: ArtifactStore) -> None:
        store.put("a/b", bytes(range(100)))
        buffer = bytearray(10)
        with store.open("a/b") as stream:
            assert stream.seek(90) == stream.tell() == 90  # noqa: PLR2004 - ten bytes before the end
            assert stream.readinto(buffer) == len(buffer)  # type: ignore[attr-defined] # every binary file has it
            assert stream.read() == b""
            stream.seek(0)
            assert stream.read(3) == bytes(range(3))
        assert buffer == bytes(range(90, 100))

    def test_5_entries_are_all_below_a_directory(self, store: ArtifactStore) -> None:
        for number in range(30):
            store.put(f"a/{number % 3}/{number}", bytes(number))
        store.put("ab/x", b"no")
        assert sorted(store.entries("a/1")) == sorted((f"a/1/{n}", n) for n in range(1, 30, 3))
        assert len(list(store.entries("a"))) == len(list(store.entries())) - 1
        assert list(store.entries("nothing")) == []

    def test_5_entries_are_given_one_after_the_other(self, store: ArtifactStore) -> None:
        store.put("a/b", b"1")
        listing = store.entries()
        assert iter(listing) is listing  # a collected listing is no iterator of its own
        assert next(listing) == ("a/b", 1)

    def test_5_entries_hide_what_is_not_complete(self, store: ArtifactStore) -> None:
        store.put("a/b", b"1")
        with store.create("a/c"), store.staging() as directory:
            (directory / "d").write_bytes(b"1")
            assert list(store.entries()) == [("a/b", 1)]

    def test_6_a_file_or_all_below_a_directory_is_deleted(self, store: ArtifactStore) -> None:
        for path in ("a/b", "a/c/d", "a/c/e", "a/cd", "f/g"):
            store.put(path, b"")
        store.delete("a/b")
        assert sorted(path for path, _ in store.entries()) == ["a/c/d", "a/c/e", "a/cd", "f/g"]
        store.delete("a/c")
        assert sorted(path for path, _ in store.entries()) == ["a/cd", "f/g"]
        for path in ("a/c", "a/b", "nothing/here", "f/g/below"):
            store.delete(path)
        assert store.get("f/g") == b""

    def test_7_a_refusal_is_an_error_with_path_and_remedy(self, broken: ArtifactStore) -> None:
        with pytest.raises(StoreError, match="a/refused") as caught:
            broken.put("a/refused", b"x" * 100)
        assert caught.value.hint
        with pytest.raises(StoreError, match="a/refused") as caught, broken.create("a/refused") as stream:
            stream.write(b"x" * 100_000)
        assert caught.value.hint

    @pytest.mark.parametrize("path", PATHS_OUTSIDE)
    def test_8_no_path_leads_out(self, store: ArtifactStore, path: str) -> None:
        for use in (store.open, store.get, store.size, store.delete, store.local_path):
            with pytest.raises(ArtifactError, match="no path inside"):
                use(path)
        with pytest.raises(ArtifactError, match="no path inside"):
            store.put(path, b"")
        with pytest.raises(ArtifactError, match="no path inside"), store.create(path):
            pass
        assert self.everything(store) == []

    def test_9_the_stream_seeks_and_is_read_back(self, store: ArtifactStore) -> None:
        with store.create("a/b") as stream:
            stream.write(b"0123456789")
            stream.seek(2)
            assert stream.read(3) == b"234"
            stream.seek(0)
            stream.write(b"ab")
            stream.seek(0, os.SEEK_END)
            stream.write(b"!")
        assert store.get("a/b") == b"ab23456789!"

    def test_9_the_stream_may_be_closed_by_a_library(self, store: ArtifactStore) -> None:
        with store.create("a/b") as stream:
            stream.write(b"content")
            stream.close()
        assert store.get("a/b") == b"content"

    def test_10_threads_use_it_side_by_side(self, store: ArtifactStore) -> None:
        def use(number: int) -> bytes:
            store.put(f"a/{number % 4}/{number}", bytes([number]) * number)
            return store.get(f"a/{number % 4}/{number}")

        with ThreadPoolExecutor(8) as pool:
            read = list(pool.map(use, range(64)))
        assert read == [bytes([number]) * number for number in range(64)]

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
    @pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
    def test_10_a_forked_process_uses_it_too(self, store: ArtifactStore) -> None:
        store.put("a/b", b"1")
        if (child := os.fork()) == 0:
            try:
                store.put("a/c", store.get("a/b") + b"2")
                os._exit(0 if store.get("a/c") == b"12" else 1)
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert store.get("a/b") == b"1"

    def test_11_the_state_of_a_file_is_its_size_and_a_time_that_a_change_moves(
        self, store: ArtifactStore
    ) -> None:
        assert store.state("a/b") is None
        store.put("a/b", b"first")
        published = now()
        first = store.state("a/b")
        assert first is not None
        assert first.size == store.size("a/b") == len(b"first")
        if first.changed is None:  # the store cannot tell: its files are read to be sure of them
            return
        assert published - _HOUR < first.changed <= published
        time.sleep(_TICK)
        store.delete("a/b")
        store.put("a/b", b"other")
        again = store.state("a/b")
        assert again is not None
        assert again.changed is not None
        assert again.changed > published

    def test_11_what_is_no_file_has_no_state(self, store: ArtifactStore) -> None:
        store.put("a/b/c", b"1")
        assert store.state("a/b") is None
        assert store.state("a/b/c/d") is None
        with pytest.raises(ArtifactError, match="no path inside"):
            store.state("../a")

    def test_what_is_flushed_and_swept_stays(self, store: ArtifactStore, tmp_path: Path) -> None:
        store.put("a/b", b"1")
        with store.create("a/c") as stream:
            stream.write(b"2")
            store.sweep()
        store.flush(["a/b", "a"])
        store.flush()
        assert sorted(store.entries()) == [("a/b", 1), ("a/c", 1)]
