"""What a step needs where it runs: the wheels of its materializers and of what it uses, Python, Dovetail."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import dovetail
from dovetail.errors import ConfigurationError
from dovetail.execution.attempt.job import Job
from dovetail.records.plan import MaterializerRef, Plan, StepPlan

_CORE = {"dovetail", "builtin", "custom"}


def step_wheels(plan: Plan, step: StepPlan, flavors: list[str]) -> list[str]:
    """Return the distributions beside Dovetail that an attempt at `step` needs.

    `flavors` are the qualified flavors of the components that a step uses in its own process.
    """
    stored: list[MaterializerRef] = [each.materializer for each in step.outputs]
    steps = {each.name: each for each in plan.steps}
    for source in step.inputs.values():
        outputs = steps[source.step].outputs
        stored += [each.materializer for each in outputs if each.name == source.output]
    names = {each.partition("/")[0] for each in (*flavors, *(each.name for each in stored))}
    return sorted(names - _CORE)


def check_versions(python: str, ours: str) -> None:
    """Compare this process with what launched it: the minor version of Python, the version of Dovetail.

    Raises:
        ConfigurationError: they are others here.
    """
    here = python_minor()
    if python != here:
        raise ConfigurationError(
            f"the run was planned for Python {python}, and the step would run on Python {here}",
            hint=f"give the step operator a Python {python}, or start the run with {here}",
        )
    if ours != dovetail.__version__:
        raise ConfigurationError(
            f"the run was planned by dovetail {ours}, and the step would run with {dovetail.__version__}",
            hint=f"install dovetail=={ours} where the step runs",
        )


def check_wheels(job: Job, step: StepPlan) -> None:
    """See that every wheel is here that an attempt at `step` needs.

    Raises:
        ConfigurationError: some are not.
    """
    flavors = [each.record.flavor for each in job.components.values()]
    missing = [each for each in step_wheels(job.plan, step, flavors) if not _is_installed(each)]
    if missing:
        raise ConfigurationError(
            f"step {step.name!r} needs {', '.join(map(repr, missing))}, not installed where it would run",
            hint=f"pip install {' '.join(missing)} there",
        )


def python_minor() -> str:
    """Return `3.11`."""
    return ".".join(platform.python_version_tuple()[:2])


def _is_installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
