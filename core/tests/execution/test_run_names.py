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
