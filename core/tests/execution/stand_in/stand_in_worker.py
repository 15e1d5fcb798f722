"""A worker without artifacts and reports: it calls the function of the test's module that the task names."""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import Any

from dovetail.records.run import Status

MODULE = "steps_of_test"


class Worker:
    def __init__(self, job: Any, live: Any, store: Any) -> None:
        self.job = job

    @classmethod
    def prepare(cls, job: Any) -> Worker:
        importlib.import_module(MODULE)
        return cls(job, {}, None)

    def run(self, task: Any) -> SimpleNamespace:
        try:
            getattr(importlib.import_module(MODULE), task.step)()
        except KeyboardInterrupt:
            return SimpleNamespace(status=Status.CANCELLED)
        return SimpleNamespace(status=Status.COMPLETED)
