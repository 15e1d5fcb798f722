"""`dovetail artifact export|import`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail.client import Client
from dovetail.components.metadata_store import Facts
from dovetail.execution.artifact_import import import_archive
from dovetail.materializers.artifacts import save_artifact
from dovetail.materializers.intact import verify_artifact
from dovetail.materializers.pickle_value import PickleMaterializer
from dovetail.materializers.registry import PICKLE
from dovetail.records.plan import MaterializerRef
from dovetail.stacks.stack import LiveStack
from dovetail.testing.recorded_run import RecordedRun
from dovetail.testing.run_facts import new_artifact

Cli = Callable[..., Any]


@pytest.fixture
def first(stack: LiveStack) -> RecordedRun:
    run = RecordedRun(stack, name="first")
    for step, value in {"load": [1, 2, 3], "train": {"a": 1.5}}.items():
        run.complete(step, value)
    run.end()
    return run


def everything(stack: LiveStack) -> list[Any]:
    return [sorted(stack.artifact_store.entries("artifacts")), stack.metadata_store.count()]


def test_what_was_exported_is_imported_and_loads(dovetail: Cli, stack: LiveStack, first: RecordedRun) -> None:
    exported = dovetail("artifact export --run first -o all.tar")
    assert exported.err.startswith("exported 2 artifacts, ")
    found = dovetail("artifact import all.tar --json").json
    assert [each["output"] for each in found["artifacts"]] == ["load.output", "train.output"]
    assert found["artifacts"][0]["imported"] == {
        "artifact": first.artifacts["load"].id,
        "run": first.run.id,
        "step": "load",
        "output": "output",
        "created": first.artifacts["load"].created,
    }
    with Client() as client:
        run = client.run("last")
        assert (run.name, run.pipeline, run.status) == (found["run"], "artifact-import", "completed")
        assert [each.load() for each in run.outputs.values()] == [[1, 2, 3], {"a": 1.5}]
        assert [each.producer.name for each in run.outputs.values()] == ["import"] * 2
        assert all(verify_artifact(stack.artifact_store, each.record) == [] for each in run.outputs.values())
    assert dovetail("artifact prune --yes").err.endswith("\nnothing is there that no run refers to\n")


def test_an_import_goes_into_a_store_of_its_own(
    dovetail: Cli, first: RecordedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = first.artifacts["train"].id
    dovetail(f"artifact export {one} {one} -o {tmp_path}/one.tar")
    (tmp_path / "elsewhere" / ".dovetail").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "elsewhere")
    for _ in range(2):  # again: the same content under another id
        shown = dovetail("artifact import ../one.tar")
        assert shown.code == 0
        assert one in shown.out
    found = dovetail("artifact list --json").json
    assert {each["output"] for each in found} == {"output"}
    assert len({each["id"] for each in found}) == 2
    assert {each["digest"] for each in found} == {first.artifacts["train"].digest}


def test_an_export_replaces_nothing_and_leaves_nothing_half_done(
    dovetail: Cli, stack: LiveStack, first: RecordedRun, tmp_path: Path
) -> None:
    (tmp_path / "taken.tar").write_text("mine")
    shown = dovetail("artifact export --run first -o taken.tar")
    assert (shown.code, (tmp_path / "taken.tar").read_text()) == (6, "mine")
    record = first.artifacts["load"]
    stack.artifact_store.delete(f"{record.stored}/value.json")
    stack.artifact_store.put(f"{record.stored}/value.json", b"[1,2,4]")
    shown = dovetail("artifact export --run first -o new.tar")
    assert shown.code == 8
    assert record.id in shown.err
    assert sorted(each.name for each in tmp_path.iterdir()) == ["taken.tar"]


@pytest.mark.parametrize("words", ["", "--run gone -o x", "-o x"])
def test_what_cannot_be_exported_is_one_message(dovetail: Cli, first: RecordedRun, words: str) -> None:
    shown = dovetail(f"artifact export {words}")
    assert shown.code in {2, 5}
    assert shown.err.count("error:") == 1


def test_of_a_damaged_archive_nothing_is_taken_in(
    dovetail: Cli, stack: LiveStack, first: RecordedRun
) -> None:
    dovetail("artifact export --run first -o all.tar")
    data = bytearray(Path("all.tar").read_bytes())
    data[-1600] ^= 1
    Path("all.tar").write_bytes(data)
    before = everything(stack)
    shown = dovetail("artifact import all.tar")
    assert shown.code == 8
    assert shown.err.startswith("error: 'all.tar' is no whole archive of artifacts")
    assert everything(stack) == before


def test_an_import_that_fails_leaves_nothing(
    dovetail: Cli, stack: LiveStack, first: RecordedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    dovetail("artifact export --run first -o all.tar")
    before = everything(stack)
    with Client() as client, monkeypatch.context() as patch:
        patch.setattr(client.records.metadata, "record", None)
        with pytest.raises(TypeError):
            import_archive(client, Path("all.tar"))
    assert everything(stack) == before
    assert [each["name"] for each in dovetail("run list --json").json] == ["first"]


class Hostile:
    """Touches a file when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("hacked"),)


def pickled(stack: LiveStack, first: RecordedRun, ref: MaterializerRef) -> str:
    """Record a hostile pickle as an artifact; return its id."""
    record = new_artifact(first.run, "load", "evil", materializer=ref)
    manifest, _ = save_artifact(
        stack.artifact_store, record.id, PickleMaterializer(), ref, record.type, Hostile()
    )
    size = sum(each.size for each in manifest.files)
    new = {"digest": manifest.content_digest(), "files": manifest.files, "size": size}
    lease = stack.metadata_store.acquire(first.run.id)
    stack.metadata_store.begin(first.run, b"", lease)
    stack.metadata_store.record(Facts(artifacts=[record.model_copy(update=new)]), lease)
    lease.release()
    return record.id


REFS = [
    (PICKLE, "--allow builtin/pickle"),
    (MaterializerRef(name="custom/Pickle", reference=PICKLE.reference), f"--allow {PICKLE.reference}"),
    (MaterializerRef(name="builtin/json", reference=PICKLE.reference), "is in"),
    (MaterializerRef(name="unheard-of/pickle", reference=PICKLE.reference), "is not installed"),
]


@pytest.mark.parametrize(("ref", "told"), REFS)
def test_g11_no_archive_says_by_itself_that_its_pickles_are_read(
    dovetail: Cli, stack: LiveStack, first: RecordedRun, ref: MaterializerRef, told: str
) -> None:
    artifact = pickled(stack, first, ref)
    assert dovetail(f"artifact export {artifact} -o evil.tar").code == 0
    before = everything(stack)
    shown = dovetail("artifact import evil.tar")
    assert shown.code in {3, 8}
    assert told in shown.err
    assert everything(stack) == before
    assert not Path("hacked").exists()


def test_who_trusts_an_archive_says_so(dovetail: Cli, stack: LiveStack, first: RecordedRun) -> None:
    artifact = pickled(stack, first, PICKLE)
    dovetail(f"artifact export {artifact} -o evil.tar")
    assert dovetail("artifact import evil.tar --allow builtin/pickle").code == 0
    assert dovetail("artifact verify --all").code == 0
    assert dovetail("artifact show", dovetail("artifact list --json").json[0]["id"]).code == 0
    assert not Path("hacked").exists()
    with Client() as client:
        client.run("last").step("import").output.load()
    assert Path("hacked").exists()
