"""What a person sees of a run while it goes on: plain lines, or a live display on a terminal."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from dovetail.execution.interruption import going_on
from dovetail.execution.output import terminal
from dovetail.records.run import RunRecord, Status, StepRunRecord
from dovetail.references import load

_CLEAR_BELOW_MS = 1.0
_MINUTE = 60.0


class Progress:
    """Is told what happens, by the launcher, in its thread. This one shows nothing."""

    def run_started(self, run: RunRecord, steps: list[str], count: int) -> None:
        """Hear that a run begins, or goes on with what is left: these steps in order, of so many."""

    def step_started(self, step: str, attempt: int) -> None:
        """Hear that an attempt starts."""

    def step_settled(self, record: StepRunRecord) -> None:
        """Hear that a step has ended, was found in the cache, or is skipped."""

    def step_retried(self, step: str, delay: float, why: str) -> None:
        """Hear that a failed step will be tried again in `delay` seconds."""

    def output(self, step: str, data: bytes) -> None:
        """Hear what a step wrote."""

    def note(self, text: str) -> None:
        """Tell a person something, once."""

    def run_finished(self, run: RunRecord) -> None:
        """Hear that the run has ended."""

    def close(self) -> None:
        """Hear that nothing more comes, also without an end of the run."""


class Lines(Progress):
    """One line per event on a text stream; what steps write appears behind their name."""

    def __init__(self, stream: TextIO) -> None:
        self.stream: TextIO | None = stream
        self._width = 0
        self._rest: dict[str, bytes] = {}

    def _say(self, *texts: str) -> None:
        if self.stream is None:
            return
        try:
            self.stream.write("\n".join((*texts, "")))
            self.stream.flush()
        except (OSError, ValueError):  # nobody can see it any more
            self.stream = None

    def run_started(self, run: RunRecord, steps: list[str], count: int) -> None:
        """Show run, how many steps there are or are left, and stack."""
        self._width = min(32, max(map(len, steps), default=0))
        left = f"{len(steps)} left of " if len(steps) != count else ""
        self._say(f"run {run.name}: {left}{count} step{'s' * (count != 1)} on stack {run.stack.name!r}")

    def step_started(self, step: str, attempt: int) -> None:
        """Show the step, and which try it is when not the first."""
        self._say(f"  {step:{self._width}}  started" + (f" (attempt {attempt})" if attempt > 1 else ""))

    def step_settled(self, record: StepRunRecord) -> None:
        """Show how and after how long."""
        self.finish_line(record.step)
        took = (
            f" in {seconds(record.duration)}" if record.status is Status.COMPLETED and record.duration else ""
        )
        self._say(f"  {record.step:{self._width}}  {record.status.value}{took}")

    def step_retried(self, step: str, delay: float, why: str) -> None:
        """Show why and when."""
        self.finish_line(step)
        self._say(f"  {step:{self._width}}  {why}; next attempt in {seconds(delay)}")

    def output(self, step: str, data: bytes) -> None:
        """Show whole lines; the rest waits for its end."""
        *lines, rest = (self._rest.get(step, b"") + data).split(b"\n")
        self._rest[step] = rest[-8192:]
        if lines:
            self._say(*(f"  {step:{self._width}} | {shown(line)}" for line in lines))

    def finish_line(self, step: str) -> None:
        """Show what a step wrote without ending the line."""
        if rest := self._rest.pop(step, b""):
            self._say(f"  {step:{self._width}} | {shown(rest)}")

    def note(self, text: str) -> None:
        """Show it."""
        self._say(f"  note: {text}")

    def run_finished(self, run: RunRecord) -> None:
        """Show the outcome and what to type next."""
        self._say(f"run {run.name}: {run.status.value} in {seconds(run.duration or 0.0)}")
        if run.status in {Status.FAILED, Status.CANCELLED}:
            self._say(f"  {going_on(run.name, run.stack.name)}")


def shown(line: bytes) -> str:
    """Return what a terminal would show of a line in the end: of a progress bar its last state."""
    return line.rstrip(b"\r").rpartition(b"\r")[2].decode("utf-8", "replace")


def seconds(duration: float) -> str:
    """Return a duration for people."""
    if duration < _CLEAR_BELOW_MS:
        return f"{duration * 1000:.0f} ms"
    if duration < _MINUTE:
        return f"{duration:.1f} s"
    minutes, rest = divmod(round(duration), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def choose_progress(*, quiet: bool = False, in_process: bool = False) -> Progress:
    """Return the display that suits where it is shown: live on a capable terminal, lines elsewhere.

    With `in_process` it writes past the capture of what the steps write.
    """
    if quiet or sys.stderr is None:
        return Progress()
    stream = terminal() if in_process else sys.stderr
    if stream.isatty() and os.environ.get("TERM", "dumb") != "dumb" and "NO_PROGRESS" not in os.environ:
        live: Progress = load("dovetail.execution.live:Live")(stream)
        return live
    return Lines(stream)
