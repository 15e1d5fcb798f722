"""G4: resuming takes in reports, keeps what is completed and runs the rest; changes have to be accepted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail import Client
from dovetail.client import RunView
from dovetail.records.run import StepRunRecord
from dovetail.testing.command_line import CommandLine

PROGRAM = """
from pathlib import Path
from dovetail import Retry, pipeline, step

def ran(name):
    with Path("witness").open("a") as file:
        file.write(name + "\\n")

@step
def load(count: int = 3) -> list[int]:
    ran("load")
    return list(range(count))

@step(retry=Retry(attempts=2))
def double(values: list[int], by: int = 2) -> list[int]:
    ran("double")
    if Path("bad").exists():
        raise ValueError("bad is there")
    return [by * value for value in values]

@step
def total(values: list[int]) -> int:
    ran("total")
    return sum(values)

@pipeline
def chain():
    total(double(load()))

chain.run()
"""


class Project:
    """A chain of three steps that note when they run, and fail in the middle while `bad` is there."""

    def __init__(self, cli: CommandLine) -> None:
        self.cli = cli
        cli.write("run.py", PROGRAM)

    def fail(self, *options: str) -> None:
        """Run it as `first`, and let it fail in the middle; in one process, that is quicker."""
        self.fail_in_processes("--in-process", *options)

    def fail_in_processes(self, *options: str) -> None:
        self.cli.write("bad", "")
        assert self.cli("run", "run.py", "--name", "first", "--quiet", *options).code == 1
        (self.cli.directory / "bad").unlink()

    def edit(self, old: str, new: str) -> None:
        path = self.cli.directory / "run.py"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def resume(self, *options: str) -> Any:
        return self.cli("run", "resume", "first", *options)

    def run(self) -> RunView:
        with Client() as client:
            run = client.run("first")
            _ = run.outputs, run.metrics
        return run

    def status(self) -> dict[str, str]:
        return {name: str(step.status) for name, step in self.run().steps.items()}

    def record(self, step: str) -> StepRunRecord:
        record = self.run().step(step).record
        assert record is not None
        return record

    def ran(self) -> Counter[str]:
        return Counter((self.cli.directory / "witness").read_text(encoding="utf-8").split())

    def total(self) -> Any:
        with Client() as client:
            return client.run("first").step("total").output.load()

    def harm(self, step: str, harm: Callable[[Path], None]) -> None:
        """Do harm to the files of the step's output in the store."""
        (output,) = self.record(step).outputs.values()
        for each in (self.cli.home / "store").rglob(f"*{output}*/*"):
            if each.is_file():
                harm(each)


@pytest.fixture
def project(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("DOVETAIL_HOME", str(cli.home))
    monkeypatch.chdir(cli.directory)
    return Project(cli)


@pytest.mark.parametrize("shape", ["processes", "in process"])
def test_g04_a_report_that_nobody_took_in_is_taken_in_first(project: Project, shape: str) -> None:
    mode = ["--in-process"] if shape == "in process" else []
    killed = project.cli(
        "run", "run.py", "--name", "first", *mode, env={"DOVETAIL_FAILPOINT": "record:kill:2"}
    )
    assert killed.code == -9
    assert project.status()["load"] == "interrupted"
    assert project.resume().code == 0
    assert project.ran() == {"load": 1, "double": 1, "total": 1}
    assert project.status() == dict.fromkeys(("load", "double", "total"), "completed")
    assert [project.record(step).attempts for step in ("load", "double", "total")] == [1, 1, 1]


@pytest.mark.parametrize("edited", [False, True])
def test_g08_a_report_taken_in_late_gives_a_hit_only_where_the_code_is_still_the_planned(
    project: Project, edited: bool
) -> None:
    killed = project.cli("run", "run.py", "--name", "first", env={"DOVETAIL_FAILPOINT": "record:kill:2"})
    assert killed.code == -9
    if edited:
        project.edit("list(range(count))", "list(range(count + 1))")
    assert project.resume().code == 0
    project.edit("count + 1" if edited else "return sum", "count" if edited else "return 1 + sum")
    assert project.cli("run", "run.py", "--name", "second").code == 0
    assert project.ran()["load"] == 1 + edited


def test_g04_a_completed_step_is_never_executed_again(project: Project) -> None:
    project.fail_in_processes()
    assert project.resume().code == 0
    assert project.ran() == {"load": 1, "double": 3, "total": 1}


def test_g04_retries_start_anew_and_attempts_go_on_counting(project: Project) -> None:
    project.fail()
    project.cli.write("bad", "")
    assert project.resume().code == 1
    (project.cli.directory / "bad").unlink()
    assert project.resume().code == 0
    assert project.ran()["double"] == 2 + 2 + 1
    with Client() as client:
        attempts = client.run("first").step("double").attempts
    assert [each.number for each in attempts] == [1, 2, 3, 4, 5]
    assert project.record("double").attempts == 5


def remove(path: Path) -> None:
    path.unlink()


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)


def truncate(path: Path) -> None:
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("harm", [remove, flip, truncate])
def test_g04_a_completed_step_whose_artifact_is_lost_runs_again_and_has_the_new_one(
    project: Project, harm: Callable[[Path], None], tell: Callable[[str], None]
) -> None:
    project.fail()
    before = project.record("load")
    project.harm("load", harm)
    resumed = project.resume()
    assert resumed.code == 0, resumed.err
    assert "note: step 'load' runs again, for its output is lost: output 'output'" in resumed.err
    assert project.ran() == {"load": 2, "double": 3, "total": 1}
    after = project.record("load")
    assert (after.status, after.attempts, after.outputs != before.outputs) == ("completed", 2, True)
    assert project.total() == 6
    tell(f"1 step reopened ({harm.__name__}), its new output recorded")


def test_g04_a_lost_output_is_computed_again_also_when_its_readers_are_completed(project: Project) -> None:
    project.edit('    ran("total")', '    ran("total")\n    assert not Path("late").exists()')
    late = project.cli.write("late", "")
    assert project.cli("run", "run.py", "--name", "first", "-q", "--in-process").code == 1
    late.unlink()
    project.harm("load", remove)
    assert project.resume().code == 0
    assert project.ran() == {"load": 2, "double": 1, "total": 2}
    assert project.status() == dict.fromkeys(("load", "double", "total"), "completed")


def test_g04_completed_steps_stay_whatever_has_changed_and_that_is_said(project: Project) -> None:
    project.fail()
    project.edit("return list(range(count))", "return [100]")
    resumed = project.resume()
    assert resumed.code == 0, resumed.err
    assert "note: step 'load' stays completed, though it has changed (code run:load: changed" in resumed.err
    assert "start a new run" in resumed.err
    assert (project.ran()["load"], project.total()) == (1, 6)


def test_g04_a_completed_step_whose_code_is_gone_stays_completed(project: Project) -> None:
    project.fail_in_processes()
    project.edit("@step\ndef load(", "def other(")
    project.edit("total(double(load()))", "total(double([1]))")
    resumed = project.resume()
    assert resumed.code == 0, resumed.err
    assert (
        "step 'load' stays completed, though it has changed (its code is not there any more)" in resumed.err
    )
    assert project.total() == 6


def test_g04_what_changed_of_a_step_that_is_left_to_run_is_told_and_nothing_is_done(project: Project) -> None:
    project.fail()
    before = project.run()
    project.edit("[by * value", "[1 + by * value")
    refused = project.resume("--param", "double.by=5")
    assert refused.code == 3
    assert "step 'double' runs with what has changed: code run:double: changed" in refused.err
    assert "parameter by: 2 -> 5" in refused.err
    assert refused.err.endswith("hint: to go on like this, say the same with --accept-changes\n")
    assert project.run().record == before.record
    assert project.ran()["double"] == 2


def test_g04_a_refused_resume_of_an_interrupted_run_changes_nothing_and_announces_nothing(
    project: Project,
) -> None:
    assert (
        project.cli("run", "run.py", "--name", "first", env={"DOVETAIL_FAILPOINT": "record:kill:2"}).code
        == -9
    )
    before = _recorded(project)
    project.edit("sum(values)", "max(values)")
    refused = project.resume()
    assert (refused.code, refused.err.startswith("error: run 'first' would not go on as it began")) == (
        3,
        True,
    )
    assert _recorded(project) == before


def _recorded(project: Project) -> list[Any]:
    with Client() as client:
        run, metadata = client.run("first"), client.records.metadata
        return [run.record, metadata.steps(run.id), metadata.attempts(run.id), metadata.count()]


def test_g04_a_resume_says_how_many_steps_are_left_and_its_run_took_as_long_as_all_sessions(
    project: Project,
) -> None:
    project.edit('raise ValueError("bad', 'import time; time.sleep(0.7); raise ValueError("bad')
    project.fail_in_processes()
    before = project.run().duration
    resumed = project.resume()
    assert "run first: 2 left of 3 steps on stack 'default'" in resumed.err
    after = project.run().duration
    assert before is not None
    assert after is not None
    assert after > before


def test_g04_accepted_changes_are_run_and_recorded_in_the_plan(project: Project) -> None:
    project.fail_in_processes()
    project.edit("[by * value", "[1 + by * value")
    accepted = project.resume("--accept-changes", "--param", "double.by=5")
    assert accepted.code == 0, accepted.err
    assert (project.total(), project.ran()["load"]) == (18, 1)
    assert project.run().parameters["double"] == {"by": 5}
    later = project.cli("run", "run.py", "--param", "double.by=5", "--json").json()
    assert {step["status"] for step in later["steps"]} == {"cached"}


def test_g04_a_recorded_parameter_stays_although_its_default_is_another_now(project: Project) -> None:
    project.fail()
    project.edit("by: int = 2", "by: int = 7")
    accepted = project.resume("--accept-changes")
    assert "parameter 'by' of step 'double' stays 2, as recorded; its default is 7 now" in accepted.err
    assert project.total() == 6


MISFITS = [
    ("by: int = 2)", "times: int = 2)", "a parameter 'by', which it does not take"),
    ("by: int = 2)", "by: int = 2, *, base: int)", "is called without 'base'"),
    ("double(values: list[int],", "double(numbers: list[int],", "takes no input 'values'"),
    ("double(values: list[int],", "double(values: str,", "wants str for 'values', output 'output' of 'load'"),
    ("2) -> list[int]:", "2) -> list[float]:", "outputs are output: list[float], and were output: list[int]"),
    ("by: int = 2", "by: str = 'x'", "parameter 'by' of step 'double' is 2"),
]


def test_g04_a_signature_that_no_longer_fits_asks_for_a_new_run(
    project: Project, tell: Callable[[str], None]
) -> None:
    project.fail()
    before = project.run()
    for old, new, said in MISFITS:
        project.edit(old, new)
        refused = project.resume("--accept-changes")
        assert refused.code == 3
        assert "step 'double' as it is now does not fit the recorded plan" in refused.err
        assert said in refused.err
        assert "hint: start a new run" in refused.err
        project.edit(new, old)
    assert project.run().record == before.record
    tell(f"{len(MISFITS)} misfits refused, nothing done")


def test_g04_a_parameter_of_a_completed_step_is_refused(project: Project) -> None:
    project.fail()
    refused = project.resume("--accept-changes", "--param", "load.count=4")
    assert (refused.code, "step 'load', which is not run again" in refused.err) == (3, True)


def test_g04_a_run_goes_on_as_it_was_begun(project: Project) -> None:
    project.fail("--no-cache", "--failure-policy", "continue")
    project.cli.write("bad", "")
    assert project.resume("--max-workers", "1").code == 1
    options = project.run().record.options
    assert {name: value for name, value in options.items() if name != "session"} == {
        "failure_policy": "continue",
        "in_process": True,
        "max_workers": 1,
        "no_cache": True,
        "script": "run.py",
    }


def test_g04_the_code_may_have_moved(project: Project) -> None:
    project.fail()
    (project.cli.directory / "moved").mkdir()
    (project.cli.directory / "run.py").rename(project.cli.directory / "moved" / "run.py")
    assert "--source DIR" in project.resume().err
    assert project.resume("--source", "moved").code == 0
