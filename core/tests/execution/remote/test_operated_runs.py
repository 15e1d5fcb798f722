"""Steps that name a step operator go to it; everything else of the run is as ever."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail.host.process_tree import carriers
from dovetail.testing.command_line import CommandLine
from dovetail.testing.site import Site

CHAIN = """
import os, sys, time
from pathlib import Path
from dovetail import pipeline, step
from helper import doubled

@step
def load(count: int = 3) -> list[int]:
    return list(range(count))

@step(step_operator=OPERATOR, OPTIONS)
def work(values: list[int]) -> list[int]:
    print("working", os.environ.get("TONE"), Path("data.txt").read_text().strip())
    BODY
    return doubled(values)

@step
def total(values: list[int]) -> int:
    return sum(values)

@pipeline
def chain():
    total(work(load()))

if __name__ == "__main__":
    chain.run()
"""


def write(cli: CommandLine, body: str = "pass", operator: str = '"limited"', options: str = "") -> None:
    text = CHAIN.replace("OPERATOR", operator).replace("OPTIONS", options).replace("BODY", body)
    cli.write("run.py", text)
    cli.write("helper.py", "def doubled(values):\n    return [2 * each for each in values]\n")
    cli.write("data.txt", "with data\n")


@pytest.fixture
def operated(cli: CommandLine) -> Callable[..., CommandLine]:
    """Return what makes a workspace whose stack has the operator `limited`."""

    def make(*settings: str) -> CommandLine:
        assert cli("init", "--bare").code == 0
        answer = cli("step-operator", "register", "limited", "--flavor", "subprocess", *settings)
        assert answer.code == 0, answer.err
        answer = cli("stack", "register", "away", "-o", "local", "-a", "local", "-s", "limited")
        assert answer.code == 0, answer.err
        assert cli("stack", "set", "away").code == 0
        write(cli)
        return cli

    return make


def marked(cli: CommandLine) -> str:
    """Return the option that lets a test find the step's processes."""
    return f"environment={{'variables': {{'MARKED': '{cli.directory}'}}}}"


def run_json(cli: CommandLine, *options: str, code: int = 0) -> Any:
    answer = cli("run", "run.py", "--json", *options)
    assert answer.code == code, answer.err + answer.out
    return answer.json() if code == 0 else answer.err


@pytest.mark.parametrize("mode", [[], ["--in-process"]])
@pytest.mark.parametrize("operator", ['"limited"', "True"])
def test_a_step_that_names_an_operator_runs_there(
    operated: Callable[..., CommandLine], mode: list[str], operator: str
) -> None:
    cli = operated("--environment", '{"TONE": "loud"}')
    write(cli, operator=operator)
    run = run_json(cli, *mode)
    assert [step["status"] for step in run["steps"]] == ["completed"] * 3
    assert cli("run", "logs", "last", "work").out.splitlines()[-1] == "working loud with data"
    assert run_json(cli)["steps"][1]["status"] == "cached"


def test_its_output_is_shown_and_the_code_told_of_once(operated: Callable[..., CommandLine]) -> None:
    cli = operated()
    first = cli("run", "run.py").err
    assert "working None with data" in first
    assert "put into artifact store 'local'" in first
    again = cli("run", "run.py", "--no-cache").err
    assert "found in artifact store 'local'" in again


def test_nothing_of_it_is_left_with_the_operator(operated: Callable[..., CommandLine]) -> None:
    cli = operated()
    run_json(cli)
    assert list((cli.directory / ".dovetail/store/step_operators/limited").iterdir()) == []


@pytest.mark.parametrize(
    ("body", "settings", "said"),
    [
        ("raise ValueError('no good')", [], "ValueError: no good"),
        ("os._exit(9)", [], "exit code 9"),
        ("os.kill(os.getpid(), 9)", [], "ended by SIGKILL"),
        ("kept = bytearray(b'x') * (400 << 20); time.sleep(60)",
         ["--memory", "300 MB"], "300000000 are allowed"),
        ("while True: pass", ["--cpu-seconds", "2", "--grace", "0"], "more than 2 s of processor time"),
    ],
)  # fmt: skip
def test_a_failure_there_is_told_as_it_is(
    operated: Callable[..., CommandLine], body: str, settings: list[str], said: str
) -> None:
    cli = operated(*settings)
    write(cli, body)
    assert said in run_json(cli, code=1)


def test_a_failed_attempt_is_made_again(operated: Callable[..., CommandLine]) -> None:
    cli = operated()
    flag = cli.directory.parent / "tried"
    write(
        cli,
        f"tried = Path({str(flag)!r}); seen = tried.exists(); tried.touch(); assert seen",
        options="retry=2",
    )
    run = run_json(cli)
    assert [step["attempts"] for step in run["steps"]] == [1, 2, 1]


def test_a_step_may_have_limits_of_its_own(operated: Callable[..., CommandLine]) -> None:
    cli = operated()
    write(
        cli, "time.sleep(60)", options='timeout=5, settings={"subprocess": {"environment": {"TONE": "low"}}}'
    )
    assert "its timeout of 5 s" in run_json(cli, code=1)
    assert "working low" in cli("run", "logs", "last", "work").out


@pytest.mark.parametrize(
    ("operator", "options", "said"),
    [
        ('"other"', "", "sets step_operator 'other', and that of stack 'away' is 'limited'"),
        ("True", 'settings={"subproces": {}}', "settings for 'subproces'"),
        (
            "True",
            'environment={"requirements": ["numpy"]}',
            "step operator 'limited' does not make environments",
        ),
        ("None", 'environment={"python": "3.12"}', "the orchestrator does not make environments with python"),
        ("None", 'resources={"memory": 1}', "the orchestrator cannot reserve any"),
    ],
)
def test_what_the_stack_does_not_serve_is_refused_before_anything_runs(
    operated: Callable[..., CommandLine], operator: str, options: str, said: str
) -> None:
    cli = operated()
    write(cli, operator=operator, options=options)
    assert said in run_json(cli, code=3)
    assert cli("run", "list", "--json").json() == []


def test_what_the_operator_refuses_fails_the_step_with_its_hint(operated: Callable[..., CommandLine]) -> None:
    cli = operated()
    write(cli, options='resources={"gpus": 2}')
    said = run_json(cli, code=1)
    assert "asks for 2 GPUs" in said
    assert "hint: ask for less" in said
    assert "Traceback" not in said


def test_a_store_out_of_reach_matters_only_where_a_step_uses_the_operator(
    operated: Callable[..., CommandLine],
) -> None:
    cli = operated()
    assert cli("artifact-store", "register", "here", "--flavor", "memory").code == 0
    assert cli("stack", "update", "away", "-a", "here").code == 0
    write(cli, operator="None")
    assert cli("run", "run.py", "--in-process").code == 0
    write(cli)
    answer = cli("run", "run.py", "--in-process")
    assert answer.code == 3
    assert "step operator 'limited' runs steps on this machine" in answer.err


def test_cancel_ends_what_runs_there(operated: Callable[..., CommandLine], until: Callable[..., Any]) -> None:
    cli = operated()
    write(cli, "time.sleep(600)", options=marked(cli))
    launcher = cli.spawn("run", "run.py")
    until(lambda: len(carriers(f"MARKED={cli.directory}")) >= 1, 60.0)
    launcher.send_signal(signal.SIGINT)
    _, err = launcher.communicate(timeout=60)
    assert launcher.returncode == 130, err
    assert carriers(f"MARKED={cli.directory}") == []
    assert cli("run", "show", "last", "--json").json()["status"] == "cancelled"


def test_a_killed_launcher_leaves_nothing_and_the_run_goes_on(
    operated: Callable[..., CommandLine], until: Callable[..., Any]
) -> None:
    cli = operated()
    go = cli.directory.parent / "go"
    body = f"if not Path({str(go)!r}).exists(): time.sleep(600)"
    write(cli, body, options=marked(cli))
    launcher = cli.spawn("run", "run.py")
    until(lambda: len(carriers(f"MARKED={cli.directory}")) >= 1, 60.0)
    launcher.kill()
    launcher.communicate()
    until(lambda: not carriers(f"MARKED={cli.directory}"), 2.0)
    go.touch()
    answer = cli("run", "resume", "last", "--json")
    assert answer.code == 0, answer.err
    assert [step["status"] for step in answer.json()["steps"]] == ["completed"] * 3


def test_files_of_the_run_hold_no_path_of_this_machine_but_the_stores(
    operated: Callable[..., CommandLine],
) -> None:
    cli = operated()
    run = run_json(cli)
    place = cli.directory / ".dovetail/store"
    (job,) = [each for each in place.rglob("jobs/*.json") if run["id"] in str(each)]
    document = json.loads(job.read_text())
    homes = {each.pop("home") for each in document["components"].values()}
    assert homes == {str(place)}
    assert str(Path(cli.directory)) not in json.dumps(document)


FAR = """
from dovetail.builtin.local_artifact_store import LocalArtifactStore, LocalArtifactStoreConfig

class Config(LocalArtifactStoreConfig):
    pass

class Store(LocalArtifactStore):
    config_class = Config

    def log_directory(self, path):
        return None
"""


def test_a_store_that_cannot_hold_a_growing_log_gets_it_at_the_end(
    operated: Callable[..., CommandLine], site: Site
) -> None:
    site.wheel("acme", files={"acme_store.py": FAR})
    cli = operated()
    assert cli("artifact-store", "register", "far", "--flavor", "shelf").code == 0
    assert cli("stack", "update", "away", "-a", "far").code == 0
    run_json(cli)
    assert "working None with data" in cli("run", "logs", "last", "work").out
