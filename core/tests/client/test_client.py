"""Finding runs, pipelines and artifacts."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dovetail.client import Client, Repository
from dovetail.errors import NotFoundError, UsageError
from dovetail.records.run import Status
from dovetail.records.stack import StackRecord
from dovetail.stacks.stack import LiveStack
from dovetail.testing.recorded_run import RecordedRun


def test_the_classic_way_leads_to_the_same_values(client: Client) -> None:
    assert Repository is Client
    (pipeline,) = client.get_pipelines()
    run = client.get_pipeline("training").runs[2]
    assert (pipeline.name, pipeline.count, run.name) == ("training", 3, "first")
    assert run.steps["train"].output.read() == 7
    assert run.steps["load"].outputs["output"].read() == [1, 2, 3]


@pytest.mark.parametrize("reference", ["last", "third", "thi"])
def test_a_run_is_found_by_what_a_person_says(
    client: Client, recorded: list[RecordedRun], reference: str
) -> None:
    assert client.run(reference).id == recorded[-1].run.id


def test_a_run_is_found_by_its_id_and_the_beginning_of_it(
    client: Client, recorded: list[RecordedRun]
) -> None:
    run_id = recorded[0].run.id
    assert client.run(run_id).name == client.run(run_id[:-1]).name == "first"


def test_a_name_that_several_runs_have_means_the_newest(client: Client, stack: LiveStack) -> None:
    newest = RecordedRun(stack, name="first")
    newest.end()
    assert client.run("first").id == newest.run.id


@pytest.mark.parametrize(
    ("reference", "message", "hint"),
    [
        ("secnod", "no run 'secnod'", "did you mean 'second'?"),
        ("zzz", "no run 'zzz'", "`dovetail run list` lists them"),
        ("0", "several runs begin with '0'", "write more"),
        ("", "several runs begin with ''", "write more"),
    ],
)
def test_a_run_that_is_not_there_is_one_message(
    client: Client, reference: str, message: str, hint: str
) -> None:
    with pytest.raises(NotFoundError, match=message) as caught:
        client.run(reference)
    assert hint in str(caught.value.hint)


def test_where_nothing_has_run_the_message_says_so() -> None:
    with Client() as client, pytest.raises(NotFoundError, match="nothing has run on stack 'default' yet"):
        client.run()


def test_runs_are_fetched_in_pages_as_they_are_iterated_over(client: Client, stack: LiveStack) -> None:
    for number in range(230):
        RecordedRun(stack, name=f"more-{number}").end()
    runs = client.runs(status="completed")
    assert [run.name for run in runs][:2] == ["more-229", "more-228"]
    assert len([*runs]) == 231
    assert len([*client.runs(limit=150)]) == 150
    assert runs[230].name == "first"


def test_runs_are_filtered(client: Client, recorded: list[RecordedRun]) -> None:
    assert [run.name for run in client.runs("training", status=Status.FAILED)] == ["second"]
    assert [run.name for run in client.runs(before=recorded[2].run.sequence)] == ["second", "first"]
    assert not client.runs("nothing")
    assert client.runs()


def test_runs_are_not_counted_from_the_end(client: Client) -> None:
    with pytest.raises(UsageError, match="oldest run"):
        client.runs()[-1]
    with pytest.raises(IndexError, match="there are no 4 runs"):
        client.runs()[3]


def test_a_pipeline_that_has_not_run_is_one_message(client: Client) -> None:
    with pytest.raises(NotFoundError, match="no pipeline 'trainin'") as caught:
        client.pipeline("trainin")
    assert "did you mean 'training'" in str(caught.value)


def test_artifacts_are_found_by_their_marks(client: Client, recorded: list[RecordedRun]) -> None:
    artifact = recorded[0].artifacts["train"]
    assert client.artifact(artifact.id).load() == client.artifact(artifact.id[:-1]).load() == 7
    assert [each.step for each in client.artifacts(run="first")] == ["check", "train", "load"]
    assert [each.load() for each in client.artifacts(step="load")] == [[4], [1, 2, 3]]
    assert len([*client.artifacts(limit=2)]) == 2
    for wrong in ("zzz", "0", ""):
        with pytest.raises(NotFoundError):
            client.artifact(wrong)


def test_a_live_stack_is_used_and_left_open(recorded: list[RecordedRun], stack: LiveStack) -> None:
    with Client(stack) as client:
        assert client.run("first").step("train").output.load() == 7
    assert stack.metadata_store.run(recorded[0].run.id) is not None


def test_a_client_opens_nothing_before_it_is_asked(recorded: list[RecordedRun]) -> None:
    program = (
        "import sys; from dovetail import Client; c = Client(); print('sqlalchemy' in sys.modules); c.run();"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"


def test_things_say_what_they_are(client: Client) -> None:
    run = client.run("first")
    assert repr(client) == "<client of stack 'default'>"
    assert repr(client.pipelines) == "[<pipeline 'training', 3 runs>]"
    assert repr(run) == "<run 'first': completed, 1.5 s>"
    assert repr(run.step("train")) == "<step 'train': completed, 0.25 s>"
    assert repr(run.step("train").output) == "<artifact train.output: builtins.int, 1 bytes>"
    assert (
        repr(client.runs())
        == "[<run 'third': running>, <run 'second': failed, 1.5 s>, <run 'first': completed, 1.5 s>, ...]"
    )


def test_an_unknown_stack_is_one_message() -> None:
    with pytest.raises(NotFoundError, match="nowhere"):
        Client("nowhere").run()


def test_a_stack_can_be_given_as_a_record(recorded: list[RecordedRun], stack: LiveStack) -> None:
    record = StackRecord(name="mine", components=stack.record.components)
    with Client(record, home=stack.home) as client:
        assert client.run().name == "third"
