"""One attempt at one step: inputs, call, outputs, report. The same code in every process and mode."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self, cast

from dovetail import failpoints
from dovetail.components.artifact_store import ArtifactStore
from dovetail.components.experiment_tracker import ExperimentTracker, TrackedStep
from dovetail.definition.signature import StepSignature
from dovetail.definition.step import StepDefinition, StepInstance, definition_of
from dovetail.errors import MaterializerError, PlanError
from dovetail.execution.attempt.context import StepContext, enter, leave, make_context
from dovetail.execution.attempt.failure import failure_of
from dovetail.execution.attempt.forked_copy import call_once
from dovetail.execution.attempt.job import Job
from dovetail.execution.attempt.module_file import check_module, same_file
from dovetail.execution.attempt.script import MODE, inert, load_script
from dovetail.execution.attempt.unreported import Unreported
from dovetail.execution.attempt.variables import variables_set
from dovetail.materializers.artifacts import load_artifact, save_artifact
from dovetail.materializers.registry import load_materializer
from dovetail.names import new_id
from dovetail.planning.parameters import restore_parameters
from dovetail.records.artifact import ArtifactRecord
from dovetail.records.plan import MaterializerRef, SourceRef, StepInput, StepPlan
from dovetail.records.record import now
from dovetail.records.report import Failure, Reason, StepReport, StepTask, report_path
from dovetail.records.run import Status
from dovetail.redaction import active, masked
from dovetail.references import load
from dovetail.secrets import hidden_in, may_hold_secret, open_vault, references_in

AnyStep = StepDefinition[..., Any]


class Worker:
    """Makes attempts at the steps of one job, one after the other, in this process."""

    def __init__(
        self, job: Job, live: Mapping[str, StepInstance[..., Any]], store: ArtifactStore | None
    ) -> None:
        self.job = job
        self._steps = {step.name: step for step in job.plan.steps}
        self._live = {name: each.definition for name, each in live.items()}
        self._job_root = Path(job.source_root)
        self._place = _scratch_place(job)
        self._store = store
        self._secrets = job.secrets()
        self._tracker: ExperimentTracker | None = None
        self.debugger: Callable[[BaseException], None] | None = None

    @classmethod
    def prepare(
        cls,
        job: Job,
        *,
        live: Mapping[str, StepInstance[..., Any]] | None = None,
        store: ArtifactStore | None = None,
    ) -> Self:
        """Return a worker of the job, with everything imported that its steps will need.

        `live` gives steps that exist in this process already; `store` is the live store of the launcher,
        when it is this process.
        """
        worker = cls(job, live or {}, store)
        # Built before any step can change the directory or the environment.
        worker._artifacts()
        worker._tracking()
        for step in job.plan.steps:
            if step.name not in job.idle:
                worker._definition(step)
        return worker

    def run(self, task: StepTask) -> StepReport:
        """Make the attempt; publish its artifacts, then its report, and return the report.

        Raises:
            Unreported: the store takes no report.
        """
        clock = time.monotonic  # the step may replace it, or let a library do so
        started, began = now(), clock()
        step = self._steps[task.step]
        context = make_context(task, self.job.plan.pipeline, {}, tuple(each.name for each in step.outputs))
        scratch = self._place / f"dovetail-{task.attempt}"
        failure: Failure | None = None
        outputs: tuple[ArtifactRecord, ...] = ()
        reason, status = Reason.COMPLETED, Status.COMPLETED
        try:
            with variables_set(step, self._secrets):
                outputs = self._attempt(task, step, context, scratch)
        except KeyboardInterrupt as error:
            status, reason, failure = Status.CANCELLED, Reason.CANCELLED, failure_of(error)
        except BaseException as error:  # noqa: BLE001 - the border around the user's step
            status, reason, failure = Status.FAILED, Reason.ERROR, failure_of(error)
            if self.debugger is not None:
                self.debugger(error)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        duration = clock() - began
        report = StepReport(
            format=1,
            run_id=task.run_id,
            step=task.step,
            attempt=task.attempt,
            number=task.number,
            epoch=task.epoch,
            status=status,
            reason=reason,
            started=started,
            finished=started + round(duration * 1e6),
            duration=duration,
            outputs=outputs,
            metrics=tuple(context.metrics),
            failure=failure,
        )
        report = _without_secrets(report)
        failpoints.hit("report")
        try:
            self._artifacts().put(report_path(task.run_id, task.attempt), report.to_json())
        except Exception as error:
            raise Unreported(report, error) from error
        return report

    def _attempt(
        self, task: StepTask, step: StepPlan, context: StepContext, scratch: Path
    ) -> tuple[ArtifactRecord, ...]:
        store = self._artifacts()
        definition = self._definition(step)
        signature = definition.signature
        arguments = restore_parameters(signature, step)
        context.parameters = dict(arguments)
        for name, record in task.inputs.items():
            ref = self._stored_by(step.inputs[name])
            annotation = signature.arguments[name].annotation
            arguments[name] = load_artifact(store, record, annotation, load_materializer(ref), ref, scratch)
        arguments |= {name: context for name, each in signature.arguments.items() if each.kind == "context"}
        context.tracker = self._start_tracking(task, step)
        close_vault = self._open_vault(signature, step)
        enter(context)
        status = "failed"
        try:
            returned = call_once(definition.entrypoint, arguments)
            outputs = self._publish(task, step, signature, returned, context)
            status = "completed"
        except KeyboardInterrupt:
            status = "cancelled"
            raise
        finally:
            leave()
            close_vault()
            if context.tracker is not None:
                context.tracker.step_finished(status)
        return outputs

    def _open_vault(self, signature: StepSignature, step: StepPlan) -> Callable[[], None]:
        """Give the step's secrets their values; those of its parameters are looked up before it begins.

        Raises:
            NotFoundError: one of them is not there.
        """
        for name, argument in signature.arguments.items():
            if name in step.parameters and may_hold_secret(argument.annotation):
                for reference in references_in(step.parameters[name]):
                    self._secrets(reference)
        return open_vault(self._secrets)

    def _refuse_secret(self, output: str, value: object) -> None:
        if self._secrets.used and (secret := hidden_in(value)) is not None:
            raise MaterializerError(
                f"output {output!r} holds a secret, {secret!r}, and what a step returns is stored",
                hint="return what the secret opens; a step that needs it gets a parameter of its own",
            )

    def _publish(
        self, task: StepTask, step: StepPlan, signature: StepSignature, returned: object, context: StepContext
    ) -> tuple[ArtifactRecord, ...]:
        values = signature.split(returned)
        annotations = {each.name: each.annotation for each in signature.outputs}
        records = []
        for output in step.outputs:
            artifact_id = new_id()
            self._refuse_secret(output.name, values[output.name])
            try:
                manifest, summary = save_artifact(
                    self._artifacts(),
                    artifact_id,
                    load_materializer(output.materializer),
                    output.materializer,
                    output.type,
                    values[output.name],
                    annotations[output.name],
                )
            except MaterializerError as error:
                raise MaterializerError(
                    f"output {output.name!r} cannot be stored: {error.message}", hint=error.hint
                ) from error
            records.append(
                ArtifactRecord(
                    id=artifact_id,
                    run_id=task.run_id,
                    step=task.step,
                    output=output.name,
                    type=output.type,
                    materializer=output.materializer,
                    digest=manifest.content_digest(),
                    size=sum(each.size for each in manifest.files),
                    files=manifest.files,
                    summary=summary,
                    metadata=context.metadata.get(output.name, {}),
                    created=now(),
                )
            )
        return tuple(records)

    def _stored_by(self, source: StepInput) -> MaterializerRef:
        """Return what the plan says an input was stored by; no record can say otherwise."""
        outputs = self._steps[source.step].outputs
        return next(each.materializer for each in outputs if each.name == source.output)

    def _artifacts(self) -> ArtifactStore:
        if self._store is None:
            self._store = cast("ArtifactStore", self.job.build("artifact_store"))
        return self._store

    def _start_tracking(self, task: StepTask, step: StepPlan) -> ExperimentTracker | None:
        tracker = self._tracking()
        if tracker is None:
            return None
        tracker.step_started(
            TrackedStep(
                task.run_id,
                task.run_name,
                self.job.plan.pipeline,
                task.step,
                task.attempt,
                dict(step.parameters),
            )
        )
        return tracker

    def _tracking(self) -> ExperimentTracker | None:
        if self._tracker is None and "experiment_tracker" in self.job.components:
            self._tracker = cast("ExperimentTracker", self.job.build("experiment_tracker"))
        return self._tracker

    def _definition(self, step: StepPlan) -> AnyStep:
        if (found := self._live.get(step.name)) is None:
            found = self._live[step.name] = load_step(step.source, self._job_root)
        return found


AROUND_STEP = Worker._attempt.__code__  # noqa: SLF001 - of this module
"""The code that a step's frames lie above: a request to end may be raised there, and nowhere else."""


def _without_secrets(report: StepReport) -> StepReport:
    """Return the report without what people wrote into it that is confidential; artifacts are not scanned."""
    if not active():
        return report
    outputs = tuple(
        each.model_copy(update={"summary": masked(each.summary), "metadata": masked(each.metadata)})
        for each in report.outputs
    )
    metrics = tuple(each.model_copy(update={"name": masked(each.name)}) for each in report.metrics)
    return report.model_copy(update={"outputs": outputs, "metrics": metrics})


def _scratch_place(job: Job) -> Path:
    """Return where the inputs of a step that are files go: the run removes what killed ones leave."""
    if job.scratch is not None and (place := Path(job.scratch)).is_dir():
        return place
    return Path(tempfile.gettempdir())


def load_step(source: SourceRef, root: Path) -> AnyStep:
    """Return the step a plan refers to, its code below `root`.

    Raises:
        PlanError: it is not there.
    """
    found: Any = load_module(source, root)
    for part in source.qualname.split("."):
        if not hasattr(found, part):
            raise PlanError(
                f"step {source.qualname!r} is not in module {source.module!r}",
                where=source.path,
                hint=_why_not_there(source),
            )
        found = getattr(found, part)
    return definition_of(found)


def _why_not_there(source: SourceRef) -> str:
    if (cut := MODE.cut.get(source.module)) is None:
        return "a step must be found under its name in its module when that is imported"
    return (
        f"loaded for its steps, where `.run()` gives nothing, the script ended at {cut}: "
        "define steps above, or guard that with `if __name__ == '__main__':`"
    )


def load_module(source: SourceRef, root: Path) -> Any:  # noqa: ANN401 - a module
    """Import the module of a step: by name where Python finds it in its file, else from that file."""
    if source.path is None:
        return load(source.module)
    path = root / source.path
    loaded = sys.modules.get(source.module)
    if loaded is not None and same_file(getattr(loaded, "__file__", None), path):
        return loaded
    if source.module == path.stem and loaded is None:
        return load_script(path, source.module)
    check_module(source, root)
    with inert():
        return load(source.module)
