from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dovetail.components.artifact_store import ArtifactStore
from dovetail.errors import ArtifactError, MaterializerError, StoreError
from dovetail.hashing import digest_bytes
from dovetail.materializers.artifacts import load_artifact, save_artifact
from dovetail.materializers.base import BaseMaterializer
from dovetail.materializers.files import ArtifactReader, ArtifactWriter
from dovetail.materializers.intact import damage, verify_artifact
from dovetail.materializers.registry import JSON, PICKLE, load_materializer
from dovetail.names import new_id
from dovetail.records.artifact import MANIFEST, ArtifactRecord, FileEntry, Manifest, artifact_directory
from dovetail.records.plan import MaterializerRef

Keep = Callable[..., ArtifactRecord]
Read = Callable[..., Any]

nested = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
)


class TwoFiles(BaseMaterializer):
    """Writes two files; does what its class attribute says in between."""

    name = "two-files"
    between: Callable[[], object] = staticmethod(lambda: None)

    def save(self, value: Any, files: ArtifactWriter) -> None:
        files.put("one", b"1")
        type(self).between()
        files.put("two", b"2")

    def load(self, annotation: Any, files: ArtifactReader) -> Any:
        return files.get("one") + files.get("two")


CUSTOM = MaterializerRef(name="custom/TwoFiles", reference=f"{__name__}:TwoFiles")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(nested)
def test_a_value_is_stored_and_read_back(keep: Keep, read: Read, store: ArtifactStore, value: Any) -> None:
    record = keep(value, Any)
    assert read(record) == value
    assert verify_artifact(store, record) == []
    assert damage(store, record) is None


def test_the_manifest_says_nothing_of_time_or_place(keep: Keep, store: ArtifactStore) -> None:
    first, second = keep({"a": {1, 2, 3}}, dict), keep({"a": {3, 2, 1}}, dict)
    assert first.digest == second.digest
    manifest = Manifest.from_json(store.get(f"{first.stored}/{MANIFEST}"))
    assert manifest.materializer == JSON
    assert manifest.type == "dict"
    assert [each.path for each in manifest.files] == ["value.json"]


def test_the_manifest_is_written_last(store: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    put = type(store).put
    monkeypatch.setattr(
        type(store), "put", lambda self, path, data: (order.append(path), put(self, path, data))
    )
    save_artifact(store, new_id(), TwoFiles(), CUSTOM, "Any", None)
    assert [path.rpartition("/")[2] for path in order] == ["one", "two", MANIFEST]


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (ZeroDivisionError("by zero"), MaterializerError),
        (StoreError("full"), StoreError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_a_failure_leaves_nothing_and_keeps_its_cause(
    store: ArtifactStore, monkeypatch: pytest.MonkeyPatch, raised: BaseException, told: type[BaseException]
) -> None:
    def fail() -> None:
        raise raised

    monkeypatch.setattr(TwoFiles, "between", staticmethod(fail))
    with pytest.raises(told) as caught:
        save_artifact(store, new_id(), TwoFiles(), CUSTOM, "Any", None)
    assert caught.value is raised or caught.value.__cause__ is raised
    assert list(store.entries()) == []


def test_a_second_artifact_under_one_id_leaves_the_first_as_it_is(store: ArtifactStore) -> None:
    artifact_id = new_id()
    save_artifact(store, artifact_id, TwoFiles(), CUSTOM, "Any", None)
    with pytest.raises(ArtifactError, match="exists already"):
        save_artifact(store, artifact_id, TwoFiles(), CUSTOM, "Any", None)
    assert len(list(store.entries(artifact_directory(artifact_id)))) == 3


@pytest.mark.parametrize(
    ("value", "annotation", "place"),
    [
        ("1", int, "the value"),
        ([1, "a"], list[int], "the value[1]"),
        ({"a": None}, dict[str, int], "['a']"),
        (1, str, "the value"),
        ("a/b", Path, "the value"),
        ("x", bytes, "the value"),
    ],
)
def test_a_value_that_is_not_as_declared_is_refused(
    keep: Keep, store: ArtifactStore, value: Any, annotation: Any, place: str
) -> None:
    with pytest.raises(MaterializerError, match="an output declared") as caught:
        keep(value, annotation)
    assert place in caught.value.message
    assert list(store.entries()) == []


def test_a_reader_with_another_annotation_is_refused(keep: Keep, read: Read) -> None:
    record = keep([1, 2], list[int])
    assert read(record, list[float]) == read(record, None) == [1, 2]
    with pytest.raises(MaterializerError, match=r"declared 'list\[str\]'"):
        read(record, list[str])


def test_a_summary_that_is_no_json_is_refused(store: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TwoFiles, "summary", lambda *_: {"rows": {1, 2}})
    with pytest.raises(MaterializerError, match="summary"):
        save_artifact(store, new_id(), TwoFiles(), CUSTOM, "Any", None)
    assert list(store.entries()) == []


def test_versions_of_plan_and_program_have_to_agree(keep: Keep, store: ArtifactStore) -> None:
    newer = JSON.model_copy(update={"version": 2})
    with pytest.raises(MaterializerError, match="writes version 1, the plan says 2"):
        keep(1, int, newer)
    manifest = Manifest(format=1, type="int", materializer=newer, files=())
    record = keep(1, int).model_copy(
        update={"id": new_id(), "materializer": newer, "digest": manifest.content_digest()}
    )
    store.put(f"{record.stored}/{MANIFEST}", manifest.to_json())
    with pytest.raises(MaterializerError, match="version 2"):
        load_artifact(store, record, int, load_materializer(JSON))


def change(store: ArtifactStore, path: str, how: str) -> None:
    place = store.local_path(path)
    assert place is not None
    content = place.read_bytes()
    if how == "remove":
        place.unlink()
    elif how == "cut":
        place.write_bytes(content[:-1])
    else:
        place.write_bytes(bytes([content[0] ^ 1]) + content[1:])


@pytest.mark.parametrize("how", ["flip", "cut", "remove"])
@pytest.mark.parametrize("file", ["value.json", MANIFEST])
def test_g07_every_damage_is_found_and_named(
    keep: Keep, read: Read, store: ArtifactStore, how: str, file: str
) -> None:
    record = keep([1, 2, 3], list[int])
    change(store, f"{record.stored}/{file}", how)
    problems = verify_artifact(store, record)
    assert len(problems) == 1
    assert file in problems[0]
    with pytest.raises(ArtifactError, match=record.id):
        read(record)


def test_g07_swapped_and_added_files_are_found(keep: Keep, store: ArtifactStore) -> None:
    one, other = keep([1], list), keep([2], list)
    places = [store.local_path(f"{each.stored}/value.json") for each in (one, other)]
    assert places[0] is not None
    assert places[1] is not None
    swapped = places[0].read_bytes()
    places[0].write_bytes(places[1].read_bytes())
    places[1].write_bytes(swapped)
    store.put(f"{other.stored}/extra", b"")
    assert len(verify_artifact(store, one)) == 1
    assert verify_artifact(store, other)[1:] == ["'extra' does not belong to the artifact"]


class Hostile:
    """Touches a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.target,)


def place_pickle(
    store: ArtifactStore, record: ArtifactRecord, target: Path, manifest_ref: MaterializerRef
) -> ArtifactRecord:
    """Put a hostile pickle in the place of an artifact's files; return the record with its digest."""
    store.delete(record.stored)
    data = pickle.dumps(Hostile(target))
    files = []
    for name in ("value.pkl", "value.json"):
        store.put(f"{record.stored}/{name}", data)
        files.append(FileEntry(path=name, size=len(data), digest=digest_bytes(data)))
    manifest = Manifest(format=1, type="int", materializer=manifest_ref, files=tuple(files))
    store.put(f"{record.stored}/{MANIFEST}", manifest.to_json())
    return record.model_copy(update={"digest": manifest.content_digest(), "files": tuple(files)})


@pytest.mark.parametrize("manifest_ref", [JSON, PICKLE])
@pytest.mark.parametrize("fitting", [True, False])
@pytest.mark.parametrize("materializer", [JSON, PICKLE])
def test_g11_a_pickle_placed_as_an_artifact_runs_nothing(
    keep: Keep,
    store: ArtifactStore,
    tmp_path: Path,
    manifest_ref: MaterializerRef,
    materializer: MaterializerRef,
    *,
    fitting: bool,
) -> None:
    record = keep(1, int)
    forged = place_pickle(store, record, tmp_path / "hacked", manifest_ref)
    with pytest.raises((ArtifactError, MaterializerError)):
        load_artifact(store, forged if fitting else record, int, load_materializer(materializer))
    verify_artifact(store, forged)
    assert not (tmp_path / "hacked").exists()


def test_g11_a_record_that_says_pickle_is_not_enough_where_the_plan_says_otherwise(
    keep: Keep, store: ArtifactStore, tmp_path: Path
) -> None:
    forged = place_pickle(store, keep(1, int), tmp_path / "hacked", PICKLE).model_copy(
        update={"materializer": PICKLE}
    )
    with pytest.raises(ArtifactError, match=r"stored by 'builtin/pickle', expected was 'builtin/json'"):
        load_artifact(store, forged, int, load_materializer(PICKLE), JSON)
    assert not (tmp_path / "hacked").exists()
    load_artifact(store, forged, None, load_materializer(PICKLE), PICKLE)
    assert (tmp_path / "hacked").exists(), "the file does what the tests above say it does not"


def test_a_pickle_that_an_output_names_comes_back(keep: Keep, read: Read) -> None:
    record = keep(lambda x: x + 1, Any, PICKLE)
    assert read(record)(1) == 2
    assert not load_materializer(PICKLE).deterministic


def test_what_cannot_be_pickled_is_told(keep: Keep, store: ArtifactStore) -> None:
    with pytest.raises(MaterializerError, match="generator"):
        keep((x for x in ()), Any, PICKLE)
    assert list(store.entries()) == []


def test_loading_plain_artifacts_never_imports_pickle_of_the_cloud() -> None:
    code = "import dovetail.materializers.artifacts, dovetail.materializers.registry as r, sys\n"
    code += "r.load_materializer(r.JSON)\nassert 'cloudpickle' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
