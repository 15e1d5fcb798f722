"""Steps in processes: how they end, what they write, what they may not leave behind."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail.errors import ConfigurationError, UsageError
from dovetail.execution.processes.pool import start_method
from dovetail.host.process_tree import children
from dovetail.records.report import Reason

BOTH = pytest.mark.parametrize("mode", ["fork", "spawn"])


@BOTH
@pytest.mark.parametrize(
    ("body", "reason", "exit_code", "signal"),
    [
        ("pass", Reason.COMPLETED, 0, None),
        ("os._exit(3)", Reason.EXIT, 3, None),
        ("os.kill(os.getpid(), 9)", Reason.SIGNAL, None, 9),
        ("os.abort()", Reason.SIGNAL, None, 6),
        ("raise BaseException('odd')", Reason.EXIT, 70, None),
    ],
)
def test_an_end_is_told_as_it_was(
    steps: Any, mode: str, body: str, reason: Reason, exit_code: int | None, signal: int | None
) -> None:
    steps.write(f"def step(): {body}")
    end = steps.run(steps.pool(mode=mode), "step")
    assert (end.reason, end.exit_code, end.signal) == (reason, exit_code, signal)


@BOTH
def test_what_is_written_is_kept_and_shown_whoever_writes_it(steps: Any, mode: str) -> None:
    steps.write("""
        def step():
            print("one")
            os.system("echo two")
            print("three", file=sys.stderr)
            import ctypes; ctypes.CDLL(None).puts(b"four")
    """)
    pool = steps.pool(mode=mode)
    process = pool.start(steps.task("step"))
    steps.end(pool, process)
    assert steps.log(process).split() == ["one", "two", "three", "four"]
    assert steps.shown[process.task.attempt].decode() == steps.log(process)


@BOTH
def test_a_silent_step_has_no_log(steps: Any, mode: str) -> None:
    assert steps.run(steps.pool(mode=mode), "nothing").reason is Reason.COMPLETED
    assert list(steps.logs.glob("*.log")) == []


@BOTH
def test_twenty_megabytes_without_a_newline_do_not_stop_a_step_and_end_at_the_limit(
    steps: Any, mode: str
) -> None:
    steps.write("""
        def step():
            for _ in range(320):
                left = b"x" * 65536
                while left: left = left[os.write(1, left):]
    """)
    pool = steps.pool(mode=mode, log_limit=1 << 20)
    process = pool.start(steps.task("step"))
    assert steps.end(pool, process).reason is Reason.COMPLETED
    text = steps.log(process)
    assert text.startswith("x" * (1 << 20))
    assert text[1 << 20 :].split() == [
        "[more",
        "than",
        "1048576",
        "bytes:",
        "the",
        "rest",
        "of",
        "the",
        "output",
        "is",
        "left",
        "out]",
    ]


@BOTH
def test_a_timeout_interrupts_and_finally_blocks_run(steps: Any, mode: str) -> None:
    steps.write("""
        def step():
            try: time.sleep(60)
            finally: print("tidied up")
    """)
    pool = steps.pool(mode=mode)
    process = pool.start(steps.task("step", timeout=0.5 if mode == "fork" else 5.0))
    end = steps.end(pool, process)
    assert (end.reason, end.signal) == (Reason.TIMEOUT, None)
    assert steps.log(process) == "tidied up\n"


@BOTH
def test_a_step_that_ignores_the_request_to_end_is_killed_after_the_grace_time(steps: Any, mode: str) -> None:
    steps.write("""
        def step():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            print("ready")
            time.sleep(60)
    """)
    pool = steps.pool(mode=mode)
    process = pool.start(steps.task("step"))
    while process.task.attempt not in steps.shown:
        pool.wait(1)
    process.cancel(grace=0.2)
    end = steps.end(pool, process)
    assert (end.reason, end.signal) == (Reason.CANCELLED, 9)


@BOTH
def test_cancelling_without_grace_kills_at_once(steps: Any, mode: str) -> None:
    steps.write("def step(): time.sleep(60)")
    pool = steps.pool(mode=mode)
    process = pool.start(steps.task("step"))
    process.cancel(grace=0.0)
    assert steps.end(pool, process).reason is Reason.CANCELLED


@BOTH
def test_sixteen_steps_run_at_the_same_time(steps: Any, mode: str) -> None:
    steps.write("""
        from pathlib import Path
        def step():
            Path(f"met-{os.getpid()}").touch()
            deadline = time.monotonic() + 60
            while len(list(Path().glob("met-*"))) < 16:
                assert time.monotonic() < deadline
                time.sleep(0.01)
    """)
    pool = steps.pool(mode=mode)
    processes = [pool.start(steps.task("step")) for _ in range(16)]
    assert {steps.end(pool, each).reason for each in processes} == {Reason.COMPLETED}


@BOTH
def test_a_step_may_close_its_output_and_go_elsewhere_without_harm_to_the_next(steps: Any, mode: str) -> None:
    steps.write("""
        def rude():
            os.chdir("/"); os.close(1); os.close(2); os.closerange(3, 64)
        def polite(): print(os.getcwd())
    """)
    pool = steps.pool(mode=mode)
    assert steps.run(pool, "rude").reason is Reason.COMPLETED
    process = pool.start(steps.task("polite"))
    assert steps.end(pool, process).reason is Reason.COMPLETED
    assert steps.log(process) == f"{Path.cwd()}\n"


@BOTH
def test_a_thread_that_a_step_leaves_does_not_hold_it(steps: Any, mode: str) -> None:
    steps.write("""
        import threading
        def step(): threading.Thread(target=time.sleep, args=(60,)).start()
    """)
    assert steps.run(steps.pool(mode=mode), "step").reason is Reason.COMPLETED


@BOTH
def test_what_a_step_registers_with_atexit_runs(steps: Any, mode: str) -> None:
    steps.write("""
        import atexit
        def step(): atexit.register(print, "bye")
    """)
    pool = steps.pool(mode=mode)
    process = pool.start(steps.task("step"))
    steps.end(pool, process)
    assert steps.log(process) == "bye\n"


LEAVERS = {
    "child": """
        import subprocess
        def step(): subprocess.Popen(["sleep", "300"])
    """,
    "session": """
        import subprocess
        def step(): subprocess.Popen(["setsid", "sleep", "300"])
    """,
    "daemon": """
        def step():
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    os.setsid()
                    time.sleep(300)
                os._exit(0)
    """,
    "family": """
        import subprocess
        def step(): subprocess.Popen(["sh", "-c", "setsid sh -c 'sleep 300 & sleep 300' & sleep 300"])
    """,
}


@pytest.mark.parametrize("left", LEAVERS)
@pytest.mark.parametrize("fresh", [False, True])
def test_nothing_that_a_step_started_outlives_it(
    steps: Any, monkeypatch: pytest.MonkeyPatch, carriers: Callable[[str], list[int]], left: str, fresh: bool
) -> None:
    monkeypatch.setenv("STEP_COOKIE", steps.folder.as_posix())
    steps.write(LEAVERS[left])
    pool = steps.pool()
    assert steps.run(pool, "step", fresh=fresh).reason is Reason.COMPLETED
    warm = int(pool._way.warm_pid)
    inside = {int(pool._way.supervisor_pid), warm, *children(warm)}  # the child that waits for the next step
    assert set(carriers(f"STEP_COOKIE={steps.folder.as_posix()}")) <= inside


def test_a_service_outlives_step_and_run(
    steps: Any, alive: Callable[[int], bool], tmp_path: Path, until: Callable[..., Any]
) -> None:
    steps.write(f"""
        import subprocess
        def step():
            marked = {{**os.environ, "DOVETAIL_SERVICE": "it"}}
            service = subprocess.Popen(["sleep", "300"], env=marked, start_new_session=True)
            open({str(tmp_path / "pid")!r}, "w").write(str(service.pid))
        def next_step(): pass
    """)
    pool = steps.pool()
    assert [steps.run(pool, each).reason for each in ("step", "next_step")] == [Reason.COMPLETED] * 2
    pool.close()
    pid = int((tmp_path / "pid").read_text())
    try:
        assert alive(pid)
    finally:
        os.kill(pid, 9)


@BOTH
def test_a_step_with_environment_variables_has_them_and_the_next_has_not(steps: Any, mode: str) -> None:
    steps.write("def step(): print(os.environ.get('COLOUR'))")
    pool = steps.pool(mode=mode)
    first, second = steps.task("step"), steps.task("step")
    processes = [pool.start(first, variables={"COLOUR": "red"}), pool.start(second)]
    assert [steps.end(pool, each).reason for each in processes] == [Reason.COMPLETED] * 2
    assert [steps.log(each) for each in processes] == ["red\n", "None\n"]


@BOTH
@pytest.mark.parametrize("fresh", [False, True])
def test_a_descriptor_of_the_launcher_does_not_reach_a_step(
    steps: Any, tmp_path: Path, mode: str, fresh: bool
) -> None:
    steps.write("""
        def step():
            for each in os.listdir("/proc/self/fd"):
                try: print(os.readlink(f"/proc/self/fd/{each}"))
                except OSError: pass
    """)
    descriptor = os.open(tmp_path / "lease", os.O_CREAT | os.O_RDWR)
    os.set_inheritable(descriptor, True)
    pool = steps.pool(mode=mode)
    process = pool.start(steps.task("step"), fresh=fresh)
    steps.end(pool, process)
    os.close(descriptor)
    kinds = {each.partition(":")[0] for each in steps.log(process).split()}
    known = {"pipe", "/dev/null", "/proc/self/fd"}
    assert {each for each in kinds if each not in known and not each.startswith("/proc/")} == set()


def test_a_program_that_a_step_starts_inherits_only_its_streams(steps: Any) -> None:
    steps.write("def step(): os.system('ls -l /proc/self/fd')")
    pool = steps.pool()
    process = pool.start(steps.task("step"))
    steps.end(pool, process)
    targets = [line.split(" -> ")[1] for line in steps.log(process).splitlines() if " -> " in line]
    assert {each.partition(":")[0] for each in targets if not each.startswith("/proc/")} == {
        "/dev/null",
        "pipe",
    }


def test_standard_input_of_a_step_is_empty(steps: Any) -> None:
    steps.write("def step(): assert sys.stdin.read() == ''")
    pool = steps.pool()
    assert [steps.run(pool, "step", fresh=fresh).reason for fresh in (False, True)] == [Reason.COMPLETED] * 2


@BOTH
def test_wake_ends_a_wait(steps: Any, mode: str) -> None:
    pool = steps.pool(mode=mode)
    while steps.run(pool, "nothing") is None:
        pass
    pool.wait(0.0)  # takes in what is left to be told of that step
    waiting = threading.Thread(target=pool.wait, args=(None,), daemon=True)
    waiting.start()
    waiting.join(0.2)
    assert waiting.is_alive()
    pool.wake()
    waiting.join(30)
    assert not waiting.is_alive()


@BOTH
def test_closing_ends_what_runs_and_may_be_repeated(steps: Any, mode: str) -> None:
    steps.write("def step(): time.sleep(300)")
    pool = steps.pool(mode=mode)
    processes = [pool.start(steps.task("step")) for _ in range(3)]
    pool.close()
    pool.close()
    assert {each.poll().reason for each in processes} == {Reason.CANCELLED}


def test_a_step_needs_a_job(steps: Any) -> None:
    with pytest.raises(UsageError):
        steps.pool(given=False).start(steps.task("nothing"))


def test_logs_go_where_the_job_says(steps: Any, tmp_path: Path) -> None:
    steps.write("def step(): print('here')")
    pool = steps.pool()
    pool.give(steps.job, tmp_path / "elsewhere")
    process = pool.start(steps.task("step"))
    steps.end(pool, process)
    assert (tmp_path / "elsewhere" / f"{process.task.attempt}.log").read_text() == "here\n"
    assert steps.shown[process.task.attempt] == b"here\n"


def test_a_log_that_cannot_be_written_is_noted_and_stops_nothing(steps: Any) -> None:
    steps.write("def step(): print('lost')")
    steps.logs.write_text("a file where a folder should be")
    pool = steps.pool()
    assert steps.run(pool, "step").reason is Reason.COMPLETED
    assert "a log is incomplete" in " ".join(pool.notes)


def test_the_start_method_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert start_method("auto") == "fork"
    monkeypatch.setenv("DOVETAIL_START_METHOD", "spawn")
    assert (start_method("auto"), start_method("fork")) == ("spawn", "fork")
    monkeypatch.setenv("DOVETAIL_START_METHOD", "thread")
    with pytest.raises(ConfigurationError, match="'thread'"):
        start_method("auto")


ELSEWHERE = """
import os, select, signal, socket, subprocess, sys
del os.fork, os.pidfd_open, os.killpg, os.getpgrp, select.poll
del signal.SIGKILL, socket.send_fds, socket.recv_fds
sys.modules["fcntl"] = sys.modules["resource"] = None
from pathlib import Path
import pkgutil, dovetail.execution
from importlib import import_module
for name in sys.argv[1].split(","):
    import_module(f"dovetail.execution.{name}")
from dovetail.execution.processes.pool import start_method
print(start_method("auto"))
"""


def test_all_is_imported_where_there_is_no_posix() -> None:
    room = "channel,fork_safety,log_file,pool,reseeding,spawned,started_step,starting"
    more = "step_process,strays,supervised,supervised_step,supervisor,warm"
    mine = ",".join(["entrypoint,output", *(f"processes.{each}" for each in f"{room},{more}".split(","))])
    ended = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, mine], capture_output=True, text=True, check=False
    )
    assert (ended.stdout, ended.stderr) == ("spawn\n", "")
