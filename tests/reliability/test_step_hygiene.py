"""What one step does to its process does not disturb the next, in processes and in this one."""

from __future__ import annotations

import random
from collections.abc import Callable
from textwrap import dedent, indent

import pytest

from dovetail.testing.command_line import CommandLine

MODES = pytest.mark.parametrize("mode", [[], ["--in-process"]], ids=["processes", "in_process"])

RUDE = {
    "moves": "os.chdir('/')",
    "loses_its_directory": "os.mkdir('lost'); os.chdir('lost'); os.rmdir(os.getcwd())",
    "edits_the_environment": "os.environ['NEW'] = '1'; del os.environ['HOME']; os.environ['PATH'] = '/'",
    "replaces_the_environment": "os.environ = {}",
    "edits_the_path": "sys.path.clear(); sys.argv[:] = ['other']",
    "replaces_the_path": "sys.path = ['/nowhere']; sys.argv = []",
    "takes_modules_away": "sys.modules['csv'] = None; del sys.modules['colorsys']",
    "filters_warnings": "warnings.simplefilter('error')",
    "sets_the_umask": "os.umask(0o777)",
    "sets_the_locale": "locale.setlocale(locale.LC_ALL, 'C.UTF-8')",
    "handles_signals": "signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.signal(signal.SIGUSR1, print)",
    "blocks_signals": "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])",
    "sets_an_alarm": "signal.setitimer(signal.ITIMER_REAL, 0.05)",
    "limits_recursion": "sys.setrecursionlimit(150); gc.disable()",
    "configures_logging": "logging.basicConfig(level=5); logging.disable(60)",
    "disables_a_logger": "logging.getLogger('a').disabled = True",
    "sets_decimals": "decimal.getcontext().prec = 3; decimal.setcontext(decimal.Context(prec=4))",
    "replaces_hooks": "sys.excepthook = sys.displayhook = threading.excepthook = print",
    "closes_output": "sys.stdout.close(); sys.stderr.close()",
    "closes_the_standard_streams": "os.close(1); os.close(2); sys.stdin.close(); os.close(0)",
    "replaces_output": "sys.stdout = sys.stderr = io.StringIO(); sys.stdin = io.StringIO('not empty')",
    "closes_all_descriptors": "os.closerange(3, 65536)",
    "leaves_a_thread": "threading.Thread(target=time.sleep, args=(600,)).start()",
    "leaves_a_child": "subprocess.Popen(['sleep', '600'])",
    "leaves_open_files": "globals().setdefault('kept', []).extend(open(os.devnull) for _ in range(50))",
    "registers_an_exit": "atexit.register(os.getpid)",
}

SCRIPT = """
    import atexit, colorsys, csv, decimal, gc, io, locale, logging, os, signal, subprocess, sys, threading
    import time, warnings
    from dovetail import pipeline, step

    logging.getLogger("a")

    def state():
        umask = os.umask(0o22)
        os.umask(umask)
        import colorsys, csv
        return {
            "directory": os.getcwd(), "environment": sorted(os.environ.items()), "path": sys.path,
            "arguments": sys.argv, "filters": list(map(str, warnings.filters)), "umask": umask,
            "locale": locale.setlocale(locale.LC_ALL), "modules": [colorsys.__name__, csv.__name__],
            "signals": [str(signal.getsignal(each)) for each in (2, 15, signal.SIGUSR1)],
            "blocked": sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, []))),
            "recursion": [sys.getrecursionlimit(), gc.isenabled()],
            "logging": [logging.root.level, len(logging.root.handlers), logging.root.manager.disable],
            "disabled": logging.getLogger("a").disabled, "decimals": decimal.getcontext().prec,
            "hooks": [sys.excepthook is sys.__excepthook__, sys.displayhook is sys.__displayhook__],
            "standard_input": sys.stdin.read(),
        }

    @step
    def first() -> dict:
        return state()

    @step
    def same(expected: dict, name: str) -> dict:
        print("still heard after", name)
        print("and so are errors", file=sys.stderr)
        os.system("echo and children")
        time.sleep(0.06 if name == "sets_an_alarm" else 0)
        now = state()
        assert now == expected, {key: (expected[key], now[key]) for key in now if now[key] != expected[key]}
        return now
"""

STEP = """
    @step
    def {name}(expected: dict) -> dict:
        {body}
        return expected
"""


def script(names: list[str]) -> str:
    steps = "".join(dedent(STEP).format(name=name, body=RUDE[name]) for name in names)
    calls = "".join(f"found = same({name}(found), name={name!r})\n" for name in names)
    body = indent(f"found = first()\n{calls}", "    ")
    return f"{dedent(SCRIPT)}{steps}\n@pipeline\ndef rude():\n{body}\nrude.run()\n"


@MODES
def test_a_step_finds_the_process_as_it_was_whatever_the_one_before_did(
    cli: CommandLine, mode: list[str], tell: Callable[[str], None]
) -> None:
    cli.write("run.py", script(list(RUDE)))
    answer = cli("run", "run.py", *mode, "--no-cache", "--failure-policy", "continue", "--json")
    assert answer.out, answer.err
    steps = answer.json()["steps"]
    assert [each for each in steps if each["status"] != "completed"] == []
    log = cli("run", "logs", "last").out
    assert [log.count(each) for each in ("still heard", "so are errors", "and children")] == [len(RUDE)] * 3
    tell(f"{len(RUDE)} ways to disturb a process, {' '.join(mode) or 'in processes'}: 0 steps disturbed")


def test_what_cannot_be_undone_in_this_process_is_told(cli: CommandLine) -> None:
    cli.write("run.py", script(["leaves_a_thread", "leaves_a_child"]))
    answer = cli("run", "run.py", "--in-process", timeout=60)
    assert answer.code == 0, answer.err
    assert "note: step 'leaves_a_thread' left 1 thread running in this process: Thread-" in answer.err
    assert "note: step 'leaves_a_child' left 1 child process running: " in answer.err


@MODES
def test_the_workspace_itself_may_go(cli: CommandLine, mode: list[str]) -> None:
    source = """
        import os, shutil
        from dovetail import pipeline, step

        @step
        def removes() -> int:
            shutil.rmtree(os.getcwd())
            return 1

        @step
        def after(value: int) -> int:
            return value + 1

        @pipeline
        def gone():
            after(removes())
    """
    cli.write("steps.py", dedent(source))
    (cli.directory / "gone").mkdir()
    start = "import os, sys; sys.path.insert(0, os.getcwd()); import steps; os.chdir('gone'); steps.gone.run("
    answer = cli.python("-c", f"{start}in_process={bool(mode)})")
    assert answer.code == 0, answer.err
    assert not (cli.directory / "gone").exists()


SEEDS = """
    import random
    from dovetail import pipeline, step

    @step
    def draws(name: str) -> float:
        return random.random()

    @step
    def seeds() -> float:
        random.seed(7)
        return random.random()

    @pipeline
    def drawing():
        draws(name="a"); seeds(); draws(name="b"); draws(name="c")

    if __name__ == "__main__":
        random.seed(5)
        for mode in (True, False):
            run = drawing.run(in_process=mode, enable_cache=False, quiet=True)
            print(*(run.step(each).output.load() for each in ("draws", "seeds", "draws_2", "draws_3")))
        print(random.random())
"""


def test_steps_have_random_numbers_of_their_own_and_those_of_the_script_go_on(cli: CommandLine) -> None:
    path = cli.write("run.py", dedent(SEEDS))
    one, two = cli.python(str(path)), cli.python(str(path))
    draws = [list(map(float, line.split())) for each in (one, two) for line in each.out.splitlines()]
    assert [len(each) for each in draws] == [4, 4, 1] * 2, one.err
    runs = [each for each in draws if len(each) == 4]
    assert {each[1] for each in runs} == {random.Random(7).random()}
    assert len({value for each in runs for value in (each[0], each[2], each[3])}) == 12
    assert [each[0] for each in draws if len(each) == 1] == [random.Random(5).random()] * 2


THREADS = """
    import os, threading, time
    from dovetail import pipeline, step

    @step
    def moves(name: str) -> str:
        for _ in range(5):
            os.chdir("/"); os.environ[name] = "1"; print(name); time.sleep(0.01)
        return name

    @pipeline
    def threaded(name: str):
        moves(name=name)

    if __name__ == "__main__":
        before = os.getcwd()
        threads = [
            threading.Thread(target=lambda name=name: threaded(name=name).run(in_process=True, quiet=True))
            for name in ("ONE", "TWO", "THREE")
        ]
        for each in threads: each.start()
        for each in threads: each.join()
        print("at the end", os.getcwd() == before, {"ONE", "TWO", "THREE"} & set(os.environ))
"""


def test_runs_in_threads_leave_the_process_as_it_was(cli: CommandLine) -> None:
    path = cli.write("run.py", dedent(THREADS))
    answer = cli.python(str(path))
    assert answer.out == "at the end True set()\n", answer.err
    statuses = {each["status"] for each in cli("run", "list", "--json").json()}
    assert statuses == {"completed"}
