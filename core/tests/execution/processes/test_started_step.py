"""What the launcher shows of a step's log while it grows."""

from __future__ import annotations

from pathlib import Path

from dovetail.execution.processes.started_step import StartedStep
from dovetail.records.report import StepTask

TASK = StepTask(run_id="r", run_name="r", step="s", attempt="a", number=1, epoch=1)


def test_only_the_end_of_very_much_is_shown_with_a_word_about_the_rest(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"x" * (5 << 20) + b"end")
    step = StartedStep(TASK, lambda: None, lambda *_: None, str(log))
    pieces: list[bytes] = []
    step.written = 10
    step.show(lambda _, data: pieces.append(data))
    step.written = log.stat().st_size
    step.show(lambda _, data: pieces.append(data))
    shown = b"".join(pieces)
    left_out = step.written - 10 - (1 << 20)
    assert shown.startswith(b"x" * 10 + f"\n[{left_out} bytes are not shown here, only kept]\nx".encode())
    assert shown.endswith(b"end")
    assert shown.count(b"x") == 10 + (1 << 20) - 3
