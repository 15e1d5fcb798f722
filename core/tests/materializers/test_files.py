from __future__ import annotations

import resource
import zipfile
from array import array
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dovetail.components.artifact_store import ArtifactStore
from dovetail.components.component import Reach
from dovetail.errors import ArtifactError, StoreError
from dovetail.hashing import digest_bytes
from dovetail.materializers.files import ArtifactReader, ArtifactWriter
from dovetail.names import new_id
from dovetail.records.artifact import MANIFEST, ArtifactRecord, FileEntry, Manifest
from dovetail.records.plan import MaterializerRef

REF = MaterializerRef(name="builtin/json", reference="x:Y")
MEGABYTE = 1 << 20


def closed(store: ArtifactStore, writer: ArtifactWriter, artifact_id: str) -> ArtifactRecord:
    """Write the manifest; return the record of the artifact."""
    manifest = Manifest(format=1, type="int", materializer=REF, files=writer.entries)
    record = ArtifactRecord(
        id=artifact_id, run_id="r", step="train", output="model", type="int", materializer=REF,
        digest=manifest.content_digest(), size=0, created=0,
    )  # fmt: skip
    store.put(f"{record.stored}/{MANIFEST}", manifest.to_json())
    return record


def written(store: ArtifactStore, **files: bytes) -> ArtifactRecord:
    artifact_id = new_id()
    writer = ArtifactWriter(store, artifact_id)
    for name, content in files.items():
        with writer.create(name) as stream:
            stream.write(content)
    return closed(store, writer, artifact_id)


def test_files_are_listed_by_path_with_size_and_digest(store: ArtifactStore) -> None:
    writer = ArtifactWriter(store, new_id())
    writer.put("b", b"12")
    with writer.create("a/x") as stream:
        stream.write(b"3")
    assert writer.entries == (
        FileEntry(path="a/x", size=1, digest=digest_bytes(b"3")),
        FileEntry(path="b", size=2, digest=digest_bytes(b"12")),
    )


@pytest.mark.parametrize(
    "buffer", [b"12345678", bytearray(b"12345678"), array("d", [1.5]), memoryview(b"12345678")]
)
def test_any_buffer_is_written_with_its_bytes(store: ArtifactStore, buffer: Any) -> None:
    writer = ArtifactWriter(store, new_id())
    with writer.create("a") as stream:
        assert stream.write(buffer) == 8
        assert stream.write(memoryview(b"").cast("d")) == 0
    assert writer.entries[0].digest == digest_bytes(bytes(memoryview(buffer).cast("B")))


writes = st.lists(
    st.tuples(st.integers(0, 300), st.sampled_from(["set", "end", "stay", "read"]), st.binary())
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes)
def test_size_and_digest_are_those_of_the_file_however_it_was_written(
    store: ArtifactStore, steps: list[tuple[int, str, bytes]]
) -> None:
    artifact_id = new_id()
    writer = ArtifactWriter(store, artifact_id)
    with writer.create("a") as stream:
        for position, how, data in steps:
            if how != "stay":
                stream.seek(*((0, 2) if how == "end" else (position,)))
            if how == "read":
                stream.read(3)
            stream.write(data)
    content = store.get(f"{closed(store, writer, artifact_id).stored}/a")
    assert writer.entries == (FileEntry(path="a", size=len(content), digest=digest_bytes(content)),)


def test_an_archive_that_mends_its_headers_is_written_and_read(store: ArtifactStore) -> None:
    artifact_id = new_id()
    writer = ArtifactWriter(store, artifact_id)
    with writer.create("a.zip") as stream, zipfile.ZipFile(stream, "w") as archive:
        with archive.open("inside", "w") as inside:
            inside.write(b"x" * 3 * MEGABYTE)
        archive.writestr("b", "y")
    with (
        ArtifactReader(store, closed(store, writer, artifact_id)).open("a.zip") as stream,
        zipfile.ZipFile(stream) as archive,
    ):
        assert archive.testzip() is None
        assert archive.read("b") == b"y"


def test_a_library_that_closes_the_stream_or_wants_a_path_is_served(store: ArtifactStore) -> None:
    artifact_id = new_id()
    writer = ArtifactWriter(store, artifact_id)
    with writer.create("closed") as stream:
        stream.write(b"1")
        stream.close()
    with writer.local_path("folder/model.txt") as path:
        assert path.name == "model.txt"
        path.write_bytes(b"model")
    reader = ArtifactReader(store, closed(store, writer, artifact_id))
    assert reader.get("closed") == b"1"
    with reader.local_path("folder/model.txt") as path:
        assert path.read_bytes() == b"model"


def test_a_path_that_was_not_written_is_an_error(store: ArtifactStore, tmp_path: Path) -> None:
    writer = ArtifactWriter(store, new_id())
    with pytest.raises(ArtifactError, match="no file was written for 'a'"), writer.local_path("a"):
        pass
    with pytest.raises(ArtifactError, match="no file was written"), writer.local_path("b") as path:
        path.symlink_to(tmp_path)
    assert writer.entries == ()
    assert list(store.entries()) == []


@pytest.mark.parametrize("name", [MANIFEST, "there", "../outside", "/etc/x", ""])
def test_a_name_that_is_taken_or_leads_out_is_refused(store: ArtifactStore, name: str) -> None:
    writer = ArtifactWriter(store, new_id())
    writer.put("there", b"")
    with pytest.raises(ArtifactError):
        writer.put(name, b"x")
    with pytest.raises(ArtifactError), writer.create(name):
        pass
    assert [each.path for each in writer.entries] == ["there"]


@pytest.mark.parametrize("size", [1, MEGABYTE + 1])
@pytest.mark.parametrize("damage", ["flip", "cut", "grow", "remove"])
@pytest.mark.parametrize("reach", [Reach.HOST, Reach.NETWORK])
def test_a_damaged_file_is_not_handed_out(
    store: ArtifactStore, monkeypatch: pytest.MonkeyPatch, size: int, damage: str, reach: Reach
) -> None:
    monkeypatch.setattr(type(store), "reach", reach)
    record = written(store, a=b"x" * size, b=b"fine")
    place = store.local_path(f"{record.stored}/a")
    assert place is not None
    content = {"flip": b"x" * (size - 1) + b"y", "cut": b"x" * (size - 1), "grow": b"x" * (size + 1)}
    if damage == "remove":
        place.unlink()
    else:
        place.write_bytes(content[damage])
    reader = ArtifactReader(store, record)
    for use in (reader.open, reader.get, lambda name: reader.local_path(name).__enter__()):
        with pytest.raises(ArtifactError, match=r"'?a'?"):
            use("a")
    assert reader.get("b") == b"fine"


@pytest.mark.parametrize("reach", [Reach.HOST, Reach.NETWORK])
def test_a_large_file_is_read_as_a_file(
    store: ArtifactStore, monkeypatch: pytest.MonkeyPatch, reach: Reach
) -> None:
    monkeypatch.setattr(type(store), "reach", reach)
    content = bytes(range(256)) * 8192
    reader = ArtifactReader(store, written(store, a=content))
    with reader.open("a") as stream:
        assert stream.fileno() > 0
        assert stream.read() == content
    with reader.local_path("a") as path:
        assert path.read_bytes() == content


def test_a_store_without_local_paths_gives_copies(
    store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = written(store, a=b"content")
    monkeypatch.setattr(type(store), "local_path", lambda *_: None)
    with ArtifactReader(store, record).local_path("a") as path:
        assert path.read_bytes() == b"content"
    assert not path.exists()


def test_a_file_that_is_not_there_is_named_with_those_that_are(store: ArtifactStore) -> None:
    with pytest.raises(ArtifactError, match=r"no file 'b', it has \['a'\]"):
        ArtifactReader(store, written(store, a=b"")).open("b")


@pytest.mark.parametrize("manifest", [b"{}", b"not json", b""])
def test_a_manifest_that_is_not_the_recorded_one_is_refused(store: ArtifactStore, manifest: bytes) -> None:
    record = written(store, a=b"1")
    place = store.local_path(f"{record.stored}/{MANIFEST}")
    assert place is not None
    place.write_bytes(manifest)
    with pytest.raises(ArtifactError, match=rf"{record.id}.*step 'train'.*not the recorded one"):
        ArtifactReader(store, record).get("a")
    with pytest.raises(ArtifactError, match="cannot be read"):
        ArtifactReader(store, record.model_copy(update={"digest": digest_bytes(manifest)})).get("a")


@pytest.mark.parametrize("way", ["open", "local_path"])
def test_a_copy_that_has_no_room_here_is_told_as_such(
    store: ArtifactStore, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(type(store), "reach", Reach.NETWORK)
    monkeypatch.setattr(type(store), "local_path", lambda *_: None)
    reader = ArtifactReader(store, written(store, large=bytes(2 * MEGABYTE)))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MEGABYTE, hard))
    try:
        with pytest.raises(StoreError, match=r"copy of an artifact cannot be written to .*large") as caught:
            reader.open("large") if way == "open" else reader.local_path("large").__enter__()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not isinstance(caught.value, ArtifactError)
    assert "TMPDIR" in (caught.value.hint or "")
