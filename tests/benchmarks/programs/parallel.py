"""Run 16 steps that sleep a second at once; print first start to last end over the longest step."""

from __future__ import annotations

import time

from dovetail import pipeline, step

COUNT = 16


@step(enable_cache=False)
def sleeper(index: int) -> int:
    """Sleep a second."""
    time.sleep(1)
    return index


@pipeline
def sleepers() -> None:
    """Call it often."""
    for index in range(COUNT):
        sleeper(index=index)


if __name__ == "__main__":
    run = sleepers.run(max_workers=COUNT, quiet=True)
    attempts = [attempt for each in run.steps.values() for attempt in each.attempts]
    first = min(each.started for each in attempts)
    last = max(each.finished or 0 for each in attempts)
    print((last - first) / 1e6, max(each.duration or 0.0 for each in attempts))
