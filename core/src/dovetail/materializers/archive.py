"""Archives: artifacts with their manifests and digests in one tar file, checked whole before any is taken in.

The first member lists the artifacts, and has its own digest for a name. Each artifact follows with its
manifest and its files, these under numbers in the order of the manifest, so that no name in an archive
ever becomes a path. Equal artifacts give equal bytes, and a member that is not exactly what this module
writes is refused: there is no room for links, devices, second files of a name, or sizes that nobody
declared.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from typing import BinaryIO, Literal, NamedTuple

from pydantic import ValidationError

from dovetail.components.artifact_store import ArtifactStore
from dovetail.errors import ArtifactError
from dovetail.hashing import Hasher, digest_bytes
from dovetail.materializers.artifacts import withdraw
from dovetail.materializers.files import ArtifactReader, ArtifactWriter, damaged
from dovetail.names import is_id
from dovetail.records.artifact import MANIFEST, ArtifactRecord, FileEntry, Manifest, artifact_directory
from dovetail.records.record import Record

_LARGEST = 1 << 28
"""What the index, or a manifest, may take up: they are read into memory."""
_LONGEST_TEXT = 10_000
_BLOCK = tarfile.BLOCKSIZE
_END = b"\0" * (2 * _BLOCK)
_CHUNK = 1 << 20


class Listed(Record):
    """An artifact as the index has it: its record, without the files, and the size of its manifest."""

    record: ArtifactRecord
    manifest: int


class Index(Record):
    """The first member: which artifacts follow."""

    format: Literal[1]
    artifacts: tuple[Listed, ...]


class Archived(NamedTuple):
    """An artifact in an archive; `start` is where its first file begins."""

    record: ArtifactRecord
    manifest: Manifest
    start: int


def write_archive(
    store_of: Callable[[ArtifactRecord], ArtifactStore], records: Iterable[ArtifactRecord], target: BinaryIO
) -> int:
    """Write artifacts to a stream, each from the store that it lies in; return how many bytes it were.

    Raises:
        ArtifactError: one of them is damaged; what was written then is worth nothing.
    """
    chosen = sorted(records, key=lambda each: each.id)
    manifests = {each.id: ArtifactReader(store_of(each), each).manifest for each in chosen}
    index = Index(
        format=1,
        artifacts=tuple(
            Listed(record=each.model_copy(update={"files": ()}), manifest=len(manifests[each.id].to_json()))
            for each in chosen
        ),
    )
    size = _put(target, index_name(index.to_json()), index.to_json())
    for record in chosen:
        manifest = manifests[record.id]
        size += _put(target, f"{record.id}/{MANIFEST}", manifest.to_json())
        for number, entry in enumerate(manifest.files):
            size += _copy(store_of(record), record, entry, _member(record.id, number), target)
    return size + target.write(_END)


def _put(target: BinaryIO, name: str, data: bytes) -> int:
    if len(data) > _LARGEST:
        raise ArtifactError(
            f"{name!r} would take {len(data)} bytes, more than any archive holds",
            hint="export less at a time",
        )
    return target.write(_header(name, len(data)) + data + bytes(_padding(len(data))))


def _copy(store: ArtifactStore, record: ArtifactRecord, entry: FileEntry, name: str, target: BinaryIO) -> int:
    """Write a file of an artifact as a member; what is not as its manifest says is damaged."""
    target.write(_header(name, entry.size))
    hasher = Hasher()
    with store.open(f"{record.stored}/{entry.path}") as source:
        while hasher.size <= entry.size and (piece := source.read(_CHUNK)):
            hasher.update(piece)
            target.write(piece)
    if (hasher.digest(), hasher.size) != (entry.digest, entry.size):
        raise damaged(
            record, f"file {entry.path!r} is damaged, its digest or size is not that of the manifest"
        )
    target.write(bytes(_padding(entry.size)))
    return _BLOCK + entry.size + _padding(entry.size)


class Archive:
    """An archive that was found right as a whole: every member, path, size and digest.

    Raises ArtifactError when it is made from a stream that is not one. The stream stays open.
    """

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream = stream
        self._name = name
        self.artifacts = tuple(self._checked())

    def unpack(self, artifact: Archived, store: ArtifactStore, artifact_id: str) -> None:
        """Store an artifact under a new id; nothing of it is left where that fails."""
        directory = artifact_directory(artifact_id)
        writer = ArtifactWriter(store, artifact_id)
        try:
            self._stream.seek(artifact.start)
            for entry in artifact.manifest.files:
                self._read(_BLOCK)
                with writer.create(entry.path) as target:
                    self._pass(entry.size, target.write)
                self._read(_padding(entry.size))
            self._check_unchanged(writer.entries, artifact.manifest.files)
            store.put(f"{directory}/{MANIFEST}", artifact.manifest.to_json())
        except BaseException:
            withdraw(store, directory)
            raise

    def _check_unchanged(self, written: tuple[FileEntry, ...], wanted: tuple[FileEntry, ...]) -> None:
        if written != wanted:
            raise self._refused("it has changed while it was read")

    def _checked(self) -> Iterator[Archived]:
        try:
            index = Index.from_json(self._first())
        except ValidationError as error:
            raise self._refused("its list of artifacts cannot be read") from error
        if len({each.record.id for each in index.artifacts}) != len(index.artifacts):
            raise self._refused("it lists an artifact twice")
        for each in index.artifacts:
            yield self._artifact(each)
        if self._stream.read(len(_END) + 1) != _END:
            raise self._refused("something follows its last member")

    def _first(self) -> bytes:
        block = self._stream.read(_BLOCK)
        try:
            first = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
        except (tarfile.HeaderError, ValueError) as error:
            raise self._refused("it is no tar file") from error
        data = self._document(first.name, first.size, block)
        if first.name != index_name(data):
            raise self._refused("its list of artifacts is not as it was written")
        return data

    def _artifact(self, listed: Listed) -> Archived:
        record = listed.record
        if not is_id(record.id) or record.files:
            raise self._refused(f"{record.id!r} is no artifact")
        name = f"{record.id}/{MANIFEST}"
        data = self._document(name, listed.manifest, self._read(_BLOCK))
        if digest_bytes(data) != record.digest:
            raise self._refused(f"{name!r} is damaged, its digest is not the recorded one")
        try:
            manifest = Manifest.from_json(data)
        except ValidationError as error:
            raise self._refused(f"{name!r} cannot be read") from error
        self._check(record, manifest, data)
        start = self._stream.tell()
        for number, entry in enumerate(manifest.files):
            self._check_file(entry, _member(record.id, number))
        return Archived(record.model_copy(update={"files": manifest.files}), manifest, start)

    def _check(self, record: ArtifactRecord, manifest: Manifest, data: bytes) -> None:
        """Refuse a manifest that is not canonical, contradicts the record, or names places it must not."""
        paths = [each.path for each in manifest.files]
        above = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
        problems = {
            "its manifest is not as it is written": manifest.to_json() != data,
            "record and manifest disagree": (record.type, record.materializer)
            != (manifest.type, manifest.materializer),
            "sizes contradict each other": record.size != sum(each.size for each in manifest.files)
            or any(each.size < 0 for each in manifest.files),
            "its texts are longer than any program writes them": any(
                len(each) > _LONGEST_TEXT for each in (record.type, record.step, record.output)
            ),
            "its files are not in order": paths != sorted(set(paths)),
            "two of its files are in each other's place": bool({*paths, MANIFEST} & {*above})
            or MANIFEST in paths,
            "a file of it leads elsewhere": not all(map(_stays, paths)),
        }
        for problem in (text for text, found in problems.items() if found):
            raise self._refused(f"artifact {record.id!r}: {problem}")

    def _check_file(self, entry: FileEntry, name: str) -> None:
        self._expect(_header(name, entry.size), name)
        hasher = Hasher()
        self._pass(entry.size, hasher.update)
        if hasher.digest() != entry.digest:
            raise self._refused(f"{name!r} is damaged, its digest differs")
        self._expect(bytes(_padding(entry.size)), name)

    def _document(self, name: str, size: int, block: bytes) -> bytes:
        if not 0 <= size <= _LARGEST or block != _header(name, size):
            raise self._refused(f"there is no {name!r} where it should be")
        data = self._read(size)
        self._expect(bytes(_padding(size)), name)
        return data

    def _expect(self, wanted: bytes, name: str) -> None:
        if self._read(len(wanted)) != wanted:
            raise self._refused(f"there is no {name!r} where it should be")

    def _pass(self, size: int, take: Callable[[bytes], object]) -> None:
        while size:
            piece = self._read(min(size, _CHUNK))
            take(piece)
            size -= len(piece)

    def _read(self, size: int) -> bytes:
        data = self._stream.read(size)
        if len(data) != size:
            raise self._refused("it ends too early")
        return data

    def _refused(self, what: str) -> ArtifactError:
        return ArtifactError(
            f"{self._name!r} is no whole archive of artifacts: {what}",
            hint="nothing of it was taken in; make it anew: dovetail artifact export",
        )


def index_name(index: bytes) -> str:
    """Return the name of the first member, which has the digest of its content."""
    return f"dovetail-artifacts-{digest_bytes(index).partition(':')[2]}.json"


def _member(artifact_id: str, number: int) -> str:
    return f"{artifact_id}/{number:06}"


def _header(name: str, size: int) -> bytes:
    """Return the header of a plain file without owner or time."""
    member = tarfile.TarInfo(name)
    member.size = size
    return member.tobuf(tarfile.GNU_FORMAT)


def _padding(size: int) -> int:
    return -size % _BLOCK


def _stays(path: str) -> bool:
    """Say whether a path keeps to the artifact that it is in; each store refuses further ones."""
    parts = path.split("/")
    plain = path.isprintable() and "\\" not in path and ":" not in path
    return plain and not any(each.startswith(".") or not each for each in parts)
