"""What a person sees of a run: lines, or a live display on a terminal."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys

from dovetail.execution.live import Live
from dovetail.execution.progress import Lines, seconds
from dovetail.records.run import RunRecord, Status, StepRunRecord
from dovetail.records.stack import StackRecord
from dovetail.testing.command_line import CommandLine

SCRIPT = """
from dovetail import pipeline, step

@step
def load() -> int:
    print("first line")
    print("no end of line", end="")
    return 1

@pipeline
def loading():
    load()

loading.run()
"""


def _run(status: Status) -> RunRecord:
    return RunRecord(
        id="r", name="fit-1", pipeline="fit", plan_digest="d", status=status,
        stack=StackRecord(name="default"), started=0, duration=2.0,
    )  # fmt: skip


def test_of_a_run_that_goes_on_lines_say_how_many_steps_are_left() -> None:
    stream = io.StringIO()
    Lines(stream).run_started(_run(Status.RUNNING), ["train", "check"], 3)
    assert stream.getvalue() == "run fit-1: 2 left of 3 steps on stack 'default'\n"


def test_lines_name_the_step_behind_what_it_writes() -> None:
    stream = io.StringIO()
    lines = Lines(stream)
    lines.run_started(_run(Status.RUNNING), ["load"], 1)
    lines.step_started("load", 2)
    lines.output("load", b"one\ntw")
    lines.output("load", b"o\xff")
    lines.step_settled(StepRunRecord(run_id="r", step="load", status=Status.COMPLETED, duration=0.25))
    lines.run_finished(_run(Status.FAILED))
    assert stream.getvalue().splitlines() == [
        "run fit-1: 1 step on stack 'default'",
        "  load  started (attempt 2)",
        "  load | one",
        "  load | two\ufffd",
        "  load  completed in 250 ms",
        "run fit-1: failed in 2.0 s",
        "  to go on where it stopped: dovetail run resume fit-1",
    ]


def test_a_stream_that_is_closed_ends_no_run() -> None:
    stream = io.StringIO()
    lines = Lines(stream)
    stream.close()
    lines.note("nobody sees this")
    assert lines.stream is None


def test_of_a_progress_bar_the_last_state_is_shown() -> None:
    stream = io.StringIO()
    lines = Lines(stream)
    lines.output("fit", b"\r 1 %\r 50 %")
    lines.output("fit", b"\r100 %\r\nwindows\r\n")
    assert [line.partition(" | ")[2] for line in stream.getvalue().splitlines()] == ["100 %", "windows"]


def test_a_live_display_counts_the_lines_that_nobody_could_read() -> None:
    stream = io.StringIO()
    live = Live(stream)
    live.output("fit", b"line\n" * 100_000)
    live.output("fit", b"no end")
    live.step_settled(StepRunRecord(run_id="r", step="fit", status=Status.COMPLETED, duration=1.0))
    shown = stream.getvalue()
    assert 1 <= shown.count("| line\n") <= 1000
    assert f"({100_000 - shown.count('| line')} more lines are kept in its log)" in shown
    assert shown.index("| no end") < shown.index("completed")


def test_durations_are_said_as_people_say_them() -> None:
    assert [seconds(each) for each in (0.0004, 0.25, 3.21, 62, 7260)] == [
        "0 ms",
        "250 ms",
        "3.2 s",
        "1 min 02 s",
        "2 h 01 min",
    ]


def test_a_terminal_shows_steps_and_output_live(cli: CommandLine) -> None:
    cli.write("run.py", SCRIPT)
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "dovetail", "run", "run.py"], cwd=cli.directory, stdin=theirs, stdout=theirs,
        stderr=theirs, env=cli.environment({"TERM": "xterm", "COLUMNS": "100"}),
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    while piece := _read(ours):
        seen += piece
    os.close(ours)
    assert child.wait(60) == 0, seen.decode()
    for text in ("load", "first line", "no end of line", "completed"):
        assert text in seen.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:  # nobody has the other end any more
        return b""
