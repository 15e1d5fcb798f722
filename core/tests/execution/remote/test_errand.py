"""The command line of an attempt elsewhere: what keeps it from beginning is one clear error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import dovetail
from dovetail.builtin.local_artifact_store import LocalArtifactStore, LocalArtifactStoreConfig
from dovetail.components.orchestrator import StepEnd
from dovetail.execution.attempt.job import Job, WorkerComponent
from dovetail.execution.attempt.unreported import failure_without
from dovetail.execution.intake import read_report
from dovetail.execution.remote.code_archive import store_archive
from dovetail.execution.remote.errand import Errand
from dovetail.execution.remote.requirement import python_minor
from dovetail.names import new_id
from dovetail.records.plan import MaterializerRef, OutputPlan, Plan, SourceRef, StepPlan
from dovetail.records.report import Reason, StepTask, job_path, task_path
from dovetail.records.stack import ComponentRecord

STEP = """
from pathlib import Path
from dovetail import step

@step
def word() -> str:
    print(Path("word.txt").read_text())
    return Path("word.txt").read_text()
"""
TEXT = MaterializerRef(name="builtin/text", reference="dovetail.materializers.text:TextMaterializer")


class Elsewhere:
    """An artifact store with a job and a task in it, and nothing else."""

    def __init__(self, place: Path) -> None:
        self.code = place / "code"
        self.code.mkdir()
        (self.code / "steps.py").write_text(STEP)
        (self.code / "word.txt").write_text("hello")
        self.store = LocalArtifactStore(
            "files", LocalArtifactStoreConfig(path=str(place / "files")), home=place
        )
        implementation = "dovetail.builtin.local_artifact_store:LocalArtifactStore"
        record = ComponentRecord(
            type="artifact_store",
            name="files",
            flavor="dovetail/local",
            config={"path": str(place / "files")},
        )
        self.component = WorkerComponent(
            record=record, config=f"{implementation}Config", implementation=implementation, home=str(place)
        )
        self.task = StepTask(run_id=new_id(), run_name="r", step="word", attempt=new_id(), number=1, epoch=1)

    def errand(self, materializer: MaterializerRef = TEXT) -> Errand:
        source = SourceRef(module="steps", qualname="word", path="steps.py")
        output = OutputPlan(name="output", type="str", materializer=materializer)
        plan = Plan(format=1, pipeline="p", steps=(StepPlan(name="word", source=source, outputs=(output,)),))
        digest, _ = store_archive(self.code, ["steps.py", "word.txt"], self.store)
        job = Job(
            format=1, run_id=self.task.run_id, run_name="r", plan=plan, source_root=".", code=digest,
            components={"artifact_store": self.component},
        )  # fmt: skip
        paths = job_path(self.task.run_id, 1), task_path(self.task.run_id, self.task.attempt)
        for path, each in zip(paths, (job, self.task), strict=True):
            self.store.put(path, each.to_json())
        return Errand.of(job, *paths, None)

    def end(self, command: list[str]) -> StepEnd:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd="/")
        return StepEnd(Reason.EXIT, exit_code=done.returncode, detail=done.stdout, last_words=done.stderr)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Elsewhere:
    return Elsewhere(tmp_path)


def test_the_store_and_the_command_line_suffice(elsewhere: Elsewhere, tmp_path: Path) -> None:
    command = elsewhere.errand().command()
    for each in (elsewhere.code / "steps.py", elsewhere.code / "word.txt"):
        each.unlink()
    end = elsewhere.end(command)
    assert (end.exit_code, end.detail) == (0, "hello\n"), end.last_words
    report = read_report(elsewhere.store, elsewhere.task)
    assert report is not None
    assert [each.output for each in report.outputs] == ["output"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"python": "3.99"}, "planned for Python 3.99, and the step would run on Python"),
        ({"dovetail": "99.0"}, "planned by dovetail 99.0, and the step would run with"),
    ],
)
def test_another_python_or_dovetail_is_told_before_anything_is_read(
    elsewhere: Elsewhere, change: dict[str, str], said: str
) -> None:
    command = elsewhere.errand().command()
    command[-1] = json.dumps({**json.loads(command[-1]), **change, "more": "than this version knows"})
    failure = failure_without(elsewhere.end(command))
    assert failure is not None
    assert said in failure.message
    assert failure.hint
    assert failure.type == "dovetail.errors.ConfigurationError"


def test_a_missing_wheel_is_told_before_the_step(elsewhere: Elsewhere) -> None:
    ref = MaterializerRef(name="dovetail-nowhere/array", reference="dovetail_nowhere.array:Array")
    end = elsewhere.end(elsewhere.errand(ref).command())
    failure = failure_without(end)
    assert failure is not None
    assert failure.text == "step 'word' needs 'dovetail-nowhere', not installed where it would run"
    assert failure.hint == "pip install dovetail-nowhere there"
    assert "Traceback" not in end.last_words
    assert read_report(elsewhere.store, elsewhere.task) is None


@pytest.mark.parametrize("gone", ["code", "jobs", "tasks"])
def test_what_is_gone_from_the_store_is_named(elsewhere: Elsewhere, gone: str) -> None:
    command = elsewhere.errand().command()
    for path, _ in list(elsewhere.store.entries()):
        if f"{gone}/" in path:
            elsewhere.store.delete(path)
    failure = failure_without(elsewhere.end(command))
    assert failure is not None
    assert f"{gone}/" in failure.message


def test_nothing_is_left_on_the_machine(
    elsewhere: Elsewhere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    assert elsewhere.end(elsewhere.errand().command()).exit_code == 0
    assert list(place.iterdir()) == []


def test_the_versions_are_those_of_this_process() -> None:
    assert python_minor() == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert dovetail.__version__


def test_what_is_no_errand_is_told(elsewhere: Elsewhere) -> None:
    command = [sys.executable, "-m", "dovetail.execution.entrypoint", "--errand", "{}"]
    failure = failure_without(elsewhere.end(command))
    assert failure is not None
    assert "is no errand" in failure.message
