"""What a plan names outside of itself, modules and materializers: refused by name, before an import."""

from __future__ import annotations

import sys
from pathlib import Path, PurePosixPath
from typing import Any

from dovetail.errors import MaterializerError, PlanError
from dovetail.execution.attempt.module_file import check_module, file_of
from dovetail.execution.attempt.step_runner import load_module
from dovetail.materializers.registry import CUSTOM
from dovetail.planning.project_modules import ProjectModules
from dovetail.records.plan import MaterializerRef, Plan, SourceRef, StepPlan
from dovetail.references import load
from dovetail.stacks.assemble import material_registry


def check_modules(plan: Plan, root: Path) -> None:
    """Refuse a plan with a step whose module is another file than the plan says; imports nothing.

    Steps whose file is not there are not looked at: nothing imports them.

    Raises:
        PlanError: there is such a step.
    """
    for source in {(each.module, each.path): each for each in _sources(plan, root)}.values():
        if source.module != PurePosixPath(source.path or "").stem or source.module in sys.modules:
            check_module(source, root)  # else it is a script, loaded from its file


def check_materializers(plan: Plan, root: Path) -> None:
    """Refuse a plan that stores an output by what is neither installed under that name nor the project's.

    A materializer of an installed package that is not announced has to be imported by the step's own code.

    Raises:
        PlanError: there is such an output; its materializer was not imported.
    """
    registry, project = material_registry(), ProjectModules(root)
    own = {each.module for each in _sources(plan, root)}
    seen: set[MaterializerRef] = set()
    for step in plan.steps:
        for output in step.outputs:
            ref = output.materializer
            if ref in seen or _module(ref.reference) in own:
                continue
            seen.add(ref)
            if ref.name.startswith(CUSTOM):
                _check_custom(step, ref, project)
                continue
            try:
                registry.check(ref)
            except MaterializerError as error:
                raise PlanError(
                    f"output {output.name!r} of step {step.name!r}: {error.message}", hint=error.hint
                ) from None


def load_own(reference: str, root: Path) -> Any:  # noqa: ANN401 - whatever stands there
    """Return what a plan names besides its steps, such as a class of the user's.

    That is in a file of the project, or in a module that the project's code has imported by now.

    Raises:
        PlanError: it is neither, and was not imported for that.
    """
    if not _is_own(reference, ProjectModules(root)):
        raise PlanError(
            f"{reference!r} is named by the plan, and the code below {str(root)!r} does not import it",
            hint="the plan does not belong to this code: compile it again",
        )
    return load(reference)


def _check_custom(step: StepPlan, ref: MaterializerRef, project: ProjectModules) -> None:
    if _is_own(ref.reference, project):
        return
    if step.source.path and (project.root / step.source.path).is_file():
        load_module(step.source, project.root)
    if _module(ref.reference) not in sys.modules:
        raise PlanError(
            f"step {step.name!r} names materializer {ref.reference!r}, which its code does not import",
            where=step.source.path,
            hint="the plan does not belong to this code: compile it again",
        )


def _sources(plan: Plan, root: Path) -> list[SourceRef]:
    sources = [each.source for each in plan.steps]
    return [each for each in sources if each.path and (root / each.path).is_file()]


def _is_own(reference: str, project: ProjectModules) -> bool:
    """Say whether a reference leads to what is imported already, or to a file of the project."""
    module = _module(reference)
    if module in sys.modules:
        return True
    file = file_of(module)
    return file is not None and project.relative(file) is not None


def _module(reference: str) -> str:
    return reference.partition(":")[0]
