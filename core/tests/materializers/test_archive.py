from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail.components.artifact_store import ArtifactStore
from dovetail.errors import ArtifactError
from dovetail.hashing import canonical_json, digest_bytes
from dovetail.materializers.archive import Archive, index_name, write_archive
from dovetail.materializers.intact import verify_artifact
from dovetail.names import new_id
from dovetail.records.artifact import MANIFEST, ArtifactRecord, FileEntry, Manifest

Keep = Callable[..., ArtifactRecord]


@pytest.fixture
def records(keep: Keep, tmp_path: Path) -> list[ArtifactRecord]:
    """A number, a text, nothing at all, and a directory of files of awkward sizes."""
    folder = tmp_path / "value"
    folder.mkdir()
    for size in (0, 1, 511, 512, 513, 3_000_000):
        (folder / f"{size}").write_bytes(bytes(size))
    return [keep(1, int), keep("two", str), keep(b"", bytes), keep(folder, Path)]


def packed(store: ArtifactStore, records: list[ArtifactRecord]) -> bytes:
    target = io.BytesIO()
    assert write_archive(lambda _: store, records, target) == len(target.getvalue())
    return target.getvalue()


def members(data: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {each.name: each for each in archive}


def test_an_archive_is_a_tar_file_that_every_program_reads(
    store: ArtifactStore, records: list[ArtifactRecord]
) -> None:
    found = members(packed(store, records))
    assert next(iter(found)).startswith("dovetail-artifacts-")
    assert len(found) == 1 + len(records) + sum(len(each.files) for each in records)
    assert {(each.mtime, each.uid, each.uname, each.mode) for each in found.values()} == {(0, 0, "", 0o644)}


def test_equal_artifacts_give_equal_bytes(store: ArtifactStore, records: list[ArtifactRecord]) -> None:
    assert packed(store, records) == packed(store, records[::-1])


def test_what_is_unpacked_is_what_was_packed(store: ArtifactStore, records: list[ArtifactRecord]) -> None:
    archive = Archive(io.BytesIO(packed(store, records)), "x.tar")
    assert [each.record for each in archive.artifacts] == sorted(records, key=lambda each: each.id)
    for each in reversed(archive.artifacts):
        artifact = new_id()
        archive.unpack(each, store, artifact)
        assert verify_artifact(store, each.record.model_copy(update={"id": artifact})) == []


def test_a_damaged_artifact_is_not_packed(store: ArtifactStore, records: list[ArtifactRecord]) -> None:
    path = store.local_path(f"{records[1].stored}/{records[1].files[0].path}")
    assert path is not None
    for content in (b"twO", b"two!", b""):
        path.write_bytes(content)
        with pytest.raises(ArtifactError, match=records[1].id):
            packed(store, records)


def test_no_flipped_byte_gets_through(store: ArtifactStore, records: list[ArtifactRecord]) -> None:
    data = packed(store, records[:3])
    for place in range(0, len(data), 7):
        flipped = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        with pytest.raises(ArtifactError, match="no whole archive"):
            Archive(io.BytesIO(flipped), "x.tar")


@pytest.mark.parametrize("cut", [0, 1, 511, 512, 1024, 4000])
def test_nothing_may_be_missing_or_follow(
    store: ArtifactStore, records: list[ArtifactRecord], cut: int
) -> None:
    data = packed(store, records[:2])
    for wrong in (data[:-cut] if cut else b"", data + bytes(cut + 1)):
        with pytest.raises(ArtifactError, match="no whole archive"):
            Archive(io.BytesIO(wrong), "x.tar")


def forged(
    files: list[tuple[str, bytes]], record: ArtifactRecord, change: Callable[..., Any] | None = None
) -> bytes:
    """Return an archive whose digests all fit, of files under any names; `change` may change its members."""
    entries = tuple(FileEntry(path=name, size=len(data), digest=digest_bytes(data)) for name, data in files)
    manifest = Manifest(format=1, type=record.type, materializer=record.materializer, files=entries)
    size = sum(each.size for each in entries)
    new = record.model_copy(update={"files": (), "digest": manifest.content_digest(), "size": size})
    listed = {"record": new.document(), "manifest": len(manifest.to_json())}
    index = canonical_json({"format": 1, "artifacts": [listed]})
    content = [(index_name(index), index), (f"{record.id}/{MANIFEST}", manifest.to_json())]
    content += [(f"{record.id}/{number:06}", data) for number, (_, data) in enumerate(files)]
    target = io.BytesIO()
    for name, data in content:
        member = tarfile.TarInfo(name)
        member.size = len(data)
        if change is not None:
            change(member)
        target.write(member.tobuf(tarfile.GNU_FORMAT) + data + bytes(-len(data) % 512))
    return target.getvalue() + bytes(1024)


def test_a_forgery_of_fitting_digests_and_plain_names_is_like_any_other(keep: Keep) -> None:
    archive = Archive(io.BytesIO(forged([("a/b", b"1"), ("c", b"")], keep(1, int))), "x.tar")
    assert [each.path for each in archive.artifacts[0].record.files] == ["a/b", "c"]


NAMES = [
    ["../x"], ["/etc/passwd"], ["a/../../x"], [""], ["a//b"], [".hidden"], ["a/.x"], ["a\\b"], ["c:x"],
    ["a\nb"], [MANIFEST], [f"{MANIFEST}/x"], ["a", "a/b"], ["b", "a"], ["a", "a"],
]  # fmt: skip


@pytest.mark.parametrize("names", NAMES)
def test_no_name_leads_anywhere(keep: Keep, names: list[str]) -> None:
    with pytest.raises(ArtifactError, match="no whole archive"):
        Archive(io.BytesIO(forged([(name, b"1") for name in names], keep(1, int))), "x.tar")


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, b"S", b"x", b"L"],
)
def test_nothing_but_plain_files_is_in_an_archive(keep: Keep, kind: bytes) -> None:
    record = keep(1, int)

    def change(member: tarfile.TarInfo) -> None:
        if member.name.endswith("/000000"):
            member.type, member.linkname = kind, "/etc/passwd"

    with pytest.raises(ArtifactError, match="no whole archive"):
        Archive(io.BytesIO(forged([("a", b"1")], record, change)), "x.tar")


@pytest.mark.parametrize("size", [1 << 40, 1 << 62])
def test_a_declared_size_is_not_believed(keep: Keep, size: int) -> None:
    for suffix in (".json", MANIFEST, "/000000"):

        def change(member: tarfile.TarInfo, suffix: str = suffix) -> None:
            if member.name.endswith(suffix):
                member.size = size

        with pytest.raises(ArtifactError, match="no whole archive"):
            Archive(io.BytesIO(forged([("a", b"1")], keep(1, int), change)), "x.tar")


def test_an_archive_that_changes_while_it_is_read_leaves_nothing(
    store: ArtifactStore, records: list[ArtifactRecord]
) -> None:
    stream = io.BytesIO(packed(store, records))
    archive = Archive(stream, "x.tar")
    chosen = next(each for each in archive.artifacts if each.manifest.files[0].size)
    stream.getbuffer()[chosen.start + 512] ^= 1
    artifact = new_id()
    before = sorted(store.entries())
    with pytest.raises(ArtifactError, match="changed while it was read"):
        archive.unpack(chosen, store, artifact)
    assert sorted(store.entries()) == before
