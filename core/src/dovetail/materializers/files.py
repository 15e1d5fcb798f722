"""The files of an artifact: written under digests, checked before the first byte is handed out."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from pydantic import ValidationError

from dovetail.components.artifact_store import ArtifactStore
from dovetail.errors import ArtifactError, StoreError, cannot_write
from dovetail.hashing import digest_bytes, digest_copy, digest_stream
from dovetail.materializers.digesting import DigestingStream
from dovetail.materializers.scratch import scratch_directory
from dovetail.records.artifact import MANIFEST, ArtifactRecord, FileEntry, Manifest, artifact_directory

# Up to here a file is read once, into memory; above it is read twice, for its digest and for its content.
_SMALL = 1 << 20
_CHUNK = 1 << 20
# What a manifest may take up, and each line of it: more was never written, and is not read.
_LARGEST_HEAD, _LARGEST_LINE = 1 << 24, 1 << 15


class ArtifactWriter:
    """Takes the files of one new artifact. `annotation` is the declared type of the output."""

    def __init__(self, store: ArtifactStore, artifact_id: str, annotation: Any = Any) -> None:
        self.annotation = annotation
        self._store = store
        self._directory = artifact_directory(artifact_id)
        self._entries: dict[str, FileEntry] = {}

    @property
    def entries(self) -> tuple[FileEntry, ...]:
        """Return what was written so far, by path."""
        return tuple(self._entries[path] for path in sorted(self._entries))

    def put(self, name: str, data: bytes) -> None:
        """Write a file of these bytes."""
        self._store.put(self._path(name), data)
        self._entries[name] = FileEntry(path=name, size=len(data), digest=digest_bytes(data))

    @contextmanager
    def create(self, name: str) -> Iterator[BinaryIO]:
        """Open a file for writing; it is complete when the block ends.

        It takes any contiguous buffer without copying it. It can seek and be read, at the price of a
        second pass for its digest, and a library may close it.
        """
        with self._store.create(self._path(name)) as raw:
            stream = DigestingStream(raw)
            yield cast("BinaryIO", stream)
            digest, size = stream.finish()
        self._entries[name] = FileEntry(path=name, size=size, digest=digest)

    @contextmanager
    def local_path(self, name: str) -> Iterator[Path]:
        """Give a path of this machine for a library that insists on one; it writes one file there."""
        path = self._path(name)
        with self._store.staging() as directory:
            file = directory / PurePosixPath(name).name
            yield file
            if file.is_symlink() or not file.is_file():
                raise ArtifactError(
                    f"no file was written for {name!r}",
                    hint="write one file at exactly the path that is given",
                )
            with file.open("rb") as stream:
                digest, size = digest_stream(stream)
            self._store.take(path, file)
        self._entries[name] = FileEntry(path=name, size=size, digest=digest)

    def _path(self, name: str) -> str:
        if name == MANIFEST or name in self._entries:
            raise ArtifactError(
                f"an artifact cannot hold a second file {name!r}", hint="give each file a name of its own"
            )
        return f"{self._directory}/{name}"


class ArtifactReader:
    """Gives out the files of one artifact, each only after its size and digest were found right.

    Raises ArtifactError, naming the artifact, where something is missing or damaged.
    """

    def __init__(self, store: ArtifactStore, record: ArtifactRecord, scratch: Path | None = None) -> None:
        self.record = record
        self._store = store
        self._scratch = scratch

    @cached_property
    def manifest(self) -> Manifest:
        """Return the manifest, checked against the record."""
        data = self._bytes(MANIFEST, _LARGEST_HEAD + _LARGEST_LINE * len(self.record.files))
        if digest_bytes(data) != self.record.digest:
            raise self._damaged(MANIFEST, "its digest is not the recorded one")
        try:
            return Manifest.from_json(data)
        except ValidationError as error:
            raise self._damaged(MANIFEST, "it cannot be read") from error

    @cached_property
    def files(self) -> dict[str, FileEntry]:
        """Return the files of the artifact by name."""
        return {entry.path: entry for entry in self.manifest.files}

    @property
    def version(self) -> int:
        """Return the version of the materializer that wrote the artifact."""
        return self.manifest.materializer.version

    @cached_property
    def scratch(self) -> Path:
        """Return an empty directory of this machine for a value that is made of files.

        It is removed when the process ends, unless whoever loads gave one of his own.
        """
        return scratch_directory(self._scratch)

    def get(self, name: str) -> bytes:
        """Return the bytes of a file."""
        entry = self._entry(name)
        data = self._bytes(name, entry.size)
        self._check(entry, digest_bytes(data), len(data))
        return data

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading; seekable, and a real file where it is large."""
        entry = self._entry(name)
        if entry.size <= _SMALL:
            return io.BytesIO(self.get(name))
        self._check_size(name, entry.size)
        stream = self._store.open(f"{self.record.stored}/{name}")
        try:
            if self._store.transfers:  # two passes are to cost one transfer
                stream, found = _fetched(stream)
            else:
                found = digest_stream(stream)
            self._check(entry, *found)
            stream.seek(0)
        except BaseException:
            stream.close()
            raise
        return stream

    @contextmanager
    def local_path(self, name: str) -> Iterator[Path]:
        """Give a path of this machine for a library that insists on one; it only reads there."""
        place = self._store.local_path(f"{self.record.stored}/{name}")
        if place is not None:
            self.open(name).close()
            yield place
            return
        with tempfile.TemporaryDirectory(prefix="dovetail-") as directory:
            place = Path(directory) / PurePosixPath(name).name
            self._copy(name, place)
            yield place

    def _copy(self, name: str, place: Path) -> None:
        try:
            with self.open(name) as stream, place.open("xb") as copy:
                while piece := stream.read(_CHUNK):
                    copy.write(piece)
        except OSError as error:
            raise _no_room(error) from error

    def _entry(self, name: str) -> FileEntry:
        if (entry := self.files.get(name)) is None:
            raise ArtifactError(
                f"artifact {self.record.id!r} has no file {name!r}, it has {sorted(self.files)}",
                hint="it was written by another materializer, or by another version of this one",
            )
        return entry

    def _bytes(self, name: str, most: int) -> bytes:
        self._check_size(name, most)
        return self._store.get(f"{self.record.stored}/{name}")

    def _check_size(self, name: str, most: int) -> None:
        """Refuse a file that has grown before it is read; over a network that would cost a request."""
        if most > _SMALL or not self._store.transfers:
            size = self._store.size(f"{self.record.stored}/{name}")
            if size is not None and size > most:
                raise self._damaged(name, f"it has {size} bytes instead of {most}")

    def _check(self, entry: FileEntry, digest: str, size: int) -> None:
        if size != entry.size:
            raise self._damaged(entry.path, f"it has {size} bytes instead of {entry.size}")
        if digest != entry.digest:
            raise self._damaged(entry.path, "its digest is not that of the manifest")

    def _damaged(self, name: str, what: str) -> ArtifactError:
        return damaged(self.record, f"file {name!r} is damaged, {what}")


def damaged(record: ArtifactRecord, what: str) -> ArtifactError:
    """Return the error for an artifact that is not what was stored."""
    return ArtifactError(
        f"artifact {record.id!r}, output {record.output!r} of step {record.step!r}: {what}",
        hint="nothing of it was used; `dovetail run FILE --no-cache` computes it anew",
    )


def _fetched(stream: BinaryIO) -> tuple[BinaryIO, tuple[str, int]]:
    """Return a copy on this machine, with the digest and the size of what came."""
    try:
        copy = cast("BinaryIO", tempfile.TemporaryFile(prefix="dovetail-"))  # noqa: SIM115 - the caller closes it
        try:
            with stream:
                return copy, digest_copy(stream, copy)
        except BaseException:
            copy.close()
            raise
    except OSError as error:  # of this machine: a store tells its own otherwise
        raise _no_room(error) from error


def _no_room(error: OSError) -> StoreError:
    return cannot_write("the copy of an artifact", tempfile.gettempdir(), error)
