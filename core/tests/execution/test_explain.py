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
