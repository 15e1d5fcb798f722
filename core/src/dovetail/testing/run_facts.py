"""Facts of made-up runs, for tests of whatever records or shows them."""

from __future__ import annotations

from typing import Any

from dovetail.components.metadata_store import Facts
from dovetail.hashing import digest_bytes
from dovetail.names import new_id
from dovetail.records.artifact import ArtifactRecord, FileEntry
from dovetail.records.plan import MaterializerRef, OutputPlan, Plan, SourceRef, StepInput, StepPlan
from dovetail.records.record import now
from dovetail.records.run import AttemptRecord, MetricRecord, RunRecord, Status, StepRunRecord
from dovetail.records.stack import StackRecord

JSON = MaterializerRef(name="builtin/json", reference="dovetail.materializers.json_value:JsonMaterializer")
DIGEST = digest_bytes(b"1")


def chain(*steps: str, pipeline: str = "training") -> Plan:
    """Return a plan in which each step reads the output of the one before."""
    plans: list[StepPlan] = []
    before = None
    for name in steps:
        inputs: dict[str, StepInput] = {"data": StepInput(step=before, output="output")} if before else {}
        plans.append(
            StepPlan(
                name=name,
                source=SourceRef(
                    module="run", qualname=name, path="run.py", digest=digest_bytes(name.encode())
                ),
                inputs=inputs,
                parameters={"rate": 0.5},
                outputs=(OutputPlan(name="output", type="builtins.int", materializer=JSON),),
            )
        )
        before = name
    return Plan(format=1, pipeline=pipeline, steps=tuple(plans))


def new_run(plan: Plan | None = None, **fields: Any) -> RunRecord:
    """Return a run that is about to begin."""
    run_id = new_id()
    plan = plan or chain("load", "train")
    made: dict[str, Any] = {
        "id": run_id,
        "name": f"{plan.pipeline}-{run_id[-4:]}",
        "pipeline": plan.pipeline,
        "plan_digest": plan.content_digest(),
        "status": Status.RUNNING,
        "stack": StackRecord(name="default"),
        "started": now(),
        "versions": {"python": "3.11.7"},
    }
    return RunRecord(**{**made, **fields})


def ended(run: RunRecord, status: Status = Status.COMPLETED, **fields: Any) -> RunRecord:
    """Return the run as it is when it has ended."""
    return run.model_copy(update={"status": status, "finished": now(), "duration": 1.5, **fields})


def new_artifact(run: RunRecord, step: str, output: str = "output", **fields: Any) -> ArtifactRecord:
    """Return an artifact that a step of the run has made."""
    made: dict[str, Any] = {
        "id": new_id(),
        "run_id": run.id,
        "step": step,
        "output": output,
        "type": "builtins.int",
        "materializer": JSON,
        "digest": DIGEST,
        "size": 1,
        "files": (FileEntry(path="value.json", size=1, digest=DIGEST),),
        "created": now(),
    }
    return ArtifactRecord(**{**made, **fields})


def completed(
    run: RunRecord, step: str, *, reads: ArtifactRecord | None = None, key: str = "", **fields: Any
) -> Facts:
    """Return the facts of a step that completed at its first attempt and has one output."""
    artifact = new_artifact(run, step)
    times: dict[str, Any] = {"started": now(), "finished": now(), "duration": 0.25}
    made: dict[str, Any] = {
        "run_id": run.id,
        "step": step,
        "status": Status.COMPLETED,
        "key": key,
        "attempts": 1,
        "inputs": {"data": reads.id} if reads else {},
        "outputs": {"output": artifact.id},
        "parameters": {"rate": 0.5},
        **times,
    }
    attempt = AttemptRecord(
        id=new_id(), run_id=run.id, step=step, number=1, status=Status.COMPLETED, reason="completed", **times
    )
    return Facts([StepRunRecord(**{**made, **fields})], [attempt], [artifact])


def failed(run: RunRecord, step: str) -> Facts:
    """Return the facts of a step that failed at its first attempt."""
    times: dict[str, Any] = {"started": now(), "finished": now(), "duration": 0.25}
    error = "ValueError: no"
    record = StepRunRecord(run_id=run.id, step=step, status=Status.FAILED, attempts=1, error=error, **times)
    attempt = AttemptRecord(
        id=new_id(), run_id=run.id, step=step, number=1, status=Status.FAILED, reason="error", error=error,
        traceback="Traceback ...", **times,
    )  # fmt: skip
    return Facts([record], [attempt])


def metric(run: RunRecord, step: str, name: str, value: float, index: int | None = None) -> MetricRecord:
    """Return one value of a metric."""
    return MetricRecord(run_id=run.id, step=step, name=name, value=value, step_index=index, time=now())
