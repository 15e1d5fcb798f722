"""What a step needs where it runs: the wheels of its materializers and of what it uses, Python, Dovetail."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import dovetail
from dovetail.errors import ConfigurationError
from dovetail.execution.attempt.job import Job
from dovetail.records.plan import MaterializerRef, StepPlan
from dovetail.secrets import references_in

_CORE = {"dovetail", "builtin", "custom"}
_SEALED = "dovetail/local"
"""The secrets manager of the core whose secrets are sealed, by a package that is an extra of the core."""


def step_wheels(job: Job, step: StepPlan) -> list[str]:
    """Return the distributions beside Dovetail that an attempt at `step` needs."""
    stored: list[MaterializerRef] = [each.materializer for each in step.outputs]
    steps = {each.name: each for each in job.plan.steps}
    for source in step.inputs.values():
        outputs = steps[source.step].outputs
        stored += [each.materializer for each in outputs if each.name == source.output]
    flavors = [each.record.flavor for each in job.components.values()]
    names = {each.partition("/")[0] for each in (*flavors, *(each.name for each in stored))}
    if _unseals(job, step):
        names.add("cryptography")
    return sorted(names - _CORE)


def _unseals(job: Job, step: StepPlan) -> bool:
    manager = job.components.get("secrets_manager")
    if manager is None or manager.record.flavor != _SEALED:
        return False
    said = [
        step.parameters,
        step.options.environment,
        *(each.record.config for each in job.components.values()),
    ]
    return any(references_in(said))


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
    missing = [each for each in step_wheels(job, step) if not _is_installed(each)]
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
