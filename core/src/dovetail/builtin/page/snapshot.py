"""What a page shows of a run, taken once from a view of it, so that one page tells of one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class ArtifactSnapshot:
    """One stored value; `size` in bytes."""

    name: str
    step: str
    type: str
    size: int
    digest: str
    materializer: str
    id: str = ""
    summary: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepSnapshot:
    """One step; `offset` and `duration` in seconds, the offset from the start of the run.

    `inputs` are triples of the upstream step, its output, and the input it goes to; `metrics` maps a name to
    pairs of the caller's counter (None where it gave none) and the value.
    """

    name: str
    status: str
    offset: float | None = None
    duration: float | None = None
    attempts: int = 0
    inputs: tuple[tuple[str, str, str], ...] = ()
    after: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, tuple[tuple[int | None, float], ...]] = field(default_factory=dict)
    artifacts: tuple[ArtifactSnapshot, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class RunSnapshot:
    """One run. `stack` maps a component type to the component's name and flavor."""

    id: str
    name: str
    pipeline: str
    status: str
    started: datetime
    duration: float | None = None
    stack_name: str = ""
    stack: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    commit: str | None = None
    dirty: bool | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    steps: tuple[StepSnapshot, ...] = ()


def snapshot_run(view: Any) -> RunSnapshot:  # noqa: ANN401 - a run of `dovetail.client`, known by its attributes
    """Take what the page of a run shows."""
    artifacts: dict[str, list[ArtifactSnapshot]] = {}
    for key, artifact in view.outputs.items():
        step, _, output = key.rpartition(".")
        artifacts.setdefault(step, []).append(snapshot_artifact(artifact, step, output))
    components = view.record.stack.components
    return RunSnapshot(
        id=view.id,
        name=view.name,
        pipeline=view.pipeline,
        status=str(view.status),
        started=view.started,
        duration=view.duration,
        stack_name=view.stack,
        stack={kind: (each.name, each.flavor) for kind, each in sorted(components.items())},
        commit=view.commit,
        dirty=view.dirty,
        versions=dict(sorted(view.versions.items())),
        error=view.error,
        steps=tuple(_step(view, step, artifacts.get(name, [])) for name, step in view.steps.items()),
    )


def snapshot_artifact(view: Any, step: str | None = None, output: str | None = None) -> ArtifactSnapshot:  # noqa: ANN401
    """Take what a page shows of an artifact, under the step and output through which it was reached."""
    return ArtifactSnapshot(
        name=output or view.name,
        step=step or view.step,
        type=view.type,
        size=view.size,
        digest=view.digest,
        materializer=view.record.materializer.name,
        id=view.id,
        summary=view.summary,
        metadata=view.metadata,
    )


def _step(run: Any, view: Any, artifacts: list[ArtifactSnapshot]) -> StepSnapshot:  # noqa: ANN401 - views
    history: dict[str, list[tuple[int | None, float]]] = {}
    for metric in view.metric_history:
        history.setdefault(metric.name, []).append((metric.step_index, metric.value))
    return StepSnapshot(
        name=view.name,
        status=str(view.status),
        offset=(view.started - run.started).total_seconds() if view.started else None,
        duration=view.duration,
        attempts=view.record.attempts if view.record else 0,
        inputs=tuple((each.step, each.output, name) for name, each in sorted(view.plan.inputs.items())),
        after=tuple(view.plan.after),
        parameters=view.parameters,
        metrics={name: tuple(values) for name, values in history.items()},
        artifacts=tuple(artifacts),
        error=view.error,
    )
