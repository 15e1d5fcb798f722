"""The outputs of a run that steps have yet to read."""

from __future__ import annotations

from collections import Counter

from dovetail.records.artifact import ArtifactRecord
from dovetail.records.plan import Plan, StepPlan


class Supply:
    """Holds the artifacts of settled steps, each until its last reader is settled as well."""

    def __init__(self, plan: Plan) -> None:
        self._artifacts: dict[tuple[str, str], ArtifactRecord] = {}
        self._readers = Counter(
            (each.step, each.output) for step in plan.steps for each in step.inputs.values()
        )

    def put(self, step: str, artifacts: dict[str, ArtifactRecord]) -> None:
        """Take the artifacts of a step, by output; those that nobody reads are let go of at once."""
        for output, artifact in artifacts.items():
            if self._readers[step, output]:
                self._artifacts[step, output] = artifact

    def inputs(self, step: StepPlan) -> dict[str, ArtifactRecord]:
        """Return what a step reads, by argument."""
        return {name: self._artifacts[each.step, each.output] for name, each in step.inputs.items()}

    def release(self, step: StepPlan) -> None:
        """Let go of what this step was the last to read."""
        for source in ((each.step, each.output) for each in step.inputs.values()):
            self._readers[source] -= 1
            if not self._readers[source]:
                del self._artifacts[source], self._readers[source]
