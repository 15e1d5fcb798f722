"""Attempts whose launcher is gone: what their step operator still knows of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress

from dovetail.components.artifact_store import ArtifactStore
from dovetail.components.metadata_store import MetadataStore
from dovetail.components.step_operator import StepOperator
from dovetail.errors import ArtifactError, DovetailError, RunError
from dovetail.execution.recorder import Recorder
from dovetail.execution.remote.operating import Submitted
from dovetail.records.record import now
from dovetail.records.report import Reason, StepTask, handle_path, log_path, task_path
from dovetail.records.run import AttemptRecord, Status
from dovetail.records.stack import StackRecord
from dovetail.redaction import Stream
from dovetail.stacks.assemble import assemble
from dovetail.stacks.stack import LiveStack

_PAUSE = 0.2
_PATIENCE = 30.0
"""How long after the grace time an attempt is waited for."""


def handed_over(run_id: str, metadata: MetadataStore, store: ArtifactStore) -> list[AttemptRecord]:
    """Return the attempts of a run that a step operator has taken and nobody has seen the end of."""
    left = [each for each in metadata.attempts(run_id) if not each.status.ended]
    return [each for each in left if store.size(handle_path(run_id, each.id)) is not None]


def end_handed_over(
    stack: StackRecord, run_id: str, metadata: MetadataStore, store: ArtifactStore, grace: float
) -> None:
    """End what step operators still make of a run whose launcher is dead; without that do nothing.

    Raises:
        DovetailError: an attempt cannot be ended from here.
    """
    if left := handed_over(run_id, metadata, store):
        with assemble(stack, only=("artifact_store", "step_operator")) as live:
            Detached(live, lambda _: None).end(left, grace)


class Detached:
    """Asks the operator of a stack about attempts that somebody else submitted; tells `note` of trouble.

    `operated` are the steps of the run that go to the operator.
    """

    def __init__(
        self, stack: LiveStack, note: Callable[[str], None], operated: Collection[str] = frozenset()
    ) -> None:
        self._stack = stack
        self._store = stack.artifact_store
        self._note = note
        self._operated = operated

    def ongoing(self, attempt: AttemptRecord) -> StepTask | None:
        """Return the task of an attempt that still goes on; of one that has ended keep what it wrote."""
        operator = self._stack.get("step_operator")
        path = handle_path(attempt.run_id, attempt.id)
        if not isinstance(operator, StepOperator):
            return None
        if self._store.size(path) is None:
            return self._half_submitted(attempt)
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

    def _half_submitted(self, attempt: AttemptRecord) -> StepTask | None:
        """Return the task of an attempt whose launcher died while it handed it over, or just before.

        Whether the operator has it nobody knows; submitted again, it is made once all the same.
        """
        path = task_path(attempt.run_id, attempt.id)
        if attempt.step not in self._operated or self._store.size(path) is None:
            return None
        return StepTask.from_json(self._store.get(path))

    def drop(self, tasks: Mapping[str, StepTask], metadata: MetadataStore, recorder: Recorder) -> None:
        """End attempts that go on with code or parameters that the run does not go on with, by step."""
        dropped = {task.attempt for task in tasks.values()}
        for attempt in metadata.attempts(next(iter(tasks.values())).run_id) if tasks else ():
            if attempt.id in dropped:
                status, reason = self._dropped(attempt)
                ended = {"status": status, "reason": reason.value, "finished": now()}
                recorder.attempt(attempt.model_copy(update=ended))

    def _dropped(self, attempt: AttemptRecord) -> tuple[Status, Reason]:
        """End an attempt, if the operator is known to have it; return what is to be recorded of it."""
        if self._store.size(handle_path(attempt.run_id, attempt.id)) is None:
            return Status.FAILED, Reason.LOST
        operator: StepOperator = self._stack.components["step_operator"]  # type: ignore[assignment] # checked
        operator.cancel(self._handle(attempt), 0.0)
        self._note(
            f"step {attempt.step!r}: the attempt that still goes on is ended, for the step has changed"
        )
        return Status.CANCELLED, Reason.CANCELLED

    def end(self, attempts: Iterable[AttemptRecord], grace: float) -> None:
        """End attempts that may go on, and return when they have ended.

        Raises:
            NotFoundError: an attempt is known only on another machine.
            RunError: one does not end.
        """
        operator: StepOperator = self._stack.components["step_operator"]  # type: ignore[assignment] # by its type
        handles = [(each, self._handle(each)) for each in attempts]
        for _, handle in handles:
            operator.attach(handle)
            operator.cancel(handle, grace)
        until = time.monotonic() + grace + _PATIENCE
        for attempt, handle in handles:
            while operator.wait(handle, _PAUSE) is None:
                if time.monotonic() > until:
                    raise RunError(
                        f"step {attempt.step!r} was asked to end and goes on with {operator.name!r}",
                        hint="look there what holds it up, and cancel the run again",
                    )
            self._keep_log(attempt, operator.logs(handle))
            operator.forget(handle)

    def _handle(self, attempt: AttemptRecord) -> str:
        return Submitted.from_json(self._store.get(handle_path(attempt.run_id, attempt.id))).handle

    def _keep_log(self, attempt: AttemptRecord, log: bytes) -> None:
        path, stream = log_path(attempt.run_id, attempt.id), Stream()
        log = stream.feed(log) + stream.flush()
        with suppress(ArtifactError):  # one that is there was followed by the launcher, as far as it came
            if log and self._store.size(path) is None:
                self._store.put(path, log)
