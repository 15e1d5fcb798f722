from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dovetail.client.neighbours import neighbours
from dovetail.client.pruning import Findings, Kind, Pruning
from dovetail.components.metadata_store import Facts
from dovetail.names import made_at, new_id
from dovetail.records.artifact import MANIFEST, artifact_directory
from dovetail.records.record import now
from dovetail.records.report import Reason, StepReport, code_path, job_path, log_path, report_path
from dovetail.records.run import AttemptRecord, Status
from dovetail.records.stack import StackRecord
from dovetail.stacks.assemble import assemble, stack_record
from dovetail.stacks.profile import Profile, Registered
from dovetail.stacks.profile_store import ProfileStore, create_profile, open_profile
from dovetail.stacks.stack import LiveStack
from dovetail.stacks.workspace import home
from dovetail.testing.recorded_run import RecordedRun
from dovetail.testing.run_facts import new_artifact

HOUR = 3600


@pytest.fixture
def first(stack: LiveStack) -> RecordedRun:
    run = RecordedRun(stack, name="first")
    run.complete("load", [1, 2, 3], log=b"loading")
    return run


@pytest.fixture
def pruning(stack: LiveStack, first: RecordedRun) -> Pruning:
    return Pruning(stack.metadata_store, stack.artifact_store)


def leave_behind(stack: LiveStack) -> str:
    """Store an artifact as an attempt does that is then killed."""
    artifact = new_id()
    stack.artifact_store.put(f"{artifact_directory(artifact)}/value.json", b"12345")
    stack.artifact_store.put(f"{artifact_directory(artifact)}/{MANIFEST}", b"{}")
    return artifact


def kinds(found: Findings) -> dict[str, Kind]:
    return {each.id: each.kind for each in found.waste}


def test_an_id_tells_when_it_was_made() -> None:
    before = now()
    assert before // 1000 * 1000 <= made_at(new_id()) <= now()


def test_where_everything_is_referred_to_nothing_is_found(pruning: Pruning, first: RecordedRun) -> None:
    first.end()
    assert pruning.find() == Findings()


def test_code_goes_that_no_recorded_run_refers_to(
    stack: LiveStack, pruning: Pruning, first: RecordedRun
) -> None:
    used, loose = (code_path(f"blake3:{digit * 64}") for digit in "ab")
    for each in (used, loose, "code/aa/by-hand.txt"):
        stack.artifact_store.put(each, b"archive")
    stack.artifact_store.put(job_path(first.run.id, 1), b'{"code": "blake3:%s"}' % (b"a" * 64))
    stack.artifact_store.put(job_path(new_id(), 1), b'{"code": "blake3:%s"}' % (b"b" * 64))
    assert Kind.CODE not in kinds(pruning.find()).values(), "a run goes on, which may have found it there"
    assert pruning.find().left == 1
    first.end()
    found = pruning.find()
    assert [each.directory for each in found.waste if each.kind is Kind.CODE] == [loose]
    assert loose in {each.directory for each in pruning.remove(found.waste)}
    assert [stack.artifact_store.size(each) for each in (used, loose)] == [7, None]
    assert stack.artifact_store.size("code/aa/by-hand.txt") == 7
    assert pruning.find() == Findings()


def test_code_stays_that_a_run_may_have_found_there_since(
    stack: LiveStack, pruning: Pruning, first: RecordedRun
) -> None:
    first.end()
    stack.artifact_store.put(code_path("blake3:" + "c" * 64), b"archive")
    found = pruning.find()
    second = RecordedRun(stack, name="second")
    assert list(pruning.remove(found.waste)) == []
    second.end()
    assert [each.kind for each in pruning.remove(found.waste)] == [Kind.CODE]


def test_what_an_attempt_left_behind_is_found_and_removed(
    stack: LiveStack, pruning: Pruning, first: RecordedRun
) -> None:
    first.end()
    left = leave_behind(stack)
    found = pruning.find()
    assert [(each.id, each.kind, each.size) for each in found.waste] == [(left, Kind.UNRECORDED, 7)]
    assert list(pruning.remove(found.waste)) == found.waste
    assert pruning.find() == Findings()
    assert stack.artifact_store.size(f"{first.artifacts['load'].stored}/{MANIFEST}") is not None


def test_what_a_live_run_may_be_writing_stays_and_is_counted(
    stack: LiveStack, pruning: Pruning, first: RecordedRun
) -> None:
    left = leave_behind(stack)
    assert pruning.find() == Findings(left=1)
    first.leave()
    assert kinds(pruning.find()) == {left: Kind.UNRECORDED}


def test_what_is_much_older_than_any_live_run_goes(
    stack: LiveStack, pruning: Pruning, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("time.time_ns", lambda: int(time.time() - 2 * HOUR) * 10**9)
        left = leave_behind(stack)
    assert kinds(pruning.find()) == {left: Kind.UNRECORDED}


@pytest.mark.parametrize("status", [Status.RUNNING, Status.FAILED])
def test_what_a_report_tells_that_nobody_took_in_stays(
    stack: LiveStack, pruning: Pruning, first: RecordedRun, status: Status
) -> None:
    artifact = new_artifact(first.run, "train", id=leave_behind(stack))
    attempt = AttemptRecord(
        id=new_id(), run_id=first.run.id, step="train", number=1, status=status, started=1
    )
    stack.metadata_store.record(Facts(attempts=[attempt]), first.lease)
    report = StepReport(
        format=1, run_id=first.run.id, step="train", attempt=attempt.id, number=1, epoch=1,
        status=Status.COMPLETED, reason=Reason.COMPLETED, started=1, finished=2, duration=1,
        outputs=(artifact,),
    )  # fmt: skip
    stack.artifact_store.put(report_path(first.run.id, attempt.id), report.to_json())
    first.leave()
    assert kinds(pruning.find()) == ({} if status is Status.RUNNING else {artifact.id: Kind.UNRECORDED})


def test_an_artifact_that_no_step_has_goes_record_first(
    stack: LiveStack, pruning: Pruning, first: RecordedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    loose = new_artifact(first.run, "load", id=leave_behind(stack))
    stack.metadata_store.record(Facts(artifacts=[loose]), first.lease)
    assert pruning.find() == Findings()
    first.end()
    found = pruning.find()
    assert kinds(found) == {loose.id: Kind.ARTIFACT}
    with monkeypatch.context() as patch:
        patch.setattr(stack.artifact_store, "delete", None)
        with pytest.raises(TypeError):
            list(pruning.remove(found.waste))
    assert kinds(pruning.find()) == {loose.id: Kind.UNRECORDED}


def test_the_files_of_a_run_go_when_it_is_not_recorded(
    stack: LiveStack, pruning: Pruning, first: RecordedRun
) -> None:
    gone = RecordedRun(stack, name="gone")
    gone.complete("load", 1, log=b"12")
    stack.metadata_store.delete_run(gone.run.id, gone.lease)
    gone.leave()
    first.end()
    found = pruning.find()
    assert kinds(found) == {gone.run.id: Kind.RUN, gone.artifacts["load"].id: Kind.UNRECORDED}
    assert len(list(pruning.remove(found.waste))) == 2
    assert {path.split("/")[2] for path, _ in stack.artifact_store.entries("runs")} == {first.run.id}


def test_what_is_referred_to_by_now_stays(stack: LiveStack, pruning: Pruning, first: RecordedRun) -> None:
    first.end()
    artifact, run = leave_behind(stack), RecordedRun(stack, name="later")
    loose = new_artifact(run.run, "load")
    found = Pruning(stack.metadata_store, stack.artifact_store).find()
    stack.artifact_store.put(log_path(run.run.id, "x"), b"1")
    stack.metadata_store.record(Facts(artifacts=[loose, new_artifact(run.run, "x", id=artifact)]), run.lease)
    run.reuse("load", loose)
    assert list(pruning.remove(found.waste)) == []
    assert stack.artifact_store.size(f"{artifact_directory(artifact)}/value.json") == 5


def test_what_is_not_named_by_an_id_is_none_of_ours(
    stack: LiveStack, pruning: Pruning, first: RecordedRun
) -> None:
    first.end()
    for path in ("artifacts/notes.txt", "artifacts/xx/mine/file", "models/x", f"artifacts/00/{new_id()}1/f"):
        stack.artifact_store.put(path, b"1")
    assert pruning.find() == Findings()


def test_what_another_index_has_too_stays(stack: LiveStack, first: RecordedRun, tmp_path: Path) -> None:
    loose = new_artifact(first.run, "load", id=leave_behind(stack))
    stack.metadata_store.record(Facts(artifacts=[loose]), first.lease)
    first.end()
    with another_stack(open_profile(), tmp_path) as other:
        run = RecordedRun(other, name="copied")
        alone = Pruning(stack.metadata_store, stack.artifact_store).find()
        other.metadata_store.record(
            Facts(artifacts=[loose.model_copy(update={"run_id": run.run.id})]), run.lease
        )
        together = Pruning(stack.metadata_store, stack.artifact_store, [other.metadata_store])
        assert kinds(alone) == {loose.id: Kind.ARTIFACT}
        assert together.find() == Findings()
        assert list(together.remove(alone.waste)) == []
        assert stack.metadata_store.artifacts_by_id([loose.id])
        run.leave()


def test_what_is_found_says_of_which_run_and_step_it_is(
    stack: LiveStack, pruning: Pruning, first: RecordedRun
) -> None:
    stack.metadata_store.record(Facts(artifacts=[new_artifact(first.run, "load")]), first.lease)
    first.end()
    assert [(each.run, each.step) for each in pruning.find().waste] == [("first", "load")]


@contextmanager
def another_stack(profile: ProfileStore, tmp_path: Path) -> Iterator[LiveStack]:
    """Register and open a stack in `profile` with the same artifact store and a metadata store of its own."""

    def share(document: Profile) -> StackRecord:
        path = str(tmp_path / "own.db")
        document.add_component(Registered("metadata_store", "own", "dovetail/sqlite", {"path": path}))
        parts = {"orchestrator": "local", "artifact_store": "local", "metadata_store": "own"}
        document.add_stack("other", parts)
        return stack_record(document, "other")

    with assemble(profile.edit(share)) as made:
        made.metadata_store.open()
        yield made


@pytest.mark.parametrize("profile", ["default", "team"])
def test_stacks_of_any_profile_that_share_the_artifacts_are_asked_as_well(
    stack: LiveStack, tmp_path: Path, profile: str
) -> None:
    store = open_profile() if profile == "default" else create_profile(profile)
    with another_stack(store, tmp_path) as other:
        around = neighbours(stack.record)
        assert [(each.profile, each.stack.name) for each in around.found] == [(profile, "other")]
        run = RecordedRun(other, name="elsewhere")
        made = run.complete("load", [1]).id
        run.end()
        stack.metadata_store.open()
        alone = Pruning(stack.metadata_store, stack.artifact_store)
        assert set(kinds(alone.find())) == {made}
        together = Pruning(stack.metadata_store, stack.artifact_store, [other.metadata_store])
        assert together.find() == Findings()


def test_a_profile_that_cannot_be_read_is_told(stack: LiveStack) -> None:
    create_profile("team")
    (home() / "profiles" / "team.yaml").write_text("format: 99\n", encoding="utf-8")
    around = neighbours(stack.record)
    assert (around.found, list(around.unread)) == ([], ["profile 'team'"])
