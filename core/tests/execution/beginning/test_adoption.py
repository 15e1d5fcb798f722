"""Adoption: whatever state a dead launcher left, reports are taken in and what is completed is checked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dovetail.builtin.memory_artifact_store import MemoryArtifactStore, MemoryArtifactStoreConfig
from dovetail.builtin.sqlite import SqliteMetadataStore, SqliteMetadataStoreConfig
from dovetail.components.metadata_store import Facts, Lease
from dovetail.execution.beginning.adoption import Adoption, adopt
from dovetail.execution.recorder import Recorder
from dovetail.materializers.artifacts import save_artifact
from dovetail.materializers.registry import load_materializer
from dovetail.names import new_id
from dovetail.records.artifact import ArtifactRecord, artifact_directory
from dovetail.records.record import now
from dovetail.records.report import Failure, Reason, StepReport, report_path
from dovetail.records.run import AttemptRecord, MetricRecord, RunRecord, Status, StepRunRecord
from dovetail.testing.run_facts import JSON, chain, metric, new_artifact, new_run


class Left:
    """A run of two steps as a launcher that died has left it."""

    def __init__(self, folder: Path) -> None:
        self.metadata = SqliteMetadataStore(
            "test", SqliteMetadataStoreConfig(path=str(folder / "facts.db")), home=folder
        )
        self.metadata.open()
        self.store = MemoryArtifactStore("test", MemoryArtifactStoreConfig(), home=folder)
        self.plan = chain("load", "train")
        run = new_run(self.plan)
        self.lease: Lease = self.metadata.acquire(run.id)
        self.run: RunRecord = self.metadata.begin(run, self.plan.to_json(), self.lease)

    def artifact(self, step: str) -> ArtifactRecord:
        """Store the output of a step."""
        made = new_artifact(self.run, step)
        manifest, _ = save_artifact(self.store, made.id, load_materializer(JSON), JSON, made.type, 1, int)
        size = sum(each.size for each in manifest.files)
        update = {"files": manifest.files, "digest": manifest.content_digest(), "size": size}
        return made.model_copy(update={**update, "created": now()})

    def completed(self, step: str) -> ArtifactRecord:
        """Record a completed step."""
        made = self.artifact(step)
        record = StepRunRecord(
            run_id=self.run.id, step=step, status=Status.COMPLETED, attempts=1, outputs={"output": made.id}
        )
        self.metadata.record(Facts([record], [self.attempt(step, Status.COMPLETED)], [made]), self.lease)
        return made

    def attempt(self, step: str, status: Status = Status.RUNNING) -> AttemptRecord:
        return AttemptRecord(
            id=new_id(), run_id=self.run.id, step=step, number=1, status=status, started=now()
        )

    def running(self, step: str, **report: Any) -> AttemptRecord:
        """Record a step as running; leave a report of its attempt where something is said of it."""
        attempt = self.attempt(step)
        record = StepRunRecord(run_id=self.run.id, step=step, status=Status.RUNNING, attempts=1)
        self.metadata.record(Facts([record], [attempt]), self.lease)
        if report:
            made: dict[str, Any] = {
                "run_id": self.run.id, "step": step, "attempt": attempt.id, "number": 1, "epoch": 1,
                "started": 1, "finished": 2, "duration": 1e-6, "status": Status.COMPLETED,
                "reason": Reason.COMPLETED,
            }  # fmt: skip
            told = StepReport(format=1, **{**made, **report})
            self.store.put(report_path(self.run.id, attempt.id), told.to_json())
        return attempt

    def adopt(self) -> Adoption:
        recorder = Recorder(self.metadata, self.lease)
        found = adopt(self.plan, self.run, self.metadata, self.store, recorder)
        recorder.flush()
        return found

    def steps(self) -> dict[str, StepRunRecord]:
        return {each.step: each for each in self.metadata.steps(self.run.id)}


@pytest.fixture
def left(tmp_path: Path) -> Iterator[Left]:
    made = Left(tmp_path)
    yield made
    made.lease.release()
    made.metadata.close()


def test_a_report_of_a_completed_attempt_settles_its_step(left: Left) -> None:
    made = left.artifact("load")
    loss: MetricRecord = metric(left.run, "load", "loss", 0.5)
    left.running("load", outputs=(made,), metrics=(loss,))
    found = left.adopt()
    assert found.settled["load"].artifacts == {"output": made}
    assert left.steps()["load"].status is Status.COMPLETED
    assert [each.status for each in left.metadata.attempts(left.run.id)] == [Status.COMPLETED]
    assert left.metadata.metrics(left.run.id) == [loss]
    assert found.attempts == {"load": 1}


def test_a_report_of_a_failed_attempt_is_kept_and_the_step_is_left_to_run(left: Left) -> None:
    failure = Failure(type="ValueError", bases=("builtins.ValueError",), message="no", traceback="lines")
    left.running("load", status=Status.FAILED, reason=Reason.ERROR, failure=failure)
    assert left.adopt().settled == {}
    (attempt,) = left.metadata.attempts(left.run.id)
    assert (attempt.status, attempt.reason, attempt.error, attempt.traceback) == (
        "failed", "error", "ValueError: no", "lines",
    )  # fmt: skip


def test_an_attempt_without_a_report_is_lost(left: Left) -> None:
    left.running("load")
    found = left.adopt()
    (attempt,) = left.metadata.attempts(left.run.id)
    assert (found.settled, attempt.status, attempt.reason) == ({}, "failed", "lost")


def test_a_report_of_another_attempt_is_none(left: Left) -> None:
    left.running("load", attempt=new_id(), outputs=(left.artifact("load"),))
    assert left.adopt().settled == {}


def test_a_completed_step_whose_artifact_is_whole_is_settled_as_it_is(left: Left) -> None:
    left.completed("load")
    before = left.steps()
    found = left.adopt()
    assert (found.settled["load"].record, found.lost) == (before["load"], {})
    assert left.steps() == before


def test_a_completed_step_whose_artifact_is_gone_is_reopened_and_another_is_not(left: Left) -> None:
    gone = left.completed("load")
    left.completed("train")
    left.store.delete(artifact_directory(gone.id))
    found = left.adopt()
    assert (found.settled.keys(), found.lost.keys()) == ({"train"}, {"load"})
    load = left.steps()["load"]
    assert (load.status, load.outputs, load.attempts) == (Status.FAILED, {}, 1)
    assert load.error is not None
    assert load.error.startswith("its output is lost: output 'output'")


def test_a_reported_step_whose_artifact_is_gone_is_reopened_too(left: Left) -> None:
    made = left.artifact("load")
    left.running("load", outputs=(made,))
    left.store.delete(artifact_directory(made.id))
    found = left.adopt()
    assert (found.settled, found.lost.keys()) == ({}, {"load"})
    assert left.steps()["load"].status is Status.FAILED


def test_nothing_is_changed_before_the_recorder_is_flushed(left: Left) -> None:
    made = left.artifact("load")
    left.running("load", outputs=(made,))
    left.running("train")
    before = left.steps(), left.metadata.attempts(left.run.id), left.metadata.count()
    recorder = Recorder(left.metadata, left.lease)
    found = adopt(left.plan, left.run, left.metadata, left.store, recorder)
    assert found.settled["load"].artifacts == {"output": made}
    assert (left.steps(), left.metadata.attempts(left.run.id), left.metadata.count()) == before


def test_adopting_twice_finds_the_same(left: Left) -> None:
    left.running("load", outputs=(left.artifact("load"),))
    left.running("train")
    assert left.adopt() == left.adopt()
