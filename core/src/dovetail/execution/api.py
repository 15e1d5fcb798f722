"""What users hold: `@pipeline` gives a Pipeline that compiles and runs; `run` runs a plan."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack, overload

from dovetail.client import Records, RunView
from dovetail.definition.composition import Composition
from dovetail.definition.pipeline import PipelineDefinition
from dovetail.definition.quiet import ending_quietly, leave_quietly, without_secrets
from dovetail.discovery.index import Index, load_index
from dovetail.errors import DovetailError, StepError
from dovetail.execution.attempt.script import MODE, Captured
from dovetail.execution.beginning.outset import Revise
from dovetail.execution.beginning.selection import Names, Selection
from dovetail.execution.beginning.sources import check_sources, setting_for, setting_for_plan
from dovetail.execution.interruption import cancellation, command, going_on
from dovetail.execution.launcher import USED_BY_RUNS, Launcher, Options
from dovetail.execution.progress import Progress, choose_progress
from dovetail.execution.provenance import GitState
from dovetail.execution.workers import WorkerSetting
from dovetail.planning.code import is_reloadable
from dovetail.planning.compiler import compile_plan
from dovetail.planning.loaded_modules import as_loaded
from dovetail.planning.overrides import Overrides, read_overrides
from dovetail.records.plan import Plan
from dovetail.records.run import RunRecord, Status
from dovetail.records.stack import StackRecord
from dovetail.stacks.assemble import active_stack_record, assemble, material_registry
from dovetail.stacks.stack import LiveStack

FailurePolicy = Literal["stop", "continue"]


@dataclass(frozen=True, slots=True)
class Request:
    """How a run was asked for; what is None is decided by pipeline, stack and machine."""

    stack: str | None = None
    name: str | None = None
    max_workers: int | None = None
    in_process: bool = False
    enable_cache: bool | None = None
    failure_policy: FailurePolicy | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    quiet: bool = False
    check: bool = True
    from_step: Names = ()
    to_step: Names = ()
    only: Names = ()
    skip: Names = ()
    base: str | None = None

    @property
    def selection(self) -> Selection:
        """Return which steps are to run."""
        return Selection.of(
            from_step=self.from_step, to_step=self.to_step, only=self.only, skip=self.skip, base=self.base
        )


class RunOptions(TypedDict, total=False):
    """How a pipeline is to run.

    `stack` names a registered stack, the active one by default; `name` the run, made from pipeline and
    time by default. `max_workers` is how many steps may run at a time. `in_process` calls the steps in
    this process, one after the other: for debugging and tiny steps. `enable_cache=False` runs every step,
    whatever earlier runs computed. After a failure `failure_policy` starts nothing more (`stop`, the
    default), or what does not depend on it (`continue`). `parameters` are values by `step.parameter`.
    `quiet` shows no progress. `check=False` returns a run that did not complete instead of raising.

    A part of the pipeline: `from_step` runs these and all downstream, `to_step` these and all upstream, both
    together what is in both, `only` exactly these; `skip` takes steps away from that. What the others would
    give comes from the newest run that has it, or from the run `base`.
    """

    stack: str | None
    name: str | None
    max_workers: int | None
    in_process: bool
    enable_cache: bool | None
    failure_policy: FailurePolicy
    parameters: Mapping[str, Any]
    quiet: bool
    check: bool
    from_step: Names
    to_step: Names
    only: Names
    skip: Names
    base: str | None


class Pipeline:
    """A pipeline that can be compiled and run. Immutable: every method that changes returns another one.

    ::

        @pipeline
        def training(epochs: int = 1):
            data = load()
            train(data, epochs=epochs)

        run = training.run()              # or training(epochs=3).run()
        model = run.step("train").output.load()
    """

    def __init__(
        self,
        definition: PipelineDefinition,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
        overrides: tuple[Overrides, ...] = (),
    ) -> None:
        self.definition = definition
        self._args = args
        self._kwargs = dict(kwargs or {})
        self._overrides = overrides
        self.__doc__ = definition.function.__doc__
        self.__module__ = definition.function.__module__

    @property
    def name(self) -> str:
        """Return the pipeline's name."""
        return self.definition.name

    def __call__(self, *args: Any, **kwargs: Any) -> Pipeline:
        """Bind the body's arguments: values, or in the classic form steps."""
        return Pipeline(self.definition, args, kwargs, self._overrides)

    def with_options(self, **options: Any) -> Pipeline:
        """Return the pipeline with other options (`name`, `enable_cache`, `settings`)."""
        return Pipeline(self.definition.with_options(**options), self._args, self._kwargs, self._overrides)

    def configure(self, source: str | Path | Mapping[str, Any]) -> Pipeline:
        """Return the pipeline with settings from a YAML file or a mapping of the same form."""
        return Pipeline(self.definition, self._args, self._kwargs, (*self._overrides, read_overrides(source)))

    def compose(self) -> Composition:
        """Run the body once and return the graph it describes."""
        return self.definition.compose(*self._args, **self._kwargs)

    def compile(self, *, stack: str | None = None, parameters: Mapping[str, Any] | None = None) -> Plan:
        """Return the plan for a stack, the active one by default; nothing is run or written.

        Raises:
            DefinitionError: the definition is wrong; says where.
            PlanError: definition and stack do not fit.
        """
        record, index = active_stack_record(stack), load_index()
        root = setting_for(self.definition).source_root
        plan = self._plan(record, root, parameters or {}, self.compose(), index)
        assemble(record, only=USED_BY_RUNS, index=index).close()
        return plan

    def run(self, **options: Unpack[RunOptions]) -> RunView:
        """Compile and run; return the ended run. Options stand at `RunOptions`.

        Raises:
            StepError: a step failed; `traceback` is the user's own.
            RunCancelled: the run was ended on request.
            DovetailError: nothing ran, for the reason it says.
        """
        request = Request(**options)
        if MODE.inert:
            MODE.skipped = True
            return None  # type: ignore[return-value] # a script that is only loaded for its steps
        if MODE.capture:
            if MODE.wanted in (None, self.name):
                raise Captured(self, request)
            return None  # type: ignore[return-value] # another pipeline of the script is wanted
        try:
            return self.execute(request)
        except DovetailError as error:
            leave_quietly()
            error = without_secrets(error)
            raise error.with_traceback(None) from error.__cause__

    def execute(self, request: Request) -> RunView:
        """Run as `run` does, whatever mode scripts are in."""
        setting = setting_for(self.definition)
        with closing(GitState(setting.source_root)) as git:
            return self._execute(request, setting, git)

    def _execute(self, request: Request, setting: WorkerSetting, git: GitState) -> RunView:
        record, index = active_stack_record(request.stack), load_index()
        composition = self.compose()
        plan = self._plan(record, setting.source_root, request.parameters, composition, index)
        if not request.in_process and not all(is_reloadable(step.source) for step in plan.steps):
            request = replace(request, in_process=True)
            say_once(request)
        if request.in_process:
            plan = as_loaded(plan)
        progress = choose_progress(quiet=request.quiet, in_process=request.in_process)
        if not request.in_process:
            setting.open_pool()
        live = {node.name: node.instance for node in composition.nodes} if request.in_process else {}
        with (
            closing(setting),
            assemble(record, only=USED_BY_RUNS, in_process=request.in_process, index=index) as stack,
        ):
            return launch(stack, plan, Start(setting, request, progress, git, live))

    def _plan(
        self,
        stack: StackRecord,
        root: Path,
        parameters: Mapping[str, Any],
        composition: Composition,
        index: Index,
    ) -> Plan:
        return compile_plan(
            composition,
            root=root,
            flavors={kind: each.flavor for kind, each in stack.components.items()},
            materializers=material_registry(index),
            overrides=(*self._overrides, Overrides.from_parameters(parameters)),
        )

    def __repr__(self) -> str:
        """Name it."""
        return f"<pipeline {self.name!r}>"


_said: list[str] = []


def say_once(request: Request) -> None:
    """Tell, the first time in this process, that steps without a file run in it."""
    if not _said and not request.quiet:
        _said.append("interactive")
        sys.stderr.write("note: steps defined interactively run in process, one after the other\n")


@dataclass(frozen=True, slots=True)
class Start:
    """What a run starts from besides stack and plan; `live` are the steps that exist in this process.

    `git` is asked by runs that begin; one that is resumed keeps what it began with. The rest is as in
    `dovetail.execution.launcher.Options`.
    """

    setting: WorkerSetting
    request: Request
    progress: Progress
    git: GitState | None = None
    live: Mapping[str, Any] = field(default_factory=dict)
    parent: str | None = None
    notes: tuple[str, ...] = ()
    revise: Revise | None = None


def launch(stack: LiveStack, plan: Plan, start: Start, resumed: RunRecord | None = None) -> RunView:
    """Run a plan on a live stack, or go on with a run; return it, or raise as `Pipeline.run` says."""
    request = start.request
    options = Options(
        max_workers=request.max_workers,
        in_process=request.in_process,
        use_cache=request.enable_cache is not False,
        stop_on_failure=request.failure_policy != "continue",
        name=request.name,
        live=start.live,
        selection=request.selection,
        parent=start.parent,
        notes=start.notes,
        revise=start.revise,
    )
    launcher = Launcher(stack, plan, start.setting, options, start.progress)
    ended = launcher.launch(start.git) if resumed is None else launcher.resume(resumed)
    if request.check:
        raise_unless_completed(ended, launcher)
    return RunView(Records(stack.record, stack.home), ended)


def raise_unless_completed(run: RunRecord, launcher: Launcher) -> None:
    """Raise what became of a run that did not complete."""
    if run.status is Status.CANCELLED:
        error = cancellation(run)
        if launcher.cancel.signal:
            error.exit_code = 128 + launcher.cancel.signal  # type: ignore[misc] # of this one only
        raise error
    failures = {step: report.failure for step, report in launcher.reports.items() if report.failure}
    for step, failure in failures.items():
        others = [each for each in failures if each != step]
        more = f"; so did {', '.join(map(repr, others))}" if others else ""
        raise StepError(
            f"step {step!r} failed: {failure.text}{more}",
            hint=failure.hint or _hint(run, step, raised=bool(failure.bases)),
            traceback=failure.traceback or None,
        )


def _hint(run: RunRecord, step: str, *, raised: bool) -> str:
    """Say where to look after a failure, and how to go on after an end that no code of the step explains."""
    output = f"its output: {command('logs', run.name, step, stack=run.stack.name)}"
    return output if raised else f"{output}; {going_on(run.name, run.stack.name)}"


def run(plan: Plan, *, source: str | Path | None = None, request: Request | None = None) -> RunView:
    """Run a compiled plan whose code lies below `source` (this directory by default).

    Raises:
        PlanError: the code is not the code the plan was compiled from.
    """
    request = request or Request()
    root = Path(source or ".").resolve()
    setting = setting_for_plan(plan, root)
    progress = choose_progress(quiet=request.quiet, in_process=request.in_process)
    check_sources(plan, root)
    if not request.in_process:
        setting.open_pool()
    record = active_stack_record(request.stack)
    with (
        closing(setting),
        closing(GitState(root)) as git,
        assemble(record, only=USED_BY_RUNS, in_process=request.in_process) as stack,
    ):
        return launch(stack, plan, Start(setting, request, progress, git))


@overload
def pipeline(function: Callable[..., Any], /) -> Pipeline: ...
@overload
def pipeline(
    *, name: str | None = None, enable_cache: bool | None = None, settings: Mapping[str, Any] | None = None
) -> Callable[[Callable[..., Any]], Pipeline]: ...
def pipeline(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    enable_cache: bool | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Pipeline | Callable[[Callable[..., Any]], Pipeline]:
    """Make a pipeline of a function whose body calls steps.

    Use it bare or with options. The body runs when the pipeline is compiled; it describes, it does not
    compute.
    """

    @ending_quietly()
    def decorate(body: Callable[..., Any]) -> Pipeline:
        return Pipeline(
            PipelineDefinition(body, name=name, enable_cache=enable_cache, settings=settings or {})
        )

    return decorate if function is None else decorate(function)
