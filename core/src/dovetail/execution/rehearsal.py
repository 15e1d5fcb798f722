"""The rehearsal: warm process and waiting child make attempts at a made-up step before the real one.

Code that runs for the first time is slow in a forked child, and twice: Python has not adapted it yet
(PEP 659), and every page that this writes to is copied from the parent. In a chain of trivial steps that
is a third of what a step costs. Nothing of the user's is called, and nothing is left behind.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, cast

from dovetail import failpoints
from dovetail.builtin.local_artifact_store import LocalArtifactStore, LocalArtifactStoreConfig
from dovetail.builtin.memory_artifact_store import MemoryArtifactStore, MemoryArtifactStoreConfig
from dovetail.definition.step import step
from dovetail.errors import DovetailError
from dovetail.execution.attempt.job import Job
from dovetail.execution.attempt.step_runner import Worker
from dovetail.names import new_id
from dovetail.records.artifact import ArtifactRecord
from dovetail.records.plan import MaterializerRef, OutputPlan, Plan, SourceRef, StepInput, StepPlan
from dovetail.records.report import StepTask

FEWEST = 16
"""With fewer steps a run is over before the rehearsal has paid."""

_TIMES = 10
_STORE = "dovetail.builtin.local_artifact_store:LocalArtifactStore"
_JSON = MaterializerRef(name="builtin/json", reference="dovetail.materializers.json_value:JsonMaterializer")


@step
def _rehearsed(value: int) -> int:
    """Return what comes in."""
    return value


def rehearse(job: Job, directory: Path) -> Callable[[], None]:
    """Rehearse for a job, with files in a new folder below `directory` that goes again.

    Returns what a child does once more, without files, while it waits for its attempt.
    """
    store = job.components.get("artifact_store")
    if len(job.plan.steps) < FEWEST or store is None or store.implementation != _STORE or failpoints.armed():
        return _nothing
    stage = job.model_copy(update={"plan": _plan(), "components": {}})
    called = cast("Any", _rehearsed)()
    steps = {"first": called, "next": called}
    with suppress(OSError, DovetailError), tempfile.TemporaryDirectory(dir=directory) as folder:
        on_disk = LocalArtifactStore("rehearsal", LocalArtifactStoreConfig(path=folder), home=directory)
        worker = Worker(stage, steps, on_disk)
        _follow(worker, _begin(worker), _TIMES)
    in_memory = MemoryArtifactStore("rehearsal", MemoryArtifactStoreConfig(), home=directory)
    worker = Worker(stage, steps, in_memory)
    return partial(_follow, worker, _begin(worker), 1)


def _nothing() -> None:
    """Do nothing: there was no rehearsal."""


def _begin(worker: Worker) -> ArtifactRecord:
    (made,) = worker.run(_task("first", {})).outputs
    return made


def _follow(worker: Worker, made: ArtifactRecord, times: int) -> None:
    for _ in range(times):
        worker.run(StepTask.from_json(_task("next", {"value": made}).to_json()))


def _plan() -> Plan:
    source = SourceRef(module=__name__, qualname="_rehearsed")
    outputs = (OutputPlan(name="output", type="int", materializer=_JSON),)
    first = StepPlan(name="first", source=source, parameters={"value": 1}, outputs=outputs)
    following = StepPlan(
        name="next",
        source=source,
        inputs={"value": StepInput(step="first", output="output")},
        outputs=outputs,
    )
    return Plan(format=1, pipeline="rehearsal", steps=(first, following))


def _task(name: str, inputs: dict[str, ArtifactRecord]) -> StepTask:
    return StepTask(
        run_id=new_id(), run_name="rehearsal", step=name, attempt=new_id(), number=1, epoch=1, inputs=inputs
    )
