"""The files that `dovetail init` makes: a small pipeline that runs with the core alone."""

from __future__ import annotations

IGNORED = (".dovetail/", "__pycache__/")
"""Lines for `.gitignore`: what is made by running is not part of a project's history."""

_RUN = '''\
"""Fit a line to noisy points: `python run.py`, or `dovetail run run.py`."""

from pipelines.fitting import fitting

if __name__ == "__main__":
    run = fitting().run()
    print("root mean square error:", run.step("evaluate").output.load())
'''

_PIPELINE = '''\
"""The order of the steps."""

from steps.evaluate import evaluate
from steps.fit import fit
from steps.points import points

from dovetail import pipeline


@pipeline
def fitting():
    """Fit a line to one half of the points and try it on the other."""
    train, test = points()
    line = fit(train)
    evaluate(line, test)
'''

_POINTS = '''\
"""The data: points near a line."""

import random

from dovetail import Output, step


@step
def points(count: int = 200, noise: float = 0.5, seed: int = 1) -> Output(
    train=list[tuple[float, float]], test=list[tuple[float, float]]
):
    """Make points around y = 3x + 2 and split them in two halves."""
    source = random.Random(seed)
    xs = [source.uniform(0, 10) for _ in range(count)]
    pairs = [(x, 3 * x + 2 + source.gauss(0, noise)) for x in xs]
    return pairs[: count // 2], pairs[count // 2 :]
'''

_FIT = '''\
"""The model: a line."""

from dovetail import step


@step
def fit(train: list[tuple[float, float]]) -> dict[str, float]:
    """Return slope and intercept of the line with the least squares."""
    mean_x = sum(x for x, _ in train) / len(train)
    mean_y = sum(y for _, y in train) / len(train)
    covariance = sum((x - mean_x) * (y - mean_y) for x, y in train)
    slope = covariance / sum((x - mean_x) ** 2 for x, _ in train)
    return {"slope": slope, "intercept": mean_y - slope * mean_x}
'''

_EVALUATE = '''\
"""How good the model is."""

import math

from dovetail import step, step_context


@step
def evaluate(line: dict[str, float], test: list[tuple[float, float]]) -> float:
    """Return the root mean square error on points that the fit has not seen."""
    errors = [y - line["slope"] * x - line["intercept"] for x, y in test]
    error = math.sqrt(sum(each**2 for each in errors) / len(errors))
    step_context().log_metric("rmse", error)
    return error
'''

EXAMPLE: dict[str, str] = {
    "run.py": _RUN,
    "pipelines/__init__.py": '"""The pipelines of this project."""\n',
    "pipelines/fitting.py": _PIPELINE,
    "steps/__init__.py": '"""The steps of this project."""\n',
    "steps/points.py": _POINTS,
    "steps/fit.py": _FIT,
    "steps/evaluate.py": _EVALUATE,
}
"""Path below the workspace -> text."""
