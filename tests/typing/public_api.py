"""What a type checker says of the public face; checked by mypy, never run."""

from __future__ import annotations

from typing import Any, assert_type

from dovetail import BaseStep, Client, Plan, Repository, pipeline, step, step_context
from dovetail.client import ArtifactView, RunView, StepView
from dovetail.execution.api import Pipeline
from dovetail.execution.attempt.context import StepContext
from dovetail.records.run import Status


@step
def load(count: int = 3) -> list[int]:
    """Make numbers."""
    return list(range(count))


@step(enable_cache=False)
def total(values: list[int], scale: float = 1.0) -> float:
    """Add them up."""
    return sum(values) * scale


class Shift(BaseStep):
    """A step as a class."""

    def entrypoint(self, value: float, by: float = 1.0) -> float:
        """Shift a number."""
        return value + by


@pipeline
def adding(scale: float = 1.0) -> None:
    """Call steps as the functions they are."""
    values = load(count=4)
    assert_type(values, list[int])
    assert_type(total(values, scale=scale), float)


assert_type(adding, Pipeline)
assert_type(adding(scale=2.0), Pipeline)
assert_type(adding.compile(), Plan)
assert_type(adding.run(in_process=True), RunView)
assert_type(load.entrypoint(3), list[int])
assert_type(step_context(), StepContext)

run = Client().run("last")
assert_type(run, RunView)
assert_type(run.status, Status)
assert_type(run.step("total"), StepView)
assert_type(run.step("total").output, ArtifactView)
assert_type(run.step("total").output.load(), Any)
assert_type(Repository(), Client)
