"""Tests of the rehearsal in the warm process."""

from __future__ import annotations

from pathlib import Path

import pytest

from dovetail import failpoints
from dovetail.execution.attempt.job import Job, WorkerComponent
from dovetail.execution.attempt.step_runner import Worker
from dovetail.execution.rehearsal import FEWEST, rehearse
from dovetail.records.report import StepReport, StepTask
from dovetail.records.run import Status
from dovetail.records.stack import ComponentRecord
from dovetail.testing.run_facts import chain

LOCAL = "dovetail.builtin.local_artifact_store:LocalArtifactStore"


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> list[StepReport]:
    made: list[StepReport] = []
    run = Worker.run

    def noted(worker: Worker, task: StepTask) -> StepReport:
        made.append(run(worker, task))
        return made[-1]

    monkeypatch.setattr(Worker, "run", noted)
    return made


def _job(steps: int, home: Path, implementation: str = LOCAL) -> Job:
    record = ComponentRecord(type="artifact_store", name="default", flavor="dovetail/local")
    store = WorkerComponent(
        record=record, config=f"{LOCAL}Config", implementation=implementation, home=str(home)
    )
    plan = chain(*(f"step_{index}" for index in range(steps)))
    return Job(
        format=1, run_id="r", run_name="r", plan=plan, components={"artifact_store": store}, source_root="."
    )


def test_a_rehearsal_completes_its_attempts_and_leaves_nothing(
    tmp_path: Path, reports: list[StepReport]
) -> None:
    rehearse(_job(FEWEST, tmp_path / "home"), tmp_path)
    assert reports
    assert {each.status for each in reports} == {Status.COMPLETED}
    assert list(tmp_path.iterdir()) == []


def test_what_a_child_does_once_more_writes_no_file(tmp_path: Path, reports: list[StepReport]) -> None:
    again = rehearse(_job(FEWEST, tmp_path / "home"), tmp_path)
    reports.clear()
    for _ in range(2):
        again()
    assert [each.status for each in reports] == [Status.COMPLETED] * 2
    assert list(tmp_path.iterdir()) == []


def test_few_steps_are_not_worth_a_rehearsal(tmp_path: Path, reports: list[StepReport]) -> None:
    rehearse(_job(FEWEST - 1, tmp_path), tmp_path)
    assert reports == []


def test_another_store_is_not_touched(tmp_path: Path, reports: list[StepReport]) -> None:
    rehearse(_job(FEWEST, tmp_path, "elsewhere:Store"), tmp_path)
    assert reports == []


def test_an_armed_failpoint_meets_the_step_and_not_the_rehearsal(
    tmp_path: Path, reports: list[StepReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failpoints, "_armed", {"report": ["raise", 1]})
    rehearse(_job(FEWEST, tmp_path), tmp_path)
    assert reports == []


def test_a_directory_that_is_gone_is_no_error(tmp_path: Path, reports: list[StepReport]) -> None:
    rehearse(_job(FEWEST, tmp_path), tmp_path / "gone")()
    assert {each.status for each in reports} == {Status.COMPLETED}
