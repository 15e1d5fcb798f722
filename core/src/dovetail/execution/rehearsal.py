"""The rehearsal: the warm process makes attempts at a made-up step before its children make real ones.

Code that runs for the first time is slow in a forked child, and twice: Python has not adapted it yet
(PEP 659), and every page that this writes to is copied from the parent. In a chain of trivial steps that
is a fifth of what a step costs. Nothing of the user's is called, and nothing is left behind.
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from dovetail import failpoints
from dovetail.definition.step import step
from dovetail.errors import DovetailError
from dovetail.execution.job import Job
from dovetail.execution.step_runner import Worker
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


def rehearse(job: Job, directory: Path) -> None:
    """Rehearse for a job, with files in a new folder below `directory` that goes again."""
    store = job.components.get("artifact_store")
    if len(job.plan.steps) < FEWEST or store is None or store.implementation != _STORE or failpoints.armed():
        return
    with suppress(OSError, DovetailError), tempfile.TemporaryDirectory(dir=directory) as folder:
        record = store.record.model_copy(update={"config": {"path": folder}})
        stage = job.model_copy(
            update={
                "plan": _plan(),
                "components": {"artifact_store": store.model_copy(update={"record": record})},
            }
        )
        called = cast("Any", _rehearsed)()
        worker = Worker(stage, {"first": called, "next": called}, None)
        (made,) = worker.run(_task("first", {})).outputs
        for _ in range(_TIMES):
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
