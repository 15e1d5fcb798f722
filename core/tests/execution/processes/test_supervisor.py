"""What is killed takes down what it should and nothing else: launcher, supervisor, warm process, steps."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from dovetail.errors import RunError
from dovetail.execution.processes import supervised
from dovetail.execution.processes.boot import PACKAGE_ROOT
from dovetail.records.report import Reason

LAUNCHER = """
import sys
from pathlib import Path
from dovetail.execution.processes.pool import ProcessPool
from dovetail.names import new_id
from dovetail.records.report import StepTask

folder, stand_in, job, fresh = sys.argv[1:]
pool = ProcessPool(
    source_root=Path(folder), modules=["steps_of_test"], sys_path=[stand_in],
    log_directory=Path(folder) / "logs", log_limit=1 << 20, worker="stand_in_worker:Worker",
)
pool.give(Path(job))
for name in ("sleep", "away", "daemon", "family"):
    task = StepTask(run_id="r", run_name="r", step=name, attempt=new_id(), number=1, epoch=1)
    pool.start(task, fresh=fresh == "fresh")
while True:
    pool.wait(None)
"""

SLEEPERS = """
    import subprocess
    from pathlib import Path
    def there(name):
        print("arrived")
        Path("new-" + name).write_text(str(os.getpid()))
        Path("new-" + name).rename(name)
        time.sleep(300)
    def sleep(): there("sleep")
    def away():
        subprocess.Popen(["setsid", "sleep", "300"])
        there("away")
    def daemon():
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.setsid()
                there("daemon")
            os._exit(0)
        time.sleep(300)
    def family():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        subprocess.Popen(["sh", "-c", "trap '' TERM INT; setsid sh -c 'sleep 300 & sleep 300' & sleep 300"])
        there("family")
"""


@pytest.fixture
def launcher(steps: Any, tmp_path: Path, until: Callable[..., Any]) -> Any:
    """Start a launcher in a process of its own, with four steps that have all arrived."""
    steps.write(SLEEPERS)
    steps.pool(given=False).close()  # writes the job file
    started: list[subprocess.Popen[bytes]] = []

    def start(how: str = "warm") -> subprocess.Popen[bytes]:
        stand_in = Path(__file__).parent.parent / "stand_in"
        process = subprocess.Popen(
            [sys.executable, "-c", LAUNCHER, steps.folder, stand_in, steps.job, how],
            env={**os.environ, "LAUNCH_COOKIE": str(tmp_path)}, start_new_session=True,
        )  # fmt: skip
        started.append(process)
        until(lambda: all((tmp_path / each).exists() for each in ("sleep", "away", "daemon", "family")), 60)
        return process

    yield start
    for each in started:
        each.kill()
        each.wait()


@pytest.mark.parametrize("how", ["warm", "fresh"])
def test_g03_what_steps_started_is_gone_two_seconds_after_the_launcher_was_killed(
    launcher: Any, tmp_path: Path, carriers: Callable[[str], list[int]], until: Callable[..., Any], how: str
) -> None:
    process = launcher(how)
    until(lambda: len(carriers(f"LAUNCH_COOKIE={tmp_path}")) > 10, 60)
    process.kill()
    until(lambda: not carriers(f"LAUNCH_COOKIE={tmp_path}"), 2.0)


def test_g03_direct_children_are_gone_when_the_supervisor_is_killed_with_the_launcher(
    launcher: Any, tmp_path: Path, carriers: Any, alive: Callable[[int], bool], until: Callable[..., Any]
) -> None:
    process = launcher()
    pids = carriers(f"LAUNCH_COOKIE={tmp_path}")
    supervisor = next(
        each for each in pids if b"processes.supervisor" in Path(f"/proc/{each}/cmdline").read_bytes()
    )
    direct = [int((tmp_path / each).read_text()) for each in ("sleep", "away", "family")]
    process.send_signal(signal.SIGSTOP)  # neither may act in between
    os.kill(supervisor, signal.SIGKILL)
    process.kill()
    until(lambda: not any(map(alive, direct)), 2.0)
    for pid in carriers(f"LAUNCH_COOKIE={tmp_path}"):
        os.kill(pid, signal.SIGKILL)


def test_a_step_that_cannot_be_ended_because_the_warm_process_is_stopped_ends_with_everything(
    steps: Any,
    monkeypatch: pytest.MonkeyPatch,
    carriers: Callable[[str], list[int]],
    until: Callable[..., Any],
) -> None:
    cookie = f"SUPERVISOR_COOKIE={steps.folder}"
    monkeypatch.setenv(*cookie.split("="))
    pool = steps.pool()
    steps.run(pool, "nothing")
    os.kill(pool._way.warm_pid, signal.SIGSTOP)
    process = pool.start(steps.task("nothing"))
    process.cancel(0.1)
    end = steps.end(pool, process)
    assert (end.reason, "did not answer" in end.detail) == (Reason.CANCELLED, True)
    until(lambda: not carriers(cookie), 2.0)


def test_a_supervisor_that_is_stopped_again_and_again_is_killed_with_all_that_steps_started(
    steps: Any,
    monkeypatch: pytest.MonkeyPatch,
    carriers: Callable[[str], list[int]],
    until: Callable[..., Any],
) -> None:
    cookie = f"SUPERVISOR_COOKIE={steps.folder}"
    monkeypatch.setenv(*cookie.split("="))
    steps.write(SLEEPERS)
    pool = steps.pool()
    processes = [pool.start(steps.task(each)) for each in ("sleep", "away", "daemon", "family")]
    until(lambda: all(Path(each).exists() for each in ("sleep", "away", "daemon", "family")), 60)
    monkeypatch.setattr(
        supervised, "send_signal", lambda pid, number: number == signal.SIGCONT or os.kill(pid, number)
    )
    os.kill(pool._way.supervisor_pid, signal.SIGSTOP)
    for each in processes:
        each.cancel(0.1)
    assert {steps.end(pool, each).reason for each in processes} == {Reason.CANCELLED}
    until(lambda: not carriers(cookie), 2.0)


def test_ctrl_c_in_a_terminal_reaches_only_the_launcher(launcher: Any, tmp_path: Path, carriers: Any) -> None:
    process = launcher()
    members = [each for each in carriers(f"LAUNCH_COOKIE={tmp_path}") if os.getpgid(each) == process.pid]
    assert members == [process.pid]
    assert {os.getsid(each) for each in carriers(f"LAUNCH_COOKIE={tmp_path}")} - {process.pid}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_polite_signal_to_all_does_not_end_supervisor_and_warm_process(steps: Any, number: int) -> None:
    pool = steps.pool()
    steps.run(pool, "nothing")
    for pid in (pool._way.supervisor_pid, pool._way.warm_pid):
        if number != signal.SIGHUP or pid == pool._way.supervisor_pid:
            os.kill(pid, number)
    assert steps.run(pool, "nothing").reason is Reason.COMPLETED


def test_the_death_of_the_supervisor_is_an_error_and_leaves_nothing(
    steps: Any,
    monkeypatch: pytest.MonkeyPatch,
    carriers: Callable[[str], list[int]],
    until: Callable[..., Any],
) -> None:
    cookie = f"SUPERVISOR_COOKIE={steps.folder}"
    monkeypatch.setenv(*cookie.split("="))
    steps.write(SLEEPERS)
    pool = steps.pool()
    processes = [pool.start(steps.task(each)) for each in ("sleep", "away", "daemon")]
    until(lambda: all(Path(each).exists() for each in ("sleep", "away", "daemon")), 60)
    os.kill(pool._way.supervisor_pid, signal.SIGKILL)
    assert {steps.end(pool, each).reason for each in processes} == {Reason.LOST}
    until(lambda: not carriers(cookie), 2.0)
    with pytest.raises(RunError, match="supervisor of the steps died"):
        pool.start(steps.task("sleep"))


def test_an_error_in_the_supervisor_is_told(steps: Any) -> None:
    steps.write("def step(): time.sleep(300)")
    pool = steps.pool()
    process = pool.start(steps.task("step"))
    pool._way._say("dance")
    end = steps.end(pool, process)
    assert end.reason is Reason.LOST
    assert "_do_dance" in end.detail


def test_the_supervisor_imports_nothing_beyond_the_standard_library_and_little_of_that() -> None:
    code = dedent(f"""
        import sys; sys.path.append({PACKAGE_ROOT!r})
        import dovetail.execution.processes.supervisor
        print(*sys.modules)
    """)
    loaded = set(subprocess.check_output([sys.executable, "-I", "-S", "-c", code], text=True).split())
    third = {each.partition(".")[0] for each in loaded} - set(sys.stdlib_module_names) - {"__main__"}
    assert third == {"dovetail"}
    assert not loaded & {"pathlib", "subprocess", "asyncio", "threading.local", "pydantic"}
    ours = """
        failpoints redaction references host host.c_library host.memory_kills host.process_tree execution
        execution.processes execution.processes.boot execution.processes.channel
        execution.processes.frames execution.processes.log_file execution.processes.starting
        execution.processes.strays execution.processes.supervised_step execution.processes.supervisor
    """
    known = {f"dovetail.{each}" for each in ours.split()}
    assert {each for each in loaded if each.startswith("dovetail.")} <= known


def test_output_that_was_written_before_the_launcher_died_is_kept(
    steps: Any, tmp_path: Path, launcher: Any, carriers: Any, until: Callable[..., Any]
) -> None:
    launcher().kill()
    until(lambda: not carriers(f"LAUNCH_COOKIE={tmp_path}"), 2.0)
    assert [each.read_text() for each in steps.logs.glob("*.log")] == ["arrived\n"] * 4
