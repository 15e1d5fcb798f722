"""The live display of a run on a terminal. Imported only there, for it brings rich."""

from __future__ import annotations

import time
from collections import Counter
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live as RichLive
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from dovetail.execution.progress import Progress, seconds, shown
from dovetail.records.run import RunRecord, Status, StepRunRecord

_STYLES = {
    Status.COMPLETED: ("✓", "green"),
    Status.CACHED: ("↺", "cyan"),
    Status.SKIPPED: ("-", "dim"),
    Status.FAILED: ("✗", "bold red"),
    Status.CANCELLED: ("■", "yellow"),
}
_SHOWN = 12
_MOST_LINES, _BUDGET_TIME = 500, 0.25
"""So many lines are printed in so many seconds."""


class Live(Progress):
    """Settled steps scroll by as lines; the running ones stay at the bottom with a clock and a count."""

    def __init__(self, stream: TextIO) -> None:
        self.console = Console(file=stream, highlight=False)
        self._running: dict[str, tuple[float, int]] = {}
        self._spinner = Spinner("dots")
        self._total = 0
        self._settled = 0
        self._width = 8
        self._rest: dict[str, bytes] = {}
        self._left_out: Counter[str] = Counter()
        self._budget, self._budget_until = _MOST_LINES, 0.0
        # The streams stay as they are: what a step in this process prints goes through its log.
        self._live = RichLive(
            console=self.console, refresh_per_second=8, transient=True, get_renderable=self._view,
            redirect_stdout=False, redirect_stderr=False,
        )  # fmt: skip

    def run_started(self, run: RunRecord, steps: list[str], count: int) -> None:
        """Show run and stack, how many steps are left where others have ended, and begin to refresh."""
        self._total, self._width = len(steps), min(32, max(map(len, steps), default=8))
        left = f": {len(steps)} left of {count} steps" if len(steps) != count else ""
        self.console.print(Text.assemble("run ", (run.name, "bold"), f"{left} on stack {run.stack.name!r}"))
        self._live.start()

    def step_started(self, step: str, attempt: int) -> None:
        """Put it among the running."""
        self._running[step] = (time.monotonic(), attempt)

    def step_settled(self, record: StepRunRecord) -> None:
        """Let its line scroll by."""
        self._flush(record.step)
        self._running.pop(record.step, None)
        self._settled += 1
        sign, style = _STYLES.get(record.status, ("?", ""))
        took = seconds(record.duration) if record.status is Status.COMPLETED and record.duration else ""
        line = Text.assemble(
            (f" {sign} ", style), f"{record.step:{self._width}}  ", (record.status.value, style)
        )
        self.console.print(line.append(f"  {took}", "dim"))

    def step_retried(self, step: str, delay: float, why: str) -> None:
        """Say so and take it from the running."""
        self._flush(step)
        self._running.pop(step, None)
        self.console.print(
            Text(f" ! {step:{self._width}}  {why}; next attempt in {seconds(delay)}", "yellow")
        )

    def output(self, step: str, data: bytes) -> None:
        """Print whole lines behind the step's name; of more than anybody can read some, and a count."""
        *lines, rest = (self._rest.get(step, b"") + data).split(b"\n")
        self._rest[step] = rest[-8192:]
        now = time.monotonic()
        if now >= self._budget_until:
            self._budget, self._budget_until = _MOST_LINES, now + _BUDGET_TIME
            self._tell_left_out()
        now_shown, left = lines[: self._budget], lines[self._budget :]
        self._budget -= len(now_shown)
        if left:
            self._left_out[step] += len(left)
        if now_shown:
            self._print(step, now_shown)

    def _flush(self, step: str) -> None:
        self._tell_left_out()
        if rest := self._rest.pop(step, b""):
            self._print(step, [rest])

    def _tell_left_out(self) -> None:
        for step, count in self._left_out.items():
            self.console.print(
                Text(f"   {step:{self._width}} | ({count} more lines are kept in its log)", "dim")
            )
        self._left_out.clear()

    def _print(self, step: str, lines: list[bytes]) -> None:
        prefix = f"   {step:{self._width}} | "
        parts = [each for line in lines for each in ((prefix, "dim"), f"{shown(line)}\n")]
        self.console.print(Text.assemble(*parts), end="")

    def note(self, text: str) -> None:
        """Print it."""
        self.console.print(Text(f"   note: {text}", "dim"))

    def run_finished(self, run: RunRecord) -> None:
        """Stop refreshing, show the outcome and what to type next."""
        self._live.stop()
        sign, style = _STYLES.get(run.status, ("?", ""))
        self.console.print(
            Text.assemble((f" {sign} {run.status.value}", style), f" in {seconds(run.duration or 0.0)}")
        )
        if run.status in {Status.FAILED, Status.CANCELLED}:
            self.console.print(Text(f"   to go on where it stopped: dovetail run resume {run.name}", "dim"))

    def close(self) -> None:
        """Stop refreshing."""
        self._live.stop()

    def _view(self) -> Group:
        table = Table.grid(padding=(0, 1))
        for step, (since, attempt) in list(self._running.items())[:_SHOWN]:
            again = f" (attempt {attempt})" if attempt > 1 else ""
            table.add_row(self._spinner, step, Text(seconds(time.monotonic() - since) + again, "dim"))
        more = len(self._running) - _SHOWN
        count = f" {self._settled}/{self._total} steps" + (f", {more} more running" if more > 0 else "")
        return Group(table, Text(count, "dim"))
