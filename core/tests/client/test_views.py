"""What views say of runs, steps and artifacts."""

from __future__ import annotations

import pytest

from dovetail.client import Client
from dovetail.errors import ArtifactError, MaterializerError, NotFoundError, StepError, UsageError
from dovetail.records.plan import MaterializerRef
from dovetail.records.run import Status
from dovetail.stacks.stack import LiveStack
from dovetail.testing.recorded_run import RecordedRun
from dovetail.testing.run_facts import chain


def test_a_run_says_what_it_ran_and_on_what(client: Client, recorded: list[RecordedRun]) -> None:
    run = client.run("first")
    assert (run.pipeline, run.status, run.stack, run.duration) == ("training", "completed", "default", 1.5)
    assert (run.commit, run.dirty, run.versions) == ("0123456789abcdef", True, {"python": "3.11.7"})
    assert run.started.utcoffset().total_seconds() == 0
    assert run.finished > run.started
    assert run.plan == recorded[0].plan
    assert run.parameters["train"] == {"rate": 0.5}
    assert run.metrics["train"] == {"loss": 0.25}


def test_steps_come_in_the_order_of_the_plan_with_pending_ones(client: Client) -> None:
    states = {name: str(step.status) for name, step in client.run("third").steps.items()}
    assert states == {"load": "completed", "train": "running", "check": "pending"}
    pending = client.run("third").step("check")
    assert (pending.record, pending.inputs, pending.outputs, pending.logs) == (None, {}, {}, "")
    assert (pending.started, pending.finished, pending.duration, pending.error) == (None, None, None, None)


def test_a_run_whose_process_is_gone_is_interrupted_and_so_is_its_step(
    client: Client, recorded: list[RecordedRun]
) -> None:
    recorded[2].leave()
    run = client.run("third")
    states = [str(step.status) for step in run.steps.values()]
    assert (run.status, states) == (Status.INTERRUPTED, ["completed", "interrupted", "pending"])


def test_a_view_is_a_snapshot_until_it_is_refreshed(client: Client, recorded: list[RecordedRun]) -> None:
    run = client.run("third")
    recorded[2].complete("train", 5)
    recorded[2].end()
    assert run.status is Status.RUNNING
    assert run.refresh().status is Status.COMPLETED
    assert run.refresh().step("train").output.load() == 5


def test_a_refreshed_run_may_be_gone(client: Client, stack: LiveStack, recorded: list[RecordedRun]) -> None:
    run = client.run("second")
    lease = stack.metadata_store.acquire(run.id)
    stack.metadata_store.delete_run(run.id, lease)
    with pytest.raises(NotFoundError, match="not there any more"):
        run.refresh()


def test_a_step_says_what_it_did(client: Client, recorded: list[RecordedRun]) -> None:
    step = client.run("first").step("train")
    assert step.parameters == {"rate": 0.5}
    assert step.metrics == {"loss": 0.25}
    assert [(each.value, each.step_index) for each in step.metric_history] == [(0.5, 0), (0.25, 1)]
    assert step.inputs["data"].load() == [1, 2, 3]
    assert step.logs == step.log(1) == "train says 7\n"
    assert [each.number for each in step.attempts] == [1]


def test_a_cached_step_has_the_outputs_of_the_earlier_run(
    client: Client, recorded: list[RecordedRun]
) -> None:
    step = client.run("second").step("load")
    assert step.cached
    assert step.record.cached_from == recorded[0].run.id
    assert step.output.load() == [1, 2, 3]
    assert step.output.producer.run.name == "first"


def test_what_is_not_there_is_one_message(client: Client) -> None:
    run = client.run("second")
    with pytest.raises(NotFoundError, match="no step 'trian'") as caught:
        run.step("trian")
    assert "did you mean 'train'" in str(caught.value)
    with pytest.raises(StepError, match="has no output: it is failed") as failed:
        _ = run.step("train").output
    assert failed.value.hint == "ValueError: no"
    with pytest.raises(NotFoundError, match="no attempt 4"):
        run.step("train").log(4)


def test_output_is_for_steps_that_have_one(client: Client, stack: LiveStack) -> None:
    plan = chain("load")
    plan = plan.model_copy(update={"steps": (plan.steps[0].model_copy(update={"outputs": ()}),)})
    RecordedRun(stack, plan, name="silent").end()
    with pytest.raises(UsageError, match="has 0 outputs: none"):
        _ = client.run("silent").step("load").output


def test_an_artifact_says_what_is_known_of_it(client: Client, recorded: list[RecordedRun]) -> None:
    artifact = client.run("first").outputs["train.output"]
    record = recorded[0].artifacts["train"]
    assert (artifact.id, artifact.name, artifact.step) == (record.id, "output", "train")
    assert (artifact.type, artifact.size, artifact.digest) == ("builtins.int", 1, record.digest)
    assert (artifact.summary, artifact.metadata) == ({"value": 7}, {})
    assert artifact.run_id == recorded[0].run.id
    assert artifact.created is not None
    assert artifact.verify() == []


def test_lineage_leads_up_and_down_over_all_runs(client: Client) -> None:
    outputs = client.run("first").outputs
    loaded, checked = outputs["load.output"], outputs["check.output"]
    assert [each.step for each in checked.upstream()] == ["train", "load"]
    assert [each.step for each in loaded.downstream()] == ["train", "check"]
    assert [(each.run.name, each.name) for each in loaded.consumers] == [("first", "train")]
    assert loaded.upstream() == checked.downstream() == []


def test_a_damaged_artifact_is_found_and_not_read(client: Client, stack: LiveStack) -> None:
    artifact = client.run("first").step("train").output
    path = f"{artifact.record.stored}/value.json"
    stack.artifact_store.delete(path)
    stack.artifact_store.put(path, b"8")
    assert artifact.verify() == ["'value.json' is damaged, its digest differs"]
    with pytest.raises(ArtifactError, match="damaged"):
        artifact.load()


def test_an_artifact_outlives_its_run(client: Client, stack: LiveStack, recorded: list[RecordedRun]) -> None:
    artifact = client.run("second").step("load").output
    lease = stack.metadata_store.acquire(recorded[0].run.id)
    stack.metadata_store.delete_run(recorded[0].run.id, lease)
    assert artifact.producer is None
    assert artifact.load() == [1, 2, 3]
    assert artifact.upstream() == []


def test_the_plan_says_how_an_artifact_is_read(client: Client, stack: LiveStack) -> None:
    artifact = client.run("first").step("train").output
    pickled = MaterializerRef(
        name="builtin/pickle", reference="dovetail.materializers.pickle_value:PickleMaterializer"
    )
    artifact.record = artifact.record.model_copy(update={"materializer": pickled})
    with pytest.raises(ArtifactError, match="it was stored by 'builtin/pickle', expected was 'builtin/json'"):
        artifact.load()
    artifact.record = artifact.record.model_copy(update={"run_id": "gone"})
    with pytest.raises(MaterializerError, match="only where the plan"):
        artifact.load()
