"""`run explain` where there is no file to name, no other run, or no key."""

from __future__ import annotations

from dovetail.testing.command_line import CommandLine

KERNEL = """
import linecache, sys
from dovetail import pipeline, step

def cell(number, text):
    name = f"<cell {number}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    exec(compile(text, name, "exec"), globals())

USE = "@step\\ndef train() -> int:\\n    return helper()\\n@pipeline\\ndef cells():\\n    train()\\n"
for number in (1, 2):
    cell(2 * number, f"def helper():\\n    return {number}\\n")
    cell(2 * number + 1, USE)
    cells.run(name=f"run-{number}", quiet=True)
"""


def test_code_of_cells_is_said_to_be_in_no_file(cli: CommandLine) -> None:
    assert cli.python("-c", KERNEL).code == 0
    said = cli("run", "explain", "run-2", "train").out.splitlines()
    assert said[1:] == [
        "  differs from run run-1 in:",
        "  code __main__:helper: changed, typed into a cell or console",
    ]
    assert cli("run", "explain", "run-2", "train", "--json").json()["changed"][0]["file"] is None


HANDLE = """
import io
from dovetail import pipeline, step
handles = {"a": [io.StringIO("text")]}

@step
def train() -> int:
    return len(handles)

@step
def after(value: int) -> int:
    return 1 // (value - 1)

@pipeline
def held():
    after(train())
"""


def test_a_step_without_a_key_a_first_run_and_an_unknown_step_are_explained(cli: CommandLine) -> None:
    cli.write("run.py", HANDLE)
    assert cli("run", "run.py", "--quiet", "--name", "one").code == 1
    never = "never taken from the cache: run:handles: it holds an open file"
    assert never in cli("run", "explain", "one", "train").out
    assert "no earlier run of this pipeline has the step" in cli("run", "explain", "one", "after").out
    unknown = cli("run", "explain", "one", "trian")
    assert unknown.code == 5
    assert "did you mean 'train'?" in unknown.err
    assert cli("run", "run.py", "--quiet", "--name", "two").code == 1
    said = cli("run", "explain", "two", "after").out
    assert "its key equals that of run one, but the step was failed there" in said


CHAIN = """
import os
from dovetail import pipeline, step

@step
def load(version: int) -> int:
    return version

@step
def drawn(version: int) -> int:
    return int(os.environ["DRAWN"])

@step
def clean(first: int, second: int) -> int:
    return first + second

@step
def split(rows: int) -> int:
    return rows

@step
def train(rows: int) -> int:
    return rows

@step
def report(model: int) -> int:
    return model

@pipeline
def chain():
    rows = split(clean(load(version=1), drawn(version=1)))
    report(train(rows))
"""


def explained(cli: CommandLine, run: str) -> list[str]:
    return [line.strip() for line in cli("run", "explain", run, "report").out.splitlines()][2:]


def test_an_input_is_followed_to_the_steps_that_it_goes_back_to(cli: CommandLine) -> None:
    cli.write("run.py", CHAIN)
    near = "input model: changed, since step 'train' was computed anew:"

    def ran(name: str, drawn: str, *options: str) -> None:
        answer = cli("run", "run.py", "--quiet", "--name", name, *options, env={"DRAWN": drawn})
        assert answer.code == 0, answer.err

    ran("one", "1")
    ran("two", "1", "--param", "load.version=2")
    assert explained(cli, "two") == [
        near,
        "input rows: changed, which goes back to step 'load':",
        "parameter version: 1 -> 2",
    ]
    ran("three", "5", "--param", "load.version=3", "--no-cache")
    drawn = "step 'drawn' (what it gives is not always the same)"
    assert explained(cli, "three")[1:] == [
        f"input rows: changed, which goes back to {drawn} and step 'load':",
        "parameter version: 2 -> 3",
    ]
    ran("four", "5", "--param", "load.version=1")
    assert explained(cli, "four")[1:] == [
        "input rows: changed, which goes back to step 'load':",
        "parameter version: 3 -> 1",
    ]
    cli.write("run.py", CHAIN.replace("train(rows)", "train(drawn.with_options(name='again')(version=7))"))
    ran("five", "9")
    assert explained(cli, "five") == [near, "input rows: changed, it is again.output, and was split.output"]


EDITED = """
import importlib, pathlib, sys
sys.dont_write_bytecode = True
pathlib.Path("tools.py").write_text("def value(): return 1\\n")
import tools
from dovetail import pipeline, step

@step
def train() -> int:
    return tools.value()

@pipeline
def edited():
    train()

def run(name):
    made = edited.run(in_process=True, quiet=True, name=name).step("train")
    print(made.output.load(), made.status)

run("one")
pathlib.Path("tools.py").write_text("def value(): return  2\\n")
run("two")
importlib.reload(tools)
run("three")
run("four")
"""


def test_a_module_edited_after_its_import_gives_no_key_to_what_this_process_still_runs(
    cli: CommandLine,
) -> None:
    cli.write("run.py", EDITED)
    answer = cli.python("run.py")
    assert answer.out.splitlines() == ["1 completed", "1 completed", "2 completed", "2 cached"], answer.err
    assert "never taken from the cache: tools:value: its file was edited since this process imported it" in (
        cli("run", "explain", "two", "train").out
    )
