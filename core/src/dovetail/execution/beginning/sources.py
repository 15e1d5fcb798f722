"""Where the code of a pipeline's steps is: root, script, modules; and whether it is that of a plan."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from dovetail.definition.pipeline import PipelineDefinition
from dovetail.definition.step import StepDefinition
from dovetail.errors import PlanError
from dovetail.execution.attempt.step_runner import load_step
from dovetail.execution.beginning.plan_references import check_materializers, check_modules, load_own
from dovetail.execution.workers import WorkerSetting
from dovetail.planning.code import SourceReader
from dovetail.records.plan import Plan, SourceRef, StepPlan
from dovetail.stacks.workspace import find_workspace


def setting_for(definition: PipelineDefinition) -> WorkerSetting:
    """Return the setting of a pipeline that is defined in this process."""
    script = main_file()
    module = definition.function.__module__
    start = script.parent if script else Path.cwd()
    root = _root(start)
    if module != "__main__":
        return WorkerSetting(root, modules=(module,), sys_path=tuple(sys.path))
    name = str(script.relative_to(root).as_posix()) if script else None
    return WorkerSetting(root, script=name, sys_path=tuple(sys.path))


def setting_for_plan(plan: Plan, root: Path) -> WorkerSetting:
    """Return the setting of a plan whose code lies below `root`; makes its modules importable here.

    Raises:
        PlanError: the plan names code that is neither the project's nor installed as what it says.
    """
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    check_modules(plan, root)
    check_materializers(plan, root)
    modules = dict.fromkeys(step.source.module for step in plan.steps if step.source.path)
    return WorkerSetting(root, modules=tuple(modules), sys_path=tuple(sys.path))


def main_file() -> Path | None:
    """Return the script that runs as `__main__`, None in a console, a notebook or under `-c`."""
    main = sys.modules.get("__main__")
    file = getattr(main, "__file__", None)
    return Path(file).resolve() if file and Path(file).is_file() else None


def _root(start: Path) -> Path:
    workspace = find_workspace(start)
    return workspace.root if workspace else start


def present_source(
    step: StepPlan, root: Path, reader: SourceReader
) -> tuple[StepDefinition[..., Any], SourceRef]:
    """Return a step as its code below `root` has it now.

    Raises:
        PlanError: it is not there.
    """
    source = step.source
    if source.path is None:
        raise PlanError(
            f"step {step.name!r} was defined interactively, its code is in no file",
            hint="put the step into a module and compile again",
        )
    if not (root / source.path).is_file():
        raise PlanError(
            f"step {step.name!r} is in {source.path!r}, which is not below {str(root)!r}",
            hint="name the directory that holds the code: --source DIR",
        )
    definition = load_step(source, root)
    return definition, reader.ref(definition, *(load_own(each, root) for each in source.also))


def check_sources(plan: Plan, root: Path) -> None:
    """Raise PlanError unless the code below `root` is what the plan was compiled from."""
    reader = SourceReader(root)
    seen = set()
    for step in plan.steps:
        source = step.source
        if (source.module, source.qualname, source.digest) in seen:
            continue
        seen.add((source.module, source.qualname, source.digest))
        _, found = present_source(step, root, reader)
        if found.digest != source.digest:
            changed = sorted(
                part
                for part in {*found.parts, *source.parts}
                if found.parts.get(part) != source.parts.get(part)
            )
            raise PlanError(
                f"step {step.name!r} is not the code the plan was compiled from: {', '.join(changed)} differ",
                where=source.path,
                hint="compile the plan again, or check out the commit it was compiled from",
            )
