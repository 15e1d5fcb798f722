"""Attempts whose launcher is gone: what their step operator still knows of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from dovetail.components.step_operator import StepOperator
from dovetail.errors import ArtifactError, DovetailError
from dovetail.execution.remote.operating import Submitted
from dovetail.records.report import StepTask, handle_path, log_path, task_path
from dovetail.records.run import AttemptRecord
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

    def _keep_log(self, attempt: AttemptRecord, log: bytes) -> None:
        path = log_path(attempt.run_id, attempt.id)
        with suppress(ArtifactError):  # one that is there was followed by the launcher, as far as it came
            if log and self._store.size(path) is None:
                self._store.put(path, log)
