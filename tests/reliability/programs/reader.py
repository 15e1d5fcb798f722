"""Reads all runs again and again until the file `stop` is there; prints what was read, torn and wrong."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from dovetail import Client


def main(steps: int) -> None:
    """Look for completed runs that lack something, and for completed steps without their artifacts."""
    told = {"rounds": 0, "runs": 0, "steps": 0}
    torn: set[str] = set()
    over = False
    while not over:
        over = Path("stop").exists()  # once more after the last writer
        told["rounds"] += 1
        with Client() as client:
            for run in client.runs(limit=1000):
                told["runs"] += 1
                good = 0
                for step in run.steps.values():
                    told["steps"] += 1
                    record = step.record
                    if record is None or not record.status.good:
                        continue
                    good += 1
                    if set(step.outputs) != set(record.outputs) or len(step.outputs) != 1:
                        torn.add(f"{run.name}.{step.name} lacks its artifact")
                if run.status == "completed" and good != steps:
                    torn.add(f"{run.name} is completed with {good} of {steps} steps")
    sys.stdout.write(json.dumps({**told, "torn": sorted(torn)}))


main(int(sys.argv[1]))
