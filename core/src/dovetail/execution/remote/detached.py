"""Attempts whose launcher is gone: what their step operator still knows of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

from dovetail.components.metadata_store import MetadataStore
from dovetail.components.step_operator import StepOperator
from dovetail.errors import ArtifactError, DovetailError
from dovetail.execution.recorder import Recorder
from dovetail.execution.remote.operating import Submitted
from dovetail.records.record import now
from dovetail.records.report import Reason, StepTask, handle_path, log_path, task_path
from dovetail.records.run import AttemptRecord, Status
from dovetail.stacks.stack import LiveStack


class Detached:
    """Asks the operator of a stack about attempts that somebody else submitted; tells `note` of trouble."""

    def __init__(self, stack: LiveStack, note: Callable[[str], None]) -> None:
        self._stack = stack
        self._store = stack.artifact_store
        self._note = note

    def ongoing(self, attempt: AttemptRecord) -> StepTask | None:
        """Return the task of an attempt that still goes on; of one that has ended keep what it wrote."""
        operator = self._stack.get("step_operator")
        path = handle_path(attempt.run_id, attempt.id)
        if not isinstance(operator, StepOperator) or self._store.size(path) is None:
            return None
        kept = Submitted.from_json(self._store.get(path))
        try:
            operator.attach(kept.handle)
            if operator.wait(kept.handle, 0.0) is None:
                task = self._store.get(task_path(attempt.run_id, attempt.id))
                return StepTask.from_json(task)
            self._keep_log(attempt, operator.logs(kept.handle))
            operator.forget(kept.handle)
        except Exception as error:  # noqa: BLE001 - the border around a plugin
            said = error.message if isinstance(error, DovetailError) else f"{type(error).__name__}: {error}"
            self._note(
                f"step {attempt.step!r}: step operator {operator.name!r} cannot be asked of it: {said}"
            )
        return None

    def drop(self, tasks: Mapping[str, StepTask], metadata: MetadataStore, recorder: Recorder) -> None:
        """End attempts that go on with code or parameters that the run does not go on with, by step."""
        dropped = {task.attempt for task in tasks.values()}
        for attempt in metadata.attempts(next(iter(tasks.values())).run_id) if tasks else ():
            if attempt.id not in dropped:
                continue
            kept = Submitted.from_json(self._store.get(handle_path(attempt.run_id, attempt.id)))
            operator: StepOperator = self._stack.components["step_operator"]  # type: ignore[assignment] # checked
            operator.cancel(kept.handle, 0.0)
            self._note(
                f"step {attempt.step!r}: the attempt that still goes on is ended, for the step has changed"
            )
            ended = {"status": Status.CANCELLED, "reason": Reason.CANCELLED.value, "finished": now()}
            recorder.attempt(attempt.model_copy(update=ended))

    def _keep_log(self, attempt: AttemptRecord, log: bytes) -> None:
        path = log_path(attempt.run_id, attempt.id)
        with suppress(ArtifactError):  # one that is there was followed by the launcher, as far as it came
            if log and self._store.size(path) is None:
                self._store.put(path, log)
