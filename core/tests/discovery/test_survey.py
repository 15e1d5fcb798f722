from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest

from dovetail.discovery.index import Index, load_index
from dovetail.discovery.integration import Integration, State
from dovetail.errors import ConfigurationError

GOOD = """
from dovetail.plugin import Flavor, hookimpl

@hookimpl
def dovetail_artifact_stores():
    yield Flavor("shelf", contract=1, config="{module}_store:Config", implementation="{module}_store:Store")
"""
COUNTS = """
import pathlib
pathlib.Path({log!r}).open("a").write("asked ")
"""
CULPRITS = {
    "leaves": ("import os; os._exit(3)", "exit code 3"),
    "sleeps": ("import time; time.sleep(60)", "within 2 s"),
    "spins": ("while True: pass", "within 2 s"),
    "dies": ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
    "raises": ("1 / 0", "ZeroDivisionError: division by zero"),
    "exits": ("import sys; sys.exit('enough')", "SystemExit: enough"),
    "asserts": ("assert 0, 'never'", "AssertionError: never"),
    "interrupts": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "lacks": ("import no_such_library", "needs 'no_such_library'"),
    "asks": ("input('name? ')", "EOFError"),
    "half": ("def (", "SyntaxError"),
    "closes": ("import os, time; os.closerange(3, 100); time.sleep(60)", "closed the way back"),
}


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOVETAIL_INDEX_TIMEOUT", "2")


def one(name: str, index: Index | None = None) -> Integration:
    return (index or load_index(refresh=True)).integration(name)


def running(pid: int) -> bool:
    """Say whether a process is there and is more than its exit code."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("name", CULPRITS)
def test_a_culprit_is_broken_and_the_others_are_not(site: Any, name: str) -> None:
    source, said = CULPRITS[name]
    site.wheel("dovetail-a-good")
    site.wheel(f"dovetail-{name}", source)
    site.wheel("dovetail-z-good")
    index = load_index(refresh=True)
    culprit = one(name, index)
    assert culprit.state is State.BROKEN
    assert said in culprit.cause
    assert culprit.cure
    assert (culprit.wheel, culprit.version) == (f"dovetail-{name}", "1.0")
    assert [one(each, index).state for each in ("a-good", "z-good", "builtin")] == [State.OK] * 3


def test_several_culprits_in_a_row_are_each_named(site: Any) -> None:
    for number in range(3):
        site.wheel(f"dovetail-c{number}", f"import os; os._exit({number})")
    index = load_index(refresh=True)
    assert [f"exit code {n}" in one(f"c{n}", index).cause for n in range(3)] == [True] * 3


@pytest.mark.parametrize(
    "source", ["print('hello')", "import os; os.write(1, b'hello')", "import os; os.system('echo hello')"]
)
def test_what_a_plugin_prints_is_noted_and_kept_away(
    site: Any, source: str, capfd: pytest.CaptureFixture[str]
) -> None:
    site.wheel("dovetail-loud", source + GOOD)
    loud = one("loud")
    assert loud.state is State.OK
    assert "'hello'" in loud.cause
    assert loud.flavors
    assert capfd.readouterr() == ("", "")


def test_a_copy_that_a_plugin_forks_does_not_answer(site: Any) -> None:
    site.wheel("dovetail-forks", "import os; os.fork()" + GOOD)
    site.wheel("dovetail-next")
    index = load_index(refresh=True)
    assert [one(each, index).state for each in ("forks", "next")] == [State.OK, State.OK]


RUDE = """
import os, sys
os.chdir("/"); os.environ.clear(); sys.path.clear(); sys.path = []; sys.meta_path.clear()
sys.stdout = sys.stderr = None
sys.setrecursionlimit(60)
os.close(1); os.close(2)
"""


def test_what_one_plugin_changes_is_not_what_the_next_one_finds(site: Any, tmp_path: Path) -> None:
    site.wheel("dovetail-a-rude", "from dovetail.plugin import Flavor, hookimpl" + RUDE + GOOD)
    found = "import os, pathlib, sys\nassert os.getcwd() == {here!r}\nassert os.environ['DOVETAIL_HOME']\n"
    found += "assert sys.getrecursionlimit() > 500\nprint('hello')\nos.write(2, b'hello')"
    site.wheel("dovetail-next", found.replace("{here!r}", repr(str(tmp_path))) + GOOD)
    index = load_index(refresh=True)
    assert (one("next", index).state, one("builtin", index).state) == (State.OK, State.OK)
    assert "hello" in one("next", index).cause


@pytest.mark.parametrize(
    "before", ["import os; os.fork()", "import subprocess; subprocess.Popen(['sleep', '600'])"]
)
def test_how_a_process_ended_is_seen_also_when_a_copy_of_it_lives_on(site: Any, before: str) -> None:
    site.wheel("dovetail-before", before + GOOD)
    site.wheel("dovetail-leaves", "import os; os._exit(3)")
    assert "exit code 3" in one("leaves").cause


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
def test_what_a_plugin_starts_ends_with_the_survey(site: Any, tmp_path: Path) -> None:
    starts = "import subprocess, pathlib\nchild = subprocess.Popen(['sleep', '600'])\n"
    site.wheel("dovetail-starts", f"{starts}pathlib.Path('pid').write_text(str(child.pid))\n{GOOD}")
    assert one("starts").state is State.OK
    pid = int((tmp_path / "pid").read_text())
    while running(pid):
        time.sleep(0.01)


def test_no_plugin_is_imported_into_the_host(site: Any) -> None:
    site.wheel("dovetail-shelf")
    assert one("shelf").state is State.OK
    assert "dovetail_shelf" not in sys.modules


def test_a_culprit_is_not_asked_again_until_its_wheel_changes(site: Any, tmp_path: Path) -> None:
    log = tmp_path / "log"
    source = COUNTS.replace("{log!r}", repr(str(log))) + "import os; os._exit(3)"
    site.wheel("dovetail-leaves", source)
    load_index()
    site.wheel("dovetail-other")
    assert one("leaves", load_index()).state is State.BROKEN
    assert log.read_text() == "asked "
    site.wheel("dovetail-leaves", source, version="1.1")
    assert one("leaves", load_index()).version == "1.1"
    assert log.read_text() == "asked asked "


def test_a_refresh_asks_a_culprit_again(site: Any, tmp_path: Path) -> None:
    site.wheel(
        "dovetail-moody", "import os, pathlib\nif not pathlib.Path('mended').exists(): os._exit(3)\n" + GOOD
    )
    assert one("moody", load_index()).state is State.BROKEN
    (tmp_path / "mended").touch()
    assert one("moody", load_index()).state is State.BROKEN
    assert one("moody", load_index(refresh=True)).state is State.OK


def test_an_edit_of_an_editable_wheel_is_noticed(site: Any) -> None:
    file = site.wheel("dovetail-mine", "1 / 0", editable=True)
    assert one("mine", load_index()).state is State.BROKEN
    file.write_text(GOOD.replace("{module}", "dovetail_mine"))
    assert one("mine", load_index()).state is State.OK


def test_an_edit_of_an_editable_culprit_is_noticed(site: Any) -> None:
    file = site.wheel("dovetail-mine", "import os; os._exit(3)", editable=True)
    assert one("mine", load_index()).state is State.BROKEN
    file.write_text(GOOD.replace("{module}", "dovetail_mine"))
    assert one("mine", load_index()).state is State.OK


def test_a_library_installed_later_mends_what_lacked_it(site: Any) -> None:
    site.wheel("dovetail-lacks", "import late_library" + GOOD)
    assert one("lacks", load_index()).state is State.BROKEN
    site.wheel("late-library", "", integration="unrelated")
    assert one("lacks", load_index()).state is State.OK


def test_a_folder_with_modules_of_plugin_names_decides_nothing(
    site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.wheel("dovetail-shelf")
    (tmp_path / "dovetail_shelf.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    assert one("shelf").state is State.OK


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "99999"])
def test_a_time_limit_is_a_number_of_seconds(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("DOVETAIL_INDEX_TIMEOUT", text)
    with pytest.raises(ConfigurationError, match="DOVETAIL_INDEX_TIMEOUT"):
        load_index(refresh=True)


def test_disabled_integrations_are_not_even_imported(
    site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    site.wheel("dovetail-off", COUNTS.replace("{log!r}", repr(str(log))) + GOOD)
    monkeypatch.setenv("DOVETAIL_DISABLED_INTEGRATIONS", "off,builtin")
    index = load_index()
    assert (one("off", index).state, one("builtin", index).state) == (State.DISABLED, State.OK)
    assert "enable off" in one("off", index).cure
    assert not log.exists()
