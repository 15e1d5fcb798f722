"""Wheels that are broken, slow, loud or hostile are named, and harm no command they are no part of."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dovetail.testing.command_line import CommandLine
from dovetail.testing.site import ANNOUNCES, Site

ASKED = """
import os
with open(os.environ["ASKED"], "a") as file:
    file.write("{module} ")
"""
GOOD = ASKED + ANNOUNCES
# Name -> what its module does, and what the list says of it; None where it can be used all the same.
CULPRITS: dict[str, tuple[str, str | None]] = {
    "leaves": ("import os; os._exit(3)", "exit code 3"),
    "sleeps": ("import time; time.sleep(10)", "did not come to an end within"),
    "lacks": ("import no_such_library", "needs 'no_such_library'"),
    "exits": ("raise SystemExit('no more')", "SystemExit: no more"),
    "bases": ("class Odd(BaseException): pass\nraise Odd('odd')", "Odd: odd"),
    "asks": ("input('name? ')", "EOFError"),
    "faults": ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
    "recurses": ("def f(): f()\nf()", "RecursionError"),
    "no-python": ("def (", "SyntaxError"),
    "prints": ("import os; print('{'); os.write(1, b'[1'); os.write(2, b'loud')" + GOOD, None),
    "forks": ("import os; os.fork()" + GOOD, None),
    "threads": (
        "import threading, time; threading.Thread(target=time.sleep, args=(600,)).start()" + GOOD,
        None,
    ),
    "children": ("import subprocess; subprocess.Popen(['sleep', '600'])" + GOOD, None),
    "huge": (GOOD + "x = bytearray(200 << 20)\n" + "y = 0\n" * 20_000, None),
    "rude": (
        "import os, signal, sys\nos.chdir('/'); os.environ.clear(); sys.path.clear()\n"
        "sys.excepthook = sys.stdout = sys.stderr = None\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        + ANNOUNCES,
        None,
    ),
}
PIPELINE = """
from dovetail import pipeline, step

@step
def one() -> int:
    return 1

@pipeline
def single():
    one()
"""
COMMANDS = (
    "run run.py --quiet --json",
    "run run.py --quiet --in-process --no-cache --json",
    "run list --json",
    "run show last --json",
    "run explain last one --json",
    "pipeline list --json",
    "artifact list --json",
    "artifact verify --all --json",
    "stack list --json",
    "stack show --json",
    "stack register other -o local -a local",
    "artifact-store register second --flavor local",
    "artifact-store list --json",
    "artifact-store flavors --json",
    "profile list --json",
    "integration show builtin --json",
    "version --json",
    "--help",
)


@pytest.fixture
def asked(site: Site, cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install all culprits and a good wheel; return the file in which each notes that it was imported."""
    log = tmp_path / "asked"
    log.touch()
    monkeypatch.setenv("ASKED", str(log))
    for name, (source, _) in CULPRITS.items():
        site.wheel(f"dovetail-{name}", source if "ASKED" in source else ASKED + source)
    site.wheel("dovetail-good", GOOD)
    cli.write("run.py", PIPELINE)
    return log


def problems(cli: CommandLine) -> list[str]:
    """Return which commands fail, or print other than one document where they should."""
    found = []
    for line in COMMANDS:
        answer = cli(*line.split())
        if answer.code or "Traceback" in answer.err:
            found.append(f"{line}: exit code {answer.code}: {answer.err}")
        elif line.endswith("--json"):
            json.loads(answer.out)
    return found


@pytest.mark.timeout(300)
def test_g12_every_culprit_is_named_and_no_other_command_is_harmed(
    cli: CommandLine, asked: Path, tell: Callable[[str], None]
) -> None:
    first = cli("integration", "list", "--json")
    assert first.code == 0, first.err
    listed = {each["name"]: each for each in first.json()}
    for name, (_, cause) in CULPRITS.items():
        found = listed[name]
        assert found["state"] == ("broken" if cause else "ok"), found
        assert (cause or "") in str(found["cause"]), found
        assert found["cure"] or not cause, found
    assert "prints while" in listed["prints"]["cause"]
    assert (listed["good"]["state"], listed["builtin"]["state"]) == ("ok", "ok")

    before = asked.read_text()
    assert problems(cli) == []
    assert cli("integration", "list", "--json").json() == first.json()
    assert asked.read_text() == before, "a wheel was imported by a command that it is no part of"
    tell(f"{len(CULPRITS)} culprits named; {len(COMMANDS)} commands unharmed, none imported a wheel")


LOOK = """
import json, sys
from dovetail.cli.main import run
code = run({arguments!r})
sys.stdout.flush()
sys.stderr.write(json.dumps([code, sorted(sys.modules)]))
"""


@pytest.mark.parametrize("line", ["run list --json", "stack list --json", "artifact list --json", "--help"])
def test_g12_a_fresh_process_holds_no_module_of_a_wheel(site: Site, cli: CommandLine, line: str) -> None:
    for number in range(5):
        site.wheel(f"dovetail-n{number}", ANNOUNCES)
    assert cli("integration", "list").code == 0
    answer = cli.python("-c", LOOK.format(arguments=line.split()))
    code, modules = json.loads(answer.err)
    assert code == 0
    assert [each for each in modules if each.startswith("dovetail_")] == []


IN_USE = {
    "raises SystemExit": "raise SystemExit(5)",
    "raises what is no Exception": "class Odd(BaseException): pass\nraise Odd('odd')",
    "lacks a library": "import no_such_library",
    "is no class": "Config = 3",
}


@pytest.mark.parametrize("name", IN_USE)
def test_g12_a_flavor_that_fails_in_use_is_one_message_and_the_others_work(
    site: Site, cli: CommandLine, name: str
) -> None:
    site.wheel("dovetail-weak", ANNOUNCES, files={"dovetail_weak_store.py": IN_USE[name]})
    refused = cli("artifact-store", "register", "a", "--flavor", "shelf")
    assert refused.code == 7
    assert "dovetail-weak" in refused.err
    assert refused.err.count("error: ") == 1
    assert "Traceback" not in refused.err
    assert [each["name"] for each in cli("artifact-store", "list", "--json").json()] == ["local"]
    assert cli("artifact-store", "register", "a", "--flavor", "local").code == 0


@pytest.mark.skipif(os.name == "nt", reason="a FIFO")
def test_g12_a_wheel_whose_own_description_is_damaged_is_no_obstacle(site: Site, cli: CommandLine) -> None:
    damages: dict[str, Callable[[Path], object]] = {
        "garbage": lambda info: (info / "entry_points.txt").write_bytes(os.urandom(3000)),
        "unnamed": lambda info: (info / "METADATA").unlink(),
        "empty": lambda info: (info / "METADATA").write_text(""),
        "folder": lambda info: ((info / "entry_points.txt").unlink(), (info / "entry_points.txt").mkdir()),
    }
    for name, damage in damages.items():
        site.wheel(f"dovetail-{name}", ANNOUNCES)
        damage(site.folder / f"dovetail_{name}-1.0.dist-info")
    site.wheel("dovetail-good", ANNOUNCES)
    answer = cli("integration", "list", "--json")
    assert answer.code == 0, answer.err
    states = {each["name"]: each["state"] for each in answer.json()}
    assert (states["good"], states["builtin"]) == ("ok", "ok")
    assert "Traceback" not in answer.err
