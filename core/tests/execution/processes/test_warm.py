"""The warm process: imports once, forks per step, and gives way where a fork would not be safe."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail.records.report import Reason

REPORTING = """
    from pathlib import Path
    def step(): print(os.getppid())
"""


def parents(steps: Any, pool: Any, count: int) -> list[int]:
    """Return the parent of each of so many steps, one after the other."""
    found = []
    for _ in range(count):
        process = pool.start(steps.task("step"))
        assert steps.end(pool, process).reason is Reason.COMPLETED
        found.append(int(steps.log(process)))
    return found


def test_modules_are_imported_once_for_all_steps(steps: Any) -> None:
    steps.write("with open('imports', 'a') as file: file.write('x')\ndef step(): print(os.getppid())")
    pool = steps.pool()
    assert parents(steps, pool, 3) == [pool._way.warm_pid] * 3
    assert Path("imports").read_text() == "x"
    assert pool.notes == []


def test_a_script_is_loaded_under_its_own_name(steps: Any) -> None:
    (steps.folder / "steps_of_test.py").rename(steps.folder / "script_of_test.py")
    (steps.folder / "script_of_test.py").write_text(
        "import sys\nimport other_of_test\ndef step(): print(__name__, sys.argv[1:])"
    )
    (steps.folder / "other_of_test.py").touch()
    (steps.folder / "steps_of_test.py").write_text(
        "from script_of_test import step\nassert step.__module__ == 'script_of_test'"
    )
    pool = steps.pool(script="script_of_test.py")
    process = pool.start(steps.task("step"))
    steps.end(pool, process)
    assert steps.log(process).startswith("script_of_test [")
    assert pool.notes == []


@pytest.mark.parametrize(
    ("source", "note"),
    [
        ("from threading import Thread; Thread(target=time.sleep, args=(300,), name='mine').start()", "mine"),
        ("import _thread; _thread.start_new_thread(time.sleep, (300,))", "threads"),
        ("sys.modules['grpc._cython.cygrpc'] = sys", "grpc is loaded"),
    ],
)  # fmt: skip
def test_what_a_fork_would_break_starts_steps_in_fresh_processes(steps: Any, source: str, note: str) -> None:
    steps.write(source + "\ndef step(): print(os.getppid())")
    pool = steps.pool()
    assert parents(steps, pool, 2) == [pool._way.supervisor_pid] * 2
    assert len(pool.notes) == 1
    assert "fresh process" in pool.notes[0]
    assert note in pool.notes[0]


def test_native_threads_without_a_guard_are_seen(steps: Any, tmp_path: Path) -> None:
    steps.write("""
        import ctypes
        library = ctypes.CDLL(None)
        thread, wait = ctypes.c_ulong(), ctypes.cast(library.pause, ctypes.c_void_p)
        library.pthread_create(ctypes.byref(thread), None, wait, None)
        def step(): print(os.getppid())
    """)
    pool = steps.pool()
    assert parents(steps, pool, 1) == [pool._way.supervisor_pid]
    assert "1 native threads" in pool.notes[0]


def test_the_threads_of_openblas_are_no_obstacle(steps: Any) -> None:
    pytest.importorskip("numpy")
    steps.write("import numpy\ndef step():\n    a = numpy.ones((300, 300)); a @ a; print(os.getppid())")
    pool = steps.pool()
    assert parents(steps, pool, 2) == [pool._way.warm_pid] * 2


def test_a_module_that_cannot_be_imported_is_noted_with_its_traceback(steps: Any) -> None:
    steps.write("raise ValueError('no data here')")
    pool = steps.pool()
    process = pool.start(steps.task("step"))
    assert steps.end(pool, process).exit_code == 70
    assert "ValueError: no data here" in pool.notes[0]
    assert "ValueError: no data here" in steps.log(process)


@pytest.mark.parametrize("body", ["os._exit(3)", "os.kill(os.getpid(), 9)", "sys.exit(0)"])
def test_a_module_that_ends_the_process_is_noted_and_hangs_nothing(steps: Any, body: str) -> None:
    steps.write(body)
    pool = steps.pool()
    assert steps.run(pool, "step").reason in {Reason.EXIT, Reason.SIGNAL}
    assert len(pool.notes) == 1


def test_a_module_that_hangs_is_given_up_and_its_steps_end_by_their_timeout(steps: Any) -> None:
    steps.write("time.sleep(300)")
    pool = steps.pool(import_limit=0.5)
    process = pool.start(steps.task("step", timeout=1.0))
    assert steps.end(pool, process).reason is Reason.TIMEOUT
    assert "took longer than 0.5 s" in pool.notes[0]


def test_a_step_that_waits_for_an_import_can_be_cancelled(steps: Any) -> None:
    steps.write("time.sleep(300)")
    pool = steps.pool()
    process = pool.start(steps.task("step"))
    process.cancel(grace=60)
    assert steps.end(pool, process).reason is Reason.CANCELLED


def test_what_an_import_prints_stands_in_no_step_log(steps: Any) -> None:
    steps.write("print('importing')\ndef step(): print('running')")
    pool = steps.pool()
    process = pool.start(steps.task("step"))
    steps.end(pool, process)
    pool.close()
    assert steps.log(process) == "running\n"
    assert (steps.logs / "warm.log").read_text() == "importing\n"


def test_steps_draw_different_random_numbers(steps: Any) -> None:
    steps.write("""
        import random
        def step():
            print(random.random())
            if "numpy" in sys.modules: print(sys.modules["numpy"].random.random())
        try: import numpy.random
        except ImportError: pass
    """)
    pool = steps.pool()
    processes = [pool.start(steps.task("step")) for _ in range(4)]
    assert {steps.end(pool, each).reason for each in processes} == {Reason.COMPLETED}
    drawn = [number for each in processes for number in steps.log(each).split()]
    assert len(set(drawn)) == len(drawn) >= 4


def test_after_the_warm_process_was_killed_its_steps_are_lost_and_the_next_runs(
    steps: Any, alive: Callable[[int], bool], until: Callable[..., Any]
) -> None:
    steps.write("""
        from pathlib import Path
        def sleep():
            Path("new").write_text(str(os.getpid())); Path("new").rename("pid")
            time.sleep(300)
        def step(): print(os.getppid())
    """)
    pool = steps.pool()
    process = pool.start(steps.task("sleep"))
    until(Path("pid").exists, 60)
    pool.wait(0.0)
    first = pool._way.warm_pid
    os.kill(first, signal.SIGKILL)
    end = steps.end(pool, process)
    assert end.reason is Reason.LOST
    assert "SIGKILL" in end.detail
    assert not alive(int(Path("pid").read_text()))
    assert parents(steps, pool, 1) == [pool._way.warm_pid] != [first]


def test_steps_handed_to_a_dead_warm_process_run_in_the_next(steps: Any) -> None:
    steps.write(REPORTING)
    pool = steps.pool()
    parents(steps, pool, 1)
    os.kill(pool._way.warm_pid, signal.SIGSTOP)
    waiting = [pool.start(steps.task("step")) for _ in range(3)]
    pool.wait(0.1)
    os.kill(pool._way.warm_pid, signal.SIGKILL)
    assert [steps.end(pool, each).reason for each in waiting] == [Reason.COMPLETED] * 3


def test_a_warm_process_that_dies_again_and_again_is_given_up(steps: Any) -> None:
    steps.write("def step(): os.kill(os.getppid(), 9); time.sleep(300)\ndef other(): print(os.getppid())")
    pool = steps.pool()
    assert [steps.run(pool, "step").reason for _ in range(4)] == [Reason.LOST] * 4
    process = pool.start(steps.task("other"))
    steps.end(pool, process)
    assert int(steps.log(process)) == pool._way.supervisor_pid
    assert len(pool.notes) == 1


def test_what_a_module_made_at_import_is_there_for_every_step_and_tidied_up_at_the_end(steps: Any) -> None:
    steps.write("""
        import atexit, tempfile
        held = tempfile.TemporaryDirectory(dir=".")
        atexit.register(lambda: open("bye", "a").write("x"))
        def step():
            assert os.path.isdir(held.name)
            print(os.getppid())
    """)
    pool = steps.pool()
    parents(steps, pool, 2)
    pool.close()
    assert Path("bye").read_text() == "x"
    assert not [each for each in Path().iterdir() if each.name.startswith("tmp")]


def test_a_handler_that_a_module_sets_works_in_its_steps(steps: Any, until: Callable[..., Any]) -> None:
    steps.write("""
        signal.signal(signal.SIGINT, lambda *_: os._exit(9))
        def step():
            print("ready")
            time.sleep(300)
    """)
    pool = steps.pool()
    process = pool.start(steps.task("step"))
    while process.task.attempt not in steps.shown:
        pool.wait(1)
    process.cancel(grace=60)
    assert steps.end(pool, process).exit_code == 9


def test_multiprocessing_works_in_a_step(steps: Any) -> None:
    steps.write("""
        import multiprocessing
        def square(x): return x * x
        def step():
            for method in ("fork", "spawn", "forkserver"):
                with multiprocessing.get_context(method).Pool(2) as pool:
                    print(pool.map(square, [1, 2, 3]))
    """)
    pool = steps.pool()
    process = pool.start(steps.task("step"))
    assert steps.end(pool, process).reason is Reason.COMPLETED
    assert steps.log(process) == "[1, 4, 9]\n" * 3


def test_a_step_may_start_a_pool_of_its_own(steps: Any) -> None:
    stand_in = str(Path(__file__).parent.parent / "stand_in")
    steps.write(f"""
        from pathlib import Path
        from dovetail.execution.processes.pool import ProcessPool
        from dovetail.records.report import StepTask
        def step():
            pool = ProcessPool(
                source_root=Path({str(steps.folder)!r}), sys_path=[{stand_in!r}],
                log_directory=Path("inner"), log_limit=100, worker="stand_in_worker:Worker",
            )
            pool.give(Path({str(steps.job)!r}))
            task = dict(run_id="r", run_name="r", step="inner", attempt="a", number=1, epoch=1)
            inner = pool.start(StepTask(**task))
            while inner.poll() is None: pool.wait(1)
            pool.close()
            print(inner.poll().reason)
        def inner(): pass
    """)
    pool = steps.pool()
    process = pool.start(steps.task("step"))
    assert steps.end(pool, process).reason is Reason.COMPLETED
    assert steps.log(process) == "completed\n"
