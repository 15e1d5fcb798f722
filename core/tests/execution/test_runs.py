"""A script runs: each step once, in its process or in ours, and is found again."""

from __future__ import annotations

from pathlib import Path

import pytest

from dovetail.testing.command_line import CommandLine

CHAIN = """
import os
from dovetail import pipeline, step

@step
def load(count: int = 3) -> list[int]:
    print("loading", count)
    return list(range(count))

@step
def double(values: list[int]) -> list[int]:
    return [2 * value for value in values]

@step
def total(values: list[int]) -> int:
    os.write(1, b"from below\\n")
    return sum(values)

@pipeline
def chain():
    total(double(load()))

if __name__ == "__main__":
    run = chain.run()
    print("total", run.step("total").output.load(), run.status)
"""


@pytest.mark.parametrize("mode", [[], ["--in-process"]])
def test_a_script_runs_and_its_run_is_found_again(cli: CommandLine, mode: list[str]) -> None:
    cli.write("run.py", CHAIN)
    assert cli("run", "run.py", *mode).code == 0
    shown = cli("run", "show", "last", "--json").json()
    assert shown["status"] == "completed"
    assert [step["status"] for step in shown["steps"]] == ["completed"] * 3


def test_python_runs_the_script_too(cli: CommandLine) -> None:
    cli.write("run.py", CHAIN)
    answer = cli.python("run.py")
    assert answer.code == 0, answer.err
    assert "total 6 completed" in answer.out


@pytest.mark.parametrize("variable", [{}, {"DOVETAIL_START_METHOD": "spawn"}])
def test_a_script_without_a_guard_may_use_the_result_of_its_run(
    cli: CommandLine, variable: dict[str, str]
) -> None:
    steps, _, _ = CHAIN.partition("if __name__")
    cli.write(
        "run.py", f"{steps}run = chain.run()\nprint('total', run.step('total').output.load(), run.status)\n"
    )
    answer = cli.python("run.py", env=variable)
    assert answer.code == 0, answer.err
    assert "total 6 completed" in answer.out


def test_a_second_run_is_cached_and_a_changed_parameter_reruns_what_depends_on_it(cli: CommandLine) -> None:
    cli.write("run.py", CHAIN)
    cli("run", "run.py")
    second = cli("run", "run.py", "--json").json()
    assert {step["status"] for step in second["steps"]} == {"cached"}
    third = cli("run", "run.py", "--json", "--param", "load.count=4").json()
    assert {step["status"] for step in third["steps"]} == {"completed"}


def test_what_a_run_without_the_cache_computes_is_there_for_later_runs(cli: CommandLine) -> None:
    cli.write("run.py", CHAIN)
    cli("run", "run.py")
    fresh = cli("run", "run.py", "--no-cache", "--json").json()
    assert {step["status"] for step in fresh["steps"]} == {"completed"}
    again = cli("run", "run.py", "--json").json()
    assert {step["cached_from"] for step in again["steps"]} == {fresh["id"]}
    assert "told not to use the cache" in cli("run", "explain", fresh["name"], "load").out


def test_the_versions_of_a_run_are_those_of_libraries(cli: CommandLine) -> None:
    cli.write("run.py", CHAIN)
    versions = cli("run", "run.py", "--json").json()["versions"]
    assert {"python", "dovetail", "pydantic"} <= versions.keys()
    assert not {"json", "re", "logging"} & versions.keys()


@pytest.mark.parametrize("mode", [[], ["--in-process"]])
def test_what_a_step_writes_is_kept(cli: CommandLine, mode: list[str]) -> None:
    cli.write("run.py", CHAIN)
    cli("run", "run.py", *mode)
    assert "loading 3" in cli("run", "logs", "last", "load").out
    assert "from below" in cli("run", "logs", "last", "total").out


FAILING = """
from dovetail import pipeline, step

def helper(value):
    return 1 / value

@step
def good() -> int:
    return 1

@step
def bad(value: int) -> float:
    return helper(value - 1)

@step
def after(value: float) -> float:
    return value

@step
def beside(value: int) -> int:
    return value

@pipeline
def failing():
    one = good()
    after(bad(one))
    beside(one)

failing.run()
"""


@pytest.mark.parametrize("mode", [[], ["--in-process"]])
def test_a_failing_step_shows_the_users_traceback_without_our_frames(
    cli: CommandLine, mode: list[str]
) -> None:
    cli.write("run.py", FAILING)
    answer = cli("run", "run.py", *mode)
    assert answer.code == 1
    assert "ZeroDivisionError" in answer.err
    assert "return 1 / value" in answer.err
    assert "dovetail/execution" not in answer.err


def test_python_shows_it_the_same_way_and_leaves_with_one(cli: CommandLine) -> None:
    cli.write("run.py", FAILING)
    answer = cli.python("run.py")
    assert answer.code == 1
    assert "return 1 / value" in answer.err
    assert "dovetail/execution" not in answer.err


def test_with_continue_only_what_depends_on_a_failure_is_skipped(cli: CommandLine) -> None:
    cli.write("run.py", FAILING)
    cli("run", "run.py", "--failure-policy", "continue")
    steps = {step["name"]: step["status"] for step in cli("run", "show", "last", "--json").json()["steps"]}
    assert steps == {"good": "completed", "bad": "failed", "after": "skipped", "beside": "completed"}


def test_resume_runs_only_what_is_not_completed(cli: CommandLine) -> None:
    script = FAILING.replace(
        "return helper(value - 1)", "import pathlib; return helper(int(pathlib.Path('flag').exists()))"
    )
    cli.write("run.py", script)
    assert cli("run", "run.py").code == 1
    cli.write("flag", "")
    answer = cli("run", "resume", "last", "--json")
    assert answer.code == 0, answer.err
    steps = {step["name"]: step for step in answer.json()["steps"]}
    assert {step["status"] for step in steps.values()} == {"completed"}
    assert (steps["good"]["attempts"], steps["bad"]["attempts"]) == (1, 2)


def test_explain_names_the_function_that_changed(cli: CommandLine) -> None:
    cli.write("run.py", CHAIN)
    cli("run", "run.py")
    cli.write("run.py", CHAIN.replace("2 * value", "3 * value"))
    cli("run", "run.py")
    said = cli("run", "explain", "last", "double").out
    assert "double" in said
    assert "changed" in said


def test_retries_are_made_and_counted(cli: CommandLine) -> None:
    cli.write(
        "run.py",
        """
import pathlib
from dovetail import Retry, pipeline, step

@step(retry=Retry(attempts=3))
def flaky() -> int:
    seen = pathlib.Path("seen")
    count = len(seen.read_text()) if seen.exists() else 0
    seen.write_text("x" * (count + 1))
    if count < 2:
        raise OSError("not yet")
    return count

@pipeline
def retrying():
    flaky()

retrying.run()
""",
    )
    answer = cli("run", "run.py", "--json")
    assert answer.code == 0, answer.err
    assert answer.json()["steps"][0]["attempts"] == 3


def test_a_timeout_ends_the_step_and_says_so(cli: CommandLine) -> None:
    cli.write(
        "run.py",
        """
import time
from dovetail import pipeline, step

@step(timeout=0.5)
def slow() -> int:
    time.sleep(60)
    return 1

@pipeline
def waiting():
    slow()

waiting.run()
""",
    )
    answer = cli("run", "run.py")
    assert answer.code == 1
    assert "timeout of 0.5 s" in answer.err


def test_files_go_from_step_to_step_and_leave_nothing_behind(cli: CommandLine, tmp_path: Path) -> None:
    cli.write(
        "run.py",
        """
from pathlib import Path
from dovetail import pipeline, step

@step
def write() -> Path:
    path = Path("made.txt")
    path.write_text("content")
    return path

@step
def read(path: Path) -> str:
    return path.read_text()

@pipeline
def files():
    read(write())

files.run()
""",
    )
    places = {"TMPDIR": str(tmp_path / "temporary")}
    Path(places["TMPDIR"]).mkdir()
    answer = cli("run", "run.py", env=places)
    assert answer.code == 0, answer.err
    look = "from dovetail import Client; print(Client().run().step('read').output.load())"
    assert cli.python("-c", look).out == "content\n"
    assert not list(Path(places["TMPDIR"]).iterdir())


def test_an_option_that_nothing_serves_is_refused_before_anything_runs(cli: CommandLine) -> None:
    cli.write("run.py", CHAIN.replace("@step\ndef double", '@step(step_operator="gpu")\ndef double'))
    answer = cli("run", "run.py")
    assert answer.code == 3
    assert "step_operator" in answer.err
    assert "dovetail stack update default -s NAME" in answer.err
    assert cli("run", "list", "--json").json() == []


def test_steps_with_environment_variables_start_fresh_and_see_them(cli: CommandLine) -> None:
    cli.write(
        "run.py",
        """
import os
from dovetail import pipeline, step

@step(environment={"variables": {"COLOUR": "red"}})
def see() -> str:
    return os.environ["COLOUR"]

@pipeline
def seeing():
    see()

seeing.run()
""",
    )
    assert cli("run", "run.py").code == 0
    look = "from dovetail import Client; print(Client().run().step('see').output.load())"
    assert cli.python("-c", look).out == "red\n"


def test_spawned_processes_run_the_same(cli: CommandLine) -> None:
    cli.write("run.py", CHAIN)
    answer = cli("run", "run.py", "--json", env={"DOVETAIL_START_METHOD": "spawn"})
    assert answer.code == 0, answer.err
    assert {step["status"] for step in answer.json()["steps"]} == {"completed"}


def test_no_process_of_a_step_imports_the_database(cli: CommandLine) -> None:
    script = CHAIN.replace(
        "return sum(values)", "import sys; assert 'sqlalchemy' not in sys.modules; return sum(values)"
    )
    cli.write("run.py", script)
    answer = cli("run", "run.py")
    assert answer.code == 0, answer.err


def test_metrics_and_metadata_are_found_again(cli: CommandLine) -> None:
    cli.write(
        "run.py",
        """
from dovetail import pipeline, step, step_context

@step
def train() -> float:
    for epoch in range(3):
        step_context().log_metric("loss", 1 / (epoch + 1), step=epoch)
    step_context().add_metadata(note="good")
    return 0.5

@pipeline
def training():
    train()

training.run()
""",
    )
    assert cli("run", "run.py").code == 0
    look = (
        "from dovetail import Client; step = Client().run().step('train');"
        "print([(each.step_index, each.value) for each in step.metric_history], step.output.metadata)"
    )
    expected = "[(0, 1.0), (1, 0.5), (2, 0.3333333333333333)] {'note': 'good'}\n"
    assert cli.python("-c", look).out == expected
    again = cli("run", "run.py", "--json").json()["steps"][0]
    assert (again["status"], again["metrics"]) == ("cached", {"loss": 1 / 3})
    assert cli.python("-c", look).out == expected
