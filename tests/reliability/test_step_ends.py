"""Whatever ends the process of a step is a failed attempt with that reason, and the others go on."""

from __future__ import annotations

import json
from collections.abc import Callable
from textwrap import dedent
from typing import Any

import pytest

from dovetail.testing.command_line import CommandLine

ENDS = {
    "reads_nowhere": ("ctypes.string_at(0)", "signal", "its process was ended by SIGSEGV"),
    "crashes": ("faulthandler._sigsegv()", "signal", "its process was ended by SIGSEGV"),
    "aborts": ("os.abort()", "signal", "its process was ended by SIGABRT"),
    "is_killed": ("os.kill(os.getpid(), 9)", "signal", "its process was ended by SIGKILL"),
    "divides": ("os.kill(os.getpid(), signal.SIGFPE)", "signal", "its process was ended by SIGFPE"),
    "leaves_well": ("os._exit(0)", "exit", "its process left with exit code 0 before the step returned"),
    "leaves": ("os._exit(3)", "exit", "its process left with exit code 3 before the step returned"),
    "exits": ("sys.exit(3)", "error", "SystemExit: the step called sys.exit(3)"),
    "eats_memory": (
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 32, 1 << 32)); bytearray(1 << 33)",
        "error",
        "MemoryError",
    ),
    "takes_its_time": ("time.sleep(600)", "timeout", "it ran longer than its timeout of 1 s"),
    "raises_oddly": ("raise BaseException('odd')", "error", "BaseException: odd"),
    "interrupts_itself": ("raise KeyboardInterrupt", "error", "KeyboardInterrupt"),
}  # fmt: skip

SCRIPT = """
import ctypes, faulthandler, os, resource, signal, sys, time
from dovetail import Client, pipeline, step

resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
"""

STEP = """
@step{options}
def {name}() -> int:
    print("before", flush=True)
    {body}
    return 1
"""

PIPELINE = """
@step
def beside(value: int) -> int:
    return value + 1

@step
def after(value: int) -> int:
    return value

@pipeline
def ending():
{calls}
    beside(beside(beside(value=1)))

if __name__ == "__main__":
    ending.run(enable_cache=False, failure_policy="continue", max_workers=4)
"""

LOOK = """
import json
from dovetail import Client
run = Client().run()
found = {name: [step.status, [[each.status, each.reason, each.error] for each in step.attempts]]
         for name, step in run.steps.items()}
print(json.dumps({"run": [run.status, run.error], "steps": found}))
"""


def script(ends: dict[str, tuple[str, str, str]]) -> str:
    steps = "".join(
        STEP.format(name=name, body=body, options="(timeout=1)" if reason == "timeout" else "")
        for name, (body, reason, _) in ends.items()
    )
    return SCRIPT + steps + PIPELINE.format(calls="\n".join(f"    after({name}())" for name in ends))


def looked(cli: CommandLine) -> Any:
    return json.loads(cli.python("-c", LOOK).out)


@pytest.mark.parametrize(
    ("start", "ends"), [("fork", [*ENDS]), ("spawn", ["crashes", "leaves_well", "leaves"])]
)
def test_an_end_of_a_process_is_a_failed_attempt_with_its_reason_and_the_others_go_on(
    cli: CommandLine, tell: Callable[[str], None], start: str, ends: list[str]
) -> None:
    path = cli.write("run.py", script({name: ENDS[name] for name in ends}))
    answer = cli.python(str(path), env={"DOVETAIL_START_METHOD": start})
    assert answer.code == 1
    found = looked(cli)
    assert found["run"][0] == "failed"
    for name, (_, reason, message) in ((name, ENDS[name]) for name in ends):
        status, ((attempt, why, error),) = found["steps"][name]
        assert (status, attempt, why) == ("failed", "failed", reason), (name, error)
        assert message in error
        assert repr(name) in answer.err
    assert cli("run", "logs", "last").out.count("before\n") == len(ends)
    rest = {name: status for name, (status, _) in found["steps"].items() if name not in ends}
    assert {rest.pop(each) for each in ("beside", "beside_2", "beside_3")} == {"completed"}
    assert set(rest.values()) == {"skipped"}
    tell(f"{len(ends)} ways to end a step ({start}): each a failed attempt with its reason")


DEEP = """
    nested = []
    for _ in range(10**5):
        nested = [nested]
    sys.setrecursionlimit(10**8)
    repr(nested)
"""


def test_recursion_in_c_without_end_fails_the_step_however_this_python_takes_it(cli: CommandLine) -> None:
    path = cli.write("run.py", script({"digs": (dedent(DEEP).strip().replace("\n", "\n    "), "signal", "")}))
    cli.python(str(path))
    status, ((_, reason, error),) = looked(cli)["steps"]["digs"]
    assert (status, reason) in {("failed", "signal"), ("failed", "error")}
    assert "SIGSEGV" in error or "Error" in error


def test_the_message_of_the_run_names_the_step_and_its_end(cli: CommandLine) -> None:
    path = cli.write("run.py", script({"crashes": ENDS["crashes"]}))
    answer = cli.python(str(path))
    assert "error: step 'crashes' failed: its process was ended by SIGSEGV" in answer.err
    assert "dovetail run logs" in answer.err
    assert looked(cli)["run"][1] == "step 'crashes' failed: its process was ended by SIGSEGV"
