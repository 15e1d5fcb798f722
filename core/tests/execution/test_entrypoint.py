"""One attempt in a fresh interpreter, as pools, venvs, jobs and pods make it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

WORKER = ["--worker", "stand_in_worker:Worker"]
COMMAND = [sys.executable, "-m", "dovetail.execution.entrypoint"]


@pytest.fixture
def attempt(steps: Any, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Make an attempt at a step and return how the process ended."""
    steps.pool().close()  # writes the job file

    def make(step: str, form: str = "json", *further: str) -> subprocess.CompletedProcess[str]:
        text = steps.task(step).to_json().decode()
        given = {"json": text, "file": str(tmp_path / "task.json"), "-": "-"}[form]
        (tmp_path / "task.json").write_text(text)
        return subprocess.run(
            [*COMMAND, "--job", str(steps.job), "--task", given, *WORKER, *further],
            input=text + "\n", capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    return make


@pytest.mark.parametrize("form", ["json", "file", "-"])
def test_a_task_is_taken_as_json_file_or_line_of_input(steps: Any, attempt: Any, form: str) -> None:
    steps.write("def step(): print('made', repr(sys.stdin.read()) if sys.stdin.isatty() else '')")
    ended = attempt("step", form)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "made \n", "")


def test_the_exit_status_says_whether_the_step_completed(steps: Any, attempt: Any) -> None:
    steps.write("""
        def good(): pass
        def bad(): raise KeyboardInterrupt
        def odd(): raise BaseException("no report")
        def gone(): os._exit(9)
    """)
    assert [attempt(each).returncode for each in ("good", "bad", "odd", "gone")] == [0, 1, 70, 9]


def test_what_is_no_job_is_told_on_standard_error(tmp_path: Path, attempt: Any, steps: Any) -> None:
    steps.job.write_text("{}")
    ended = attempt("nothing")
    assert ended.returncode == 70
    assert "ValidationError" in ended.stderr


def test_arguments_of_the_launcher_are_those_of_the_step(steps: Any, attempt: Any) -> None:
    steps.write("def step(): print(sys.argv)")
    assert attempt("step", "json", "--argv", '["run.py", "--fast"]').stdout == "['run.py', '--fast']\n"


def test_output_is_line_buffered_utf8_whatever_the_locale(
    steps: Any, attempt: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    steps.write("def step(): print('\\u2603', '\\udc80'); os.write(1, b'last\\n')")
    assert attempt("step").stdout == "\u2603 \\udc80\nlast\n"


def test_with_watch_the_process_ends_with_whoever_holds_its_input(
    steps: Any, until: Callable[..., Any]
) -> None:
    steps.write("from pathlib import Path\ndef step(): Path('there').touch(); time.sleep(300)")
    steps.pool().close()
    process = subprocess.Popen(
        [*COMMAND, "--job", steps.job, "--task", "-", "--watch", *WORKER],
        stdin=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(steps.task("step").to_json() + b"\n")
    process.stdin.flush()
    until(Path("there").exists, 60)
    process.stdin.close()
    assert process.wait(10) != 0


def test_the_package_is_found_where_only_the_launcher_knew_it(
    steps: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import sys; sys.modules['dovetail'] = None; import dovetail.execution.processes.boot"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 1
    steps.write("def step(): import dovetail; print(dovetail.__file__)")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["/nowhere"]))
    pool = steps.pool()
    process = pool.start(steps.task("step"), fresh=True)
    steps.end(pool, process)
    assert steps.log(process).strip().endswith("dovetail/__init__.py")
