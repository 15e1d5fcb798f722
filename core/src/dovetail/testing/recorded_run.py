"""A run on a live stack, recorded step by step as a launcher would, with artifacts that can be loaded."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dovetail.components.metadata_store import Facts
from dovetail.materializers.artifacts import save_artifact
from dovetail.materializers.json_value import JsonMaterializer
from dovetail.records.artifact import ArtifactRecord
from dovetail.records.plan import Plan
from dovetail.records.report import log_path
from dovetail.records.run import Status
from dovetail.stacks.stack import LiveStack
from dovetail.testing.run_facts import JSON, chain, completed, ended, failed, metric, new_artifact, new_run


class RecordedRun:
    """Records a run of a chain of steps, each of which reads the output of the one before.

    It begins with the object; `end` ends it, `leave` gives it up as a process that dies does.
    """

    def __init__(self, stack: LiveStack, plan: Plan | None = None, **fields: Any) -> None:
        self.stack = stack
        self.plan = plan or chain("load", "train", "check")
        self.artifacts: dict[str, ArtifactRecord] = {}
        stack.metadata_store.open()
        run = new_run(self.plan, **{"stack": stack.record, **fields})
        self.lease = stack.metadata_store.acquire(run.id)
        self.run = stack.metadata_store.begin(run, self.plan.to_json(), self.lease)

    def complete(
        self,
        step: str,
        value: Any,  # noqa: ANN401 - any value of JSON's
        *,
        log: bytes = b"",
        metrics: Mapping[str, list[float]] | None = None,
    ) -> ArtifactRecord:
        """Complete a step: store its output, its log and its metrics."""
        time.sleep(0.001)  # ids sort by the millisecond they are made in
        artifact = self._save(new_artifact(self.run, step), value)
        facts = completed(self.run, step, reads=self._input(step), key=f"key of {step}")
        attempt = facts.attempts[0]
        facts.artifacts = [artifact]
        facts.steps = [facts.steps[0].model_copy(update={"outputs": {"output": artifact.id}})]
        for name, values in (metrics or {}).items():
            facts.metrics += [metric(self.run, step, name, each, index) for index, each in enumerate(values)]
        if log:
            self.stack.artifact_store.put(log_path(self.run.id, attempt.id), log)
        self.stack.metadata_store.record(facts, self.lease)
        self.artifacts[step] = artifact
        return artifact

    def reuse(self, step: str, artifact: ArtifactRecord) -> None:
        """Take the output of a step from an earlier run."""
        facts = completed(
            self.run, step, reads=self._input(step), status=Status.CACHED, attempts=0, duration=0.0,
            cached_from=artifact.run_id, outputs={"output": artifact.id},
        )  # fmt: skip
        self.stack.metadata_store.record(Facts(steps=facts.steps), self.lease)
        self.artifacts[step] = artifact

    def start(self, step: str) -> None:
        """Begin a step that does not end."""
        facts = completed(self.run, step, status=Status.RUNNING, finished=None, duration=None, outputs={})
        self.stack.metadata_store.record(Facts(steps=facts.steps), self.lease)

    def fail(self, step: str) -> None:
        """Let a step fail."""
        self.stack.metadata_store.record(failed(self.run, step), self.lease)

    def end(self, status: Status = Status.COMPLETED, **fields: Any) -> None:
        """End the run."""
        self.stack.metadata_store.finish(ended(self.run, status, **fields), self.lease)
        self.lease.release()

    def leave(self) -> None:
        """Give the run up without an end."""
        self.lease.release()

    def _input(self, step: str) -> ArtifactRecord | None:
        plan = next(each for each in self.plan.steps if each.name == step)
        return next((self.artifacts[each.step] for each in plan.inputs.values()), None)

    def _save(self, artifact: ArtifactRecord, value: Any) -> ArtifactRecord:  # noqa: ANN401 - any value of JSON's
        store = self.stack.artifact_store
        manifest, summary = save_artifact(store, artifact.id, JsonMaterializer(), JSON, artifact.type, value)
        size = sum(each.size for each in manifest.files)
        return artifact.model_copy(
            update={
                "digest": manifest.content_digest(),
                "size": size,
                "files": manifest.files,
                "summary": summary,
            }
        )


@contextmanager
def three_runs(stack: LiveStack) -> Iterator[list[RecordedRun]]:
    """Record a completed run, one that takes its first step from the cache and fails, and a live one."""
    first = RecordedRun(stack, name="first", commit="0123456789abcdef", dirty=True)
    for step, value in {"load": [1, 2, 3], "train": 7, "check": True}.items():
        first.complete(step, value, log=f"{step} says {value}\n".encode(), metrics={"loss": [0.5, 0.25]})
    first.end(commit="0123456789abcdef", dirty=True)
    second = RecordedRun(stack, name="second")
    second.reuse("load", first.artifacts["load"])
    second.fail("train")
    second.end(Status.FAILED, error="step 'train' failed: ValueError: no")
    third = RecordedRun(stack, name="third")
    third.complete("load", [4])
    third.start("train")
    yield [first, second, third]
    third.leave()
