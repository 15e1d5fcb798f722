"""What a step in this very process writes is kept and shown, and everything is as before afterwards."""

# ruff: noqa: T201
# Steps print.

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from dovetail.execution.output import Capture, _begun, terminal
from dovetail.names import new_id
from dovetail.records.report import StepTask, log_path


class Store:
    """As much of an artifact store as a capture needs; with or without a directory for logs that grow."""

    def __init__(self, folder: Path, *, local: bool = True) -> None:
        self.folder = folder
        self.local = local
        self.put_in: dict[str, bytes] = {}

    def log_directory(self, path: str) -> Path | None:
        return self.folder / path if self.local else None

    def put(self, path: str, data: bytes) -> None:
        self.put_in[path] = data


@pytest.fixture
def shown() -> list[bytes]:
    return []


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture
def capture(store: Store, shown: list[bytes]) -> Iterator[Capture]:
    capture: Capture = Capture(store, lambda _step, data: shown.append(data))  # type: ignore[arg-type]
    yield capture
    capture.close()


def task() -> StepTask:
    return StepTask(run_id="r" * 26, run_name="r", step="s", attempt=new_id(), number=1, epoch=1)


def kept(store: Store, made: StepTask) -> str | None:
    path = store.folder / log_path(made.run_id, made.attempt)
    return path.read_text() if path.exists() else None


def test_python_c_and_children_are_caught_in_order(
    capture: Capture, store: Store, shown: list[bytes]
) -> None:
    made = task()
    with capture.attempt(made):
        print("python")
        ctypes.CDLL(None).puts(b"c")
        ctypes.CDLL(None).fflush(None)
        subprocess.run(["echo", "child"], check=True)
        print("error", file=sys.stderr)
    assert kept(store, made) == "python\nc\nchild\nerror\n"
    assert b"".join(shown).decode() == kept(store, made)


def test_what_c_buffers_at_the_end_is_caught_too(capture: Capture, store: Store) -> None:
    made = task()
    with capture.attempt(made):
        ctypes.CDLL(None).printf(b"no newline")
    assert kept(store, made) == "no newline"


def test_a_silent_step_has_no_log(capture: Capture, store: Store) -> None:
    made = task()
    with capture.attempt(made):
        pass
    assert kept(store, made) is None


def test_each_attempt_has_its_own_log(capture: Capture, store: Store) -> None:
    made = [task() for _ in range(20)]
    for number, each in enumerate(made):
        with capture.attempt(each):
            print(number)
    assert [kept(store, each) for each in made] == [f"{number}\n" for number in range(20)]


def test_an_error_passes_and_its_output_is_kept(capture: Capture, store: Store) -> None:
    made = task()

    def fail() -> None:
        with capture.attempt(made):
            print("before")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert kept(store, made) == "before\n"


def test_streams_are_the_same_objects_afterwards(capture: Capture) -> None:
    before = (sys.stdout, sys.stderr, os.fstat(1), os.fstat(2))
    with capture.attempt(task()):
        sys.stdout = None  # type: ignore[assignment]
    assert (sys.stdout, sys.stderr, os.fstat(1), os.fstat(2)) == before


def test_a_store_elsewhere_gets_the_complete_log(store: Store, shown: list[bytes]) -> None:
    store.local = False
    capture: Any = Capture(store, None)  # type: ignore[arg-type]
    made, silent = task(), task()
    with capture.attempt(made):
        print("far away")
    with capture.attempt(silent):
        pass
    capture.close()
    assert store.put_in == {log_path(made.run_id, made.attempt): b"far away\n"}


def test_a_log_ends_at_its_limit(store: Store) -> None:
    capture: Any = Capture(store, None, limit=1000)  # type: ignore[arg-type]
    made = task()
    with capture.attempt(made):
        os.write(1, b"x" * 50_000)
    capture.close()
    assert (kept(store, made) or "").startswith("x" * 1000 + "\n[more than 1000 bytes")


def test_a_display_that_fails_does_not_lose_the_log(store: Store) -> None:
    def broken(_step: str, _data: bytes) -> None:
        raise OSError

    capture: Any = Capture(store, broken)  # type: ignore[arg-type]
    made = task()
    with capture.attempt(made):
        print("one", flush=True)
        print("two")
    capture.close()
    assert kept(store, made) == "one\ntwo\n"


def test_a_thousand_runs_leave_neither_descriptors_nor_threads(store: Store) -> None:
    def run() -> None:
        capture: Any = Capture(store, None)  # type: ignore[arg-type]
        with capture.attempt(task()):
            os.write(1, b"x")
        capture.close()

    def held() -> tuple[int, int]:
        return len(list(Path("/proc/self/fd").iterdir())), threading.active_count()

    run()
    before = held()
    for _ in range(1000):
        run()
    assert held() == before


def test_the_beginning_of_the_end_is_recognised() -> None:
    assert [_begun(data, b"abc") for data in (b"", b"xa", b"xab", b"xb", b"aab", b"abx")] == [
        0,
        1,
        2,
        0,
        2,
        0,
    ]


ALONE = """
    import os, sys, threading
    from pathlib import Path
    from dovetail.execution.output import Capture, terminal
    from dovetail.records.report import StepTask
    class Store:
        def log_directory(self, path): return Path("logs")
    def task(name): return StepTask(run_id="r", run_name="r", step="s", attempt=name, number=1, epoch=1)
    out = terminal(sys.stdout)
    capture = Capture(Store(), lambda step, data: out.write(f"[{data.decode()}]"))
"""


def alone(body: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program of its own, whose standard streams are real ones."""
    code = dedent(ALONE) + dedent(body)
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )


def test_output_is_shown_while_the_stream_itself_is_redirected(tmp_path: Path) -> None:
    ended = alone(
        """
        print("before")
        with capture.attempt(task("a")):
            print("within"); os.system("echo child")
        print("after")
        capture.close()
        """,
        tmp_path,
    )
    assert ended.stderr == ""
    assert ended.stdout.replace("][", "") == "before\n[within\nchild\n]after\n"
    assert (tmp_path / "logs/a.log").read_text() == "within\nchild\n"


@pytest.mark.parametrize(
    "body",
    [
        "os.close(1); os.close(2)",
        "sys.stdout.close(); sys.stderr.close()",
        "os.dup2(os.open('/dev/null', os.O_WRONLY), 1)",
        "sys.stdout = open('/dev/null', 'w')",
    ],
)
def test_whatever_the_step_did_to_its_streams_they_work_afterwards(tmp_path: Path, body: str) -> None:
    ended = alone(
        f"""
        with capture.attempt(task("a")):
            {body}
        print("alive"); print("also", file=sys.stderr)
        with capture.attempt(task("b")):
            print("next")
        capture.close()
        """,
        tmp_path,
    )
    assert (ended.stdout.partition("[")[0], ended.stderr) == ("alive\n", "also\n")
    assert (tmp_path / "logs/b.log").read_text() == "next\n"


def test_a_step_that_closes_everything_ends_and_so_does_the_next(tmp_path: Path) -> None:
    ended = alone(
        """
        with capture.attempt(task("a")):
            os.closerange(3, 64)
        with capture.attempt(task("b")):
            print("next")
        """,
        tmp_path,
    )
    assert ended.returncode in {0, 1}


def test_a_program_without_standard_streams_captures_too(tmp_path: Path) -> None:
    command = [sys.executable, "-c", dedent(ALONE).replace("out = terminal(sys.stdout)", "").replace(
        'lambda step, data: out.write(f"[{data.decode()}]")', "None"
    ) + "with capture.attempt(task('a')):\n    os.system('echo here')\ncapture.close()"]  # fmt: skip
    subprocess.run(["sh", "-c", 'exec "$@" 1>&- 2>&-', "sh", *command], cwd=tmp_path, check=True, timeout=60)
    assert (tmp_path / "logs/a.log").read_text() == "here\n"


def test_a_terminal_that_is_no_descriptor_is_the_stream_itself(
    capsys: Any, until: Callable[..., Any]
) -> None:
    assert terminal(sys.stdout) is sys.stdout
