"""G10: odd surroundings (environment, streams, places) are no trouble, or a message."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from dovetail.testing.command_line import Answer, CommandLine, assert_message

RUN = """
from dovetail import pipeline, step

@step
def compute(ключ: str = "värde ☃") -> str:
    print("ein Schneemann ☃", ключ)
    return ключ + "☃"

@pipeline
def computing():
    compute()

if __name__ == "__main__":
    computing.run()
"""
ODD = "täst ☃ #1?mode=ro&x=%41'b;c\"d e"
TERMINAL = """
import fcntl, os, pty, struct, sys, termios
pid, master = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 5, int(sys.argv[1]), 0, 0))
    os.execv(sys.executable, [sys.executable, "-m", "dovetail", *sys.argv[2:]])
try:
    while os.read(master, 1 << 16):
        pass
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
ASCII = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
Size = Callable[[int, int], int]


@pytest.fixture
def project(cli: CommandLine) -> CommandLine:
    """A project with a script whose step has, takes and prints texts beyond ASCII."""
    cli.write("run.py", RUN)
    return cli


def _shell(cli: CommandLine, line: str, **env: str) -> Answer:
    """Run a line of shell, where `dovetail` and `python` are those under test; what hangs fails."""
    dovetail = f'"{sys.executable}" -m dovetail'
    line = line.replace("dovetail ", f"{dovetail} ").replace("python ", f'"{sys.executable}" ')
    done = subprocess.run(
        ["bash", "-c", line], cwd=cli.directory, env=cli.environment(env), capture_output=True,
        text=True, encoding="utf-8", errors="replace", timeout=100, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return Answer(done.returncode, done.stdout, done.stderr)


def test_g10_without_a_home_the_message_says_what_to_set(project: CommandLine) -> None:
    script = (
        "import os, pwd, sys, runpy\n"
        "def nobody(*_): raise KeyError\n"
        "pwd.getpwuid = nobody\n"
        "sys.argv = ['dovetail', *sys.argv[1:]]\n"
        "runpy.run_module('dovetail', run_name='__main__')\n"
    )
    project.write("homeless.py", script)
    answer = _shell(project, "env -u HOME -u DOVETAIL_HOME -u XDG_DATA_HOME python homeless.py run list")
    assert_message(answer, 4, "no home directory", "HOME", "DOVETAIL_HOME")
    assert not (project.directory / "~").exists()
    assert _shell(project, "env -u HOME python homeless.py run list").code == 0


@pytest.mark.parametrize("env", [{"LC_ALL": "C", "LANG": "C"}, ASCII], ids=["C", "ASCII"])
def test_g10_texts_beyond_ascii_pass_through_a_plain_locale(
    project: CommandLine, env: dict[str, str]
) -> None:
    assert _shell(project, "dovetail run run.py --no-cache --in-process", **env).code == 0
    assert _shell(project, "dovetail run run.py --no-cache", **env).code == 0
    utf8 = {"PYTHONUTF8": "1"}
    assert project("run", "logs", "last", "compute", env=utf8).out == "ein Schneemann ☃ värde ☃\n"
    shown = project("run", "show", "last", "--json", env=utf8).json()
    assert shown["steps"][0]["parameters"] == {"ключ": "värde ☃"}
    assert _shell(project, "python run.py", **env).code == 0


def test_g10_names_beyond_ascii_work_or_are_refused_with_a_remedy(project: CommandLine) -> None:
    project.write("größe.py", RUN)
    command = "dovetail run größe.py --param compute.ключ=щ --name läuft -q"
    assert _shell(project, command, LC_ALL="C", LANG="C").code == 0
    assert _shell(project, "dovetail run show läuft").code == 0
    assert_message(_shell(project, "dovetail run größe.py -q", **ASCII), 4, "is no text", "PYTHONUTF8=1")
    assert_message(_shell(project, "python größe.py", **ASCII), 4, "is no text", "PYTHONUTF8=1")


def test_g10_closed_streams_disturb_no_run(project: CommandLine, size: Size) -> None:
    every = "<&- >&- 2>&-"
    lines = [
        f"dovetail run run.py {every}", f"python run.py {every}", f"dovetail run run.py --in-process {every}",
        *(f"{command} {closed}" for command in ("dovetail run run.py", "python run.py")
          for closed in ("<&-", ">&-", "2>&-")),
    ][: size(4, 9)]  # fmt: skip
    for line in lines:
        assert _shell(project, line).code == 0, line
    assert [each["status"] for each in project("run", "list", "--json").json()] == ["completed"] * len(lines)


def test_g10_an_output_that_is_full_is_a_message_and_changes_no_other_exit_code(project: CommandLine) -> None:
    answer = _shell(project, "dovetail run run.py -q >/dev/full")
    assert_message(answer, 8, "standard output: No space left on device")
    assert project("run", "list", "--json").json()[0]["status"] == "completed"
    assert _shell(project, "dovetail run run.py 2>/dev/full").code == 0
    assert _shell(project, "dovetail run nothing.py 2>/dev/full").code == 2
    assert _shell(project, "python run.py >/dev/full 2>/dev/full").code == 0


def test_g10_a_reader_that_leaves_ends_the_command_quietly_and_not_the_run(project: CommandLine) -> None:
    project.write("loud.py", RUN.replace('print("ein', 'print("x" * 300_000)\n    print("ein'))
    answer = _shell(project, "(dovetail run loud.py; echo left with $? >&2) | head -c 10")
    assert answer.err.endswith("left with 141\n") or answer.err.endswith("left with 0\n"), answer.err
    assert "Traceback" not in answer.err
    assert project("run", "list", "--json").json()[0]["status"] == "completed"


def test_g10_any_terminal_will_do(project: CommandLine, size: Size) -> None:
    project.write("terminal.py", TERMINAL)
    kinds = [("1", "xterm"), ("5000", "dumb"), ("1", "dumb"), ("20", "xterm"), ("5000", "xterm")][
        : size(2, 5)
    ]
    for width, term in kinds:
        answer = project.python("terminal.py", width, "run", "run.py", "--no-cache", env={"TERM": term})
        assert answer.code == 0, (width, term, answer)
    assert [each["status"] for each in project("run", "list", "--json").json()] == ["completed"] * len(kinds)


def test_g10_places_may_have_any_name(tmp_path: Path) -> None:
    odd = CommandLine(tmp_path / ODD / "project", tmp_path / ODD / "home")
    odd.write("run.py", RUN)
    database, store = tmp_path / ODD / f"{ODD}.db", tmp_path / ODD / "store"
    for command in (
        ("metadata-store", "register", "m", "--flavor", "sqlite", "--path", str(database)),
        ("artifact-store", "register", "a", "--flavor", "local", "--path", str(store)),
        ("stack", "register", "s", "-o", "local", "-a", "a", "-m", "m", "--set"),
        ("run", "run.py", "--name", "odd", "-q"),
        ("run", "run.py", "--name", "default", "-q", "--stack", "default"),
        ("artifact", "verify", "--all"),
        ("run", "logs", "odd"),
    ):
        answer = odd(*command, env={"TMPDIR": str(odd.directory)})
        assert answer.code == 0, (command, answer)
    assert database.exists()
    assert (store / "artifacts").is_dir()
    assert (odd.home / "store" / "metadata.db").exists()
    assert sorted(each.name for each in (tmp_path / ODD).iterdir()) == sorted(
        [database.name, f"{database.name}.lock", "home", "project", "store"]
    )


@pytest.mark.parametrize(("parts", "said"), [(12, "too long for SQLite"), (25, "File name too long")])
def test_g10_a_path_that_is_too_long_is_a_message(
    project: CommandLine, tmp_path: Path, parts: int, said: str
) -> None:
    home = tmp_path.joinpath(*["n" * 200] * parts)
    assert_message(project("run", "run.py", "-q", env={"DOVETAIL_HOME": str(home)}), 8, said)


def test_g10_in_a_directory_that_is_gone_the_message_says_so(project: CommandLine) -> None:
    for command in ("dovetail run list", "dovetail run run.py", "dovetail init new"):
        answer = _shell(project, f'mkdir gone && cd gone && rmdir "$PWD" && {command}')
        assert_message(answer, 4, "the current directory is gone")


def test_g10_what_is_no_readable_file_is_told_and_not_waited_for(project: CommandLine) -> None:
    os.mkfifo(project.directory / "pipe.yaml")
    os.mkfifo(project.directory / "pipe.py")
    for each in ("folder.yaml", "folder.py"):
        (project.directory / each).mkdir()
    (project.directory / "bytes.yaml").write_bytes(b"a: \xff\xfe\n")
    for command, code, said in (
        ("dovetail run run.py --config pipe.yaml", 4, "it is a pipe, not a file"),
        ("dovetail run pipe.yaml", 2, "it is a pipe, not a file"),
        ("dovetail run pipe.py", 2, "it is a pipe, not a file"),
        ("dovetail stack import pipe.yaml", 4, "it is a pipe, not a file"),
        ("dovetail run run.py --config folder.yaml", 2, "is a directory"),
        ("dovetail run folder.py", 2, "Is a directory"),
        ("dovetail pipeline compile run.py -o folder.yaml", 2, "is a directory"),
        ("dovetail run run.py --config bytes.yaml", 4, "no UTF-8 text"),
        ("dovetail run bytes.yaml", 4, "no UTF-8 text"),
        ("DOVETAIL_HOME=run.py dovetail run run.py", 8, "Not a directory"),
    ):
        assert_message(_shell(project, command), code, said)


def test_g10_a_database_that_is_none_of_ours_is_refused_and_left_alone(project: CommandLine) -> None:
    assert project("run", "run.py", "-q").code == 0
    database = project.home / "store" / "metadata.db"
    for kind in ("cut", "garbage", "other", "pipe", "folder"):
        said = _put(database, kind)
        before = database.read_bytes() if database.is_file() else b""
        for command in (("run", "list"), ("run", "run.py", "-q")):
            assert_message(project(*command, timeout=60), 8, str(database), said)
        assert (database.read_bytes() if database.is_file() else b"") == before


def _put(database: Path, kind: str) -> str:
    """Put something in the place of a database; return what is to be said about it."""
    if kind == "cut":
        os.truncate(database, 5000)
        return "the file is damaged"
    database.unlink()
    if kind == "folder":
        database.mkdir()
        return "is no file"
    if kind == "pipe":
        os.mkfifo(database)
        return "is no file"
    if kind == "other":
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("CREATE TABLE x (a)")
        return "a database of another program"
    database.write_bytes(bytes(range(256)) * 50)
    return "is no SQLite database"


def test_g10_an_empty_database_file_is_a_new_one(project: CommandLine) -> None:
    database = project.home / "store" / "metadata.db"
    database.parent.mkdir(parents=True)
    database.touch()
    assert project("run", "list").err == "no runs\n"
    assert project("run", "run.py", "-q").code == 0


def test_g10_a_scratch_directory_that_is_not_there_is_replaced(project: CommandLine) -> None:
    assert project("run", "run.py", "-q", env={"TMPDIR": "/nowhere/at/all"}).code == 0
