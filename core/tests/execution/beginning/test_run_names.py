from __future__ import annotations

from dovetail.testing.command_line import CommandLine

RUN = """
from dovetail import pipeline, step

@step
def one() -> int:
    return 1

@pipeline
def ones():
    one()

ones().run()
"""


def test_a_name_that_a_run_has_is_refused_and_nothing_runs(cli: CommandLine) -> None:
    cli.write("run.py", RUN)
    assert cli("run", "run.py", "--in-process", "--quiet", "--name", "first").code == 0
    again = cli("run", "run.py", "--in-process", "--quiet", "--name", "first")
    assert again.code == 6
    assert "a run 'first' is there already" in again.err
    last = cli("run", "run.py", "--in-process", "--quiet", "--name", "last")
    assert (last.code, "means the newest" in last.err) == (4, True)
    assert [each["name"] for each in cli("run", "list", "--json").json()] == ["first"]


def test_a_run_that_changed_since_it_was_read_is_not_taken_up(cli: CommandLine) -> None:
    cli.write("run.py", RUN)
    assert cli("run", "run.py", "--in-process", "--quiet").code == 0
    look = """
from dovetail import Client
from dovetail.execution.beginning.run_names import refuse_stale
client = Client()
run = client.run().record
metadata = client.records.metadata
refuse_stale(metadata, run)
for stale in (run.model_copy(update={"epoch": 0}), run.model_copy(update={"id": "0" * 26})):
    try:
        refuse_stale(metadata, stale)
    except Exception as error:
        print(type(error).__name__)
"""
    assert cli.python("-c", look).out == "ConflictError\nNotFoundError\n"
